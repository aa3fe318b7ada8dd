"""Which libraries are needed, and which are here."""

import re
import tomllib
from pathlib import Path

import pytest

from skillstack.forecast.libraries import NEEDED, NEEDED_FOR_NF4, Library, libraries

PROJECT = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8"))


def named(requirements: list[str]) -> dict[str, str]:
    return {re.split(">=", entry)[0]: entry.partition(">=")[2] for entry in requirements}


def test_the_needed_versions_are_those_of_the_package():
    assert named(PROJECT["project"]["dependencies"]) == NEEDED
    assert named(PROJECT["project"]["optional-dependencies"]["gpu"]) == NEEDED_FOR_NF4


def test_all_are_here():
    assert all(library.fits for library in libraries() if library.needed)


@pytest.mark.parametrize(
    ("version", "fits"),
    [("2.6", True), ("2.10.1+cpu", True), ("2.5.9", False), ("", False), ("3.0rc1", True)],
)
def test_versions_are_compared_as_numbers(version, fits):
    assert Library("torch", "2.6", version).fits is fits


def test_a_library_of_any_version_fits_when_it_is_here():
    assert Library("x", "", "0.1").fits
    assert Library("x", "", "0.1").requirement == "x"

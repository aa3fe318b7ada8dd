"""What this machine is, and which libraries are here."""

import os
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from skillstack.forecast import machine
from skillstack.forecast.machine import libraries, notebook_service, this_machine

PROJECT = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8"))


def test_this_machine_has_cores_and_more_memory_than_is_free():
    found = this_machine()
    assert 1 <= found.cores <= (os.cpu_count() or 1)
    assert 0 < found.memory_free <= found.memory_total
    assert found.python.startswith("3.")
    assert found.torch


def test_services_that_end_sessions_are_told_by_their_environment():
    assert notebook_service({"KAGGLE_KERNEL_RUN_TYPE": "Interactive"}) == "kaggle"
    assert notebook_service({"COLAB_RELEASE_TAG": "release"}) == "colab"
    assert notebook_service({}) == ""


def test_the_libraries_are_those_that_the_package_declares_and_all_are_here(monkeypatch):
    project = PROJECT["project"]
    optional = [
        f'{text}; extra == "{extra}"'
        for extra, requirements in project["optional-dependencies"].items()
        for text in requirements
    ]
    monkeypatch.setattr(machine.metadata, "requires", lambda name: [*project["dependencies"], *optional])
    found = {library.name: library for library in libraries()}
    assert found.keys() == {Requirement(text).name for text in project["dependencies"]}
    assert all(library.fits for library in found.values())
    assert found["torch"].needed == "2.6"
    assert {library.name for library in libraries(["gpu"])} - found.keys() == {"bitsandbytes"}
    assert {library.name for library in libraries(["llm"])} - found.keys() == {"gguf"}


@pytest.mark.parametrize(
    ("version", "fits"),
    [("2.6", True), ("2.10.1+cpu", True), ("2.5.9", False), ("", False), ("3.0rc1", True)],
)
def test_versions_are_compared_as_versions(version, fits, monkeypatch):
    monkeypatch.setattr(machine.metadata, "requires", lambda name: ["torch>=2.6", 'x; extra == "dev"'])
    monkeypatch.setattr(machine.metadata, "version", lambda name: version)
    (library,) = libraries()
    assert (library.fits, library.requirement) == (fits, "torch>=2.6")

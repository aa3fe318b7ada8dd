"""The workflow that checks each change on three systems."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / ".github" / "workflows" / "checks.yml"


@pytest.fixture(scope="module")
def jobs():
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))["jobs"]


def test_three_systems_and_two_pythons_are_tested(jobs):
    matrix = jobs["tests"]["strategy"]["matrix"]
    assert {name.split("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert matrix["python"] == ["3.11", "3.13"]


def test_installations_keep_to_the_constraints_and_actions_to_a_major_version(jobs):
    steps = [step for job in jobs.values() for step in job["steps"]]
    installs = [step["run"] for step in steps if "pip install" in step.get("run", "")]
    assert all("-c constraints.txt" in run or "--no-deps" in run for run in installs)
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"]) for step in steps if "uses" in step)


def test_it_needs_no_secret():
    assert "secrets." not in FILE.read_text(encoding="utf-8")


def test_it_lints_what_make_lints(jobs):
    make = (ROOT / "Makefile").read_text(encoding="utf-8")
    runs = [step.get("run", "") for step in jobs["lint"]["steps"]]
    for tool in re.findall(r"^\t\$\(BIN\)/((?:ruff|mypy|lint-imports).*)$", make, re.MULTILINE):
        assert tool in runs

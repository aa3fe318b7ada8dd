"""The built package carries what it needs, and answers without a store, an account or a download."""

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

"""The notebooks run, on the built-in base, without a network, and are kept without outputs."""

import json
import os
import shlex
import stat
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skillstack.cli.group import run

from .commands import few_steps

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
#: A command that fails stops the notebook; by itself a `!` line would not.
STRICT = """
shell = get_ipython()
plain = shell.system

def strict(command):
    plain(command)
    if shell.user_ns["_exit_code"]:
        raise RuntimeError(f"status {shell.user_ns['_exit_code']}: {command}")

shell.system = strict
"""
#: As one runs a notebook by hand on a small machine: the cell of settings, and this one after it.
SMALL = {
    "kaggle_hard8": {
        "WHAT": "--task banking --task travel",
        "MODEL": "minilm",
        "OPTIONS": "--samples-per-class 8 --router-samples 64",
        "TEXT": "please block my card",
    },
    "colab_quickstart": {"OPTIONS": "--samples-per-class 8 --router-samples 64"},
    "own_data": {"PER_QUEUE": 40, "OPTIONS": "--max-per-class 16"},
}

by_name = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a program `skillstack` for the search path: this checkout, whatever is installed."""
    folder = tmp_path_factory.mktemp("bin")
    if os.name == "nt":
        (folder / "skillstack.cmd").write_text(f'@"{sys.executable}" -m skillstack %*\n', encoding="utf-8")
        return folder
    script = folder / "skillstack"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m skillstack "$@"\n', encoding="utf-8")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return folder


@pytest.fixture
def machine(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What notebooks find: the program, no network, an empty folder and a cache that knows nothing."""
    monkeypatch.setenv("PATH", f"{program}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("SKILLSTACK_CACHE", str(tmp_path / "cache"))
    for name in ("SKILLSTACK_STORE", "SKILLSTACK_STACK", "WORLD_SIZE", "RANK"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "session"
    folder.mkdir()
    return folder


@pytest.fixture(params=["here", pytest.param("kernel", marks=pytest.mark.thorough)])
def execute(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[Any, Path], str]:
    """Runs a notebook's cells in a folder, in this process and in few steps, or as they are in a kernel."""
    if request.param == "kernel":
        return in_a_kernel
    few_steps(monkeypatch)
    return lambda book, folder: here(book, folder, monkeypatch, capsys)


def in_a_kernel(book: Any, folder: Path) -> str:
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    resources = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(book, timeout=300, kernel_name="python3", resources=resources).execute()
    return "".join(
        output.get("text", "")
        for cell in book.cells
        for output in cell.get("outputs", ())
        if output["output_type"] == "stream"
    )


def here(book: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    interactive = pytest.importorskip("IPython.core.interactiveshell")
    monkeypatch.chdir(folder)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # a shell puts its own there
    shell = interactive.InteractiveShell(user_module=types.ModuleType("notebook"))

    def system(line: str) -> None:
        program, *arguments = shlex.split(shell.var_expand(line))
        assert program == "skillstack"
        shell.user_ns["_exit_code"] = run(arguments)

    shell.system = system
    capsys.readouterr()
    try:
        for cell in book.cells:
            if cell.cell_type == "code":
                shell.run_cell(cell.source).raise_error()
    finally:
        shell.history_manager.end_session()
        said = capsys.readouterr()
    return said.out + said.err


def executed(name: str, folder: Path, execute: Callable[[Any, Path], str], **settings: object) -> str:
    """What a notebook says, run from top to bottom in a folder."""
    nbformat = pytest.importorskip("nbformat")
    book = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    place = next(i for i, cell in enumerate(book.cells) if "parameters" in cell.metadata.get("tags", ()))
    values = "\n".join(f"{key} = {value!r}" for key, value in {**SMALL[name], **settings}.items())
    book.cells.insert(place + 1, nbformat.v4.new_code_cell(values + STRICT))
    return execute(book, folder)


def test_there_are_three_of_them():
    assert [path.stem for path in NOTEBOOKS] == sorted(SMALL)


@by_name
def test_a_notebook_is_kept_without_outputs(path):
    for cell in cells(path):
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None


@by_name
def test_a_notebook_is_valid_and_its_settings_are_in_one_cell_before_all_others(path):
    nbformat = pytest.importorskip("nbformat")
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert ["parameters" in cell.metadata.get("tags", ()) for cell in code] == [True] + [False] * (
        len(code) - 1
    )
    names = {line.split(" = ")[0] for line in code[0].source.splitlines()}
    assert set(SMALL[path.stem]) <= names


@by_name
def test_a_notebook_explains_itself_and_names_no_place_of_one_machine(path):
    text = "".join("".join(cell["source"]) for cell in cells(path))
    kinds = [cell["cell_type"] for cell in cells(path)]
    assert kinds[0] == "markdown" and kinds.count("markdown") >= 5
    for place in ("/home/", "/root/", "/tmp/", "/work/", "C:\\"):
        assert place not in text


@pytest.mark.slow
def test_the_quickstart_runs(machine, execute):
    said = executed("colab_quickstart", machine, execute)
    assert "freeze_account" in said or "report_fraud" in said or "account_blocked" in said
    assert "errands: 1 frame trained, 1 there already" in said
    assert "travel lost_luggage" in said
    assert (machine / "errands.zip").is_file()


@pytest.mark.slow
def test_the_notebook_on_own_data_runs(machine, execute):
    said = executed("own_data", machine, execute)
    assert "ON HELD-OUT ROWS" in said
    assert "learned tickets" in said and "learned trips" in said
    assert "support: 2 frames" in said
    assert "2 of 2 skills answer the canary sentences" in said
    assert "rows held back are right" in said


@pytest.mark.slow
def test_the_kaggle_notebook_runs_and_the_next_session_goes_on_from_its_file_or_its_folder(
    machine, tmp_path, execute
):
    said = executed("kaggle_hard8", machine, execute)
    assert "hard8: 2 frames trained" in said
    assert "Not all is trained yet" not in said
    three = f"{SMALL['kaggle_hard8']['WHAT']} --task home"

    second = tmp_path / "second"
    second.mkdir()
    said = executed("kaggle_hard8", second, execute, PREVIOUS=str(machine / "hard8.zip"), WHAT=three)
    assert "hard8: 1 frame trained, 2 there already" in said

    third = tmp_path / "third"
    third.mkdir()
    said = executed("kaggle_hard8", third, execute, PREVIOUS=str(second), WHAT=three)
    assert "Nothing to do: 3 frames of hard8 are there already" in said
    assert (third / "hard8.zip").read_bytes() == (second / "hard8.zip").read_bytes()

"""`skillstack report` and `Stack.report` on a stack that was really trained."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from skillstack.cli.group import run
from skillstack.errors import UsageError
from skillstack.evaluation.questions import EvaluationConfig
from skillstack.reports.provenance import report_command
from skillstack.stack import Stack

from .html_page import HtmlPage

ROOT = Path(__file__).resolve().parents[2]
#: A training of a few seconds; its accuracies mean nothing.
TINY = ("--epochs", "1", "--samples-per-class", "4", "--router-samples", "32", "--set", "dev_samples=32")
FEW = ("--eval-samples-per-class", "4")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two small frames on the built-in base."""
    folder = tmp_path_factory.mktemp("reports") / "frames"
    tasks = ("--task", "imdb_sentences", "--task", "yelp_sentences")
    assert run(("train", *tasks, "--stack", "tiny", *TINY, "--store", str(folder))) == 0
    return folder


def report(store: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    status = run(("report", *arguments, *FEW, "--store", str(store), "--stack", "tiny"))
    return (status, *capsys.readouterr())


@pytest.mark.slow
def test_it_writes_a_report_once_and_the_same_bytes_again(store, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, _ = report(store, capsys)
    assert status == 0
    assert str(Path("report/report.html")) in out
    assert all(len(line) <= 80 for line in out.splitlines())
    first = {path: path.read_bytes() for path in Path("report").rglob("*") if path.is_file()}
    status, out, _ = report(store, capsys, "--json")
    found = json.loads(out)
    assert (status, found["schema"], found["stack"]) == (0, 1, "tiny")
    assert {Path("report") / name for name in found["files"]} == set(first)
    assert {path: path.read_bytes() for path in first} == first
    page = HtmlPage(Path("report/report.html").read_text(encoding="utf-8"))
    assert [row[0][0] for row in page.tables["cost"][1:]] == [
        "imdb_sentences",
        "yelp_sentences",
        "all frames",
    ]
    document = json.loads(Path("report/report.json").read_text(encoding="utf-8"))
    opened = Stack.open(store, "tiny")
    assert document["tip"] == opened.frames()[0].id
    assert document["report"]["frames"][0]["seconds"] > 0
    assert document["report"]["provenance"]["base"]["weights"] == opened.frames()[0].content.base.weights
    assert [len(row) for row in document["matrix"]["own_head"]] == [2, 2]


@pytest.mark.slow
def test_no_file_of_a_report_holds_a_path_of_the_machine(store, tmp_path):
    root = tmp_path / "somebody's private rows"
    (root / "imdb_sentences").mkdir(parents=True)
    (root / "imdb_sentences" / "task.json").write_text("{")
    opened = Stack.open(store, "tiny")
    done = opened.report(tmp_path / "report", per_class=4, data_dir=root)
    assert "imdb_sentences" in (done.folder / "tables" / "skipped.csv").read_text(encoding="utf-8")
    for name in done.files:
        data = (done.folder / name).read_bytes()
        for path in (tmp_path, store, Path.home(), ROOT):
            assert os.fsencode(path) + b"/" not in data, (name, path)
        assert os.fsencode(tmp_path) not in data, name


@pytest.mark.slow
def test_what_lies_in_the_folder_is_looked_at_before_anything_is_asked(store, tmp_path, capsys):
    (tmp_path / "thesis.tex").write_text("mine")

    def asked(done: int, of: int) -> None:
        raise AssertionError("the model was asked")

    with pytest.raises(UsageError, match=r"thesis\.tex"):
        Stack.open(store, "tiny").report(tmp_path, per_class=4, on_answers=asked)
    status, out, err = report(store, capsys, "--output", str(tmp_path))
    assert (status, out) == (2, "")
    assert "--output" in err
    status, _, err = report(store, capsys, "--bench-cells", str(tmp_path / "none"))
    assert status == 3
    assert "no finished cell" in err


def test_a_number_of_rows_that_means_nothing_is_refused(capsys):
    for number in ("0", "-3", "many", "²"):
        assert run(("report", "--eval-samples-per-class", number)) == 2
    capsys.readouterr()


def test_the_command_in_a_report_tells_no_folders():
    command = report_command("mine", EvaluationConfig.of(None, "/home/somebody/rows"))
    assert (
        command == "skillstack report --stack mine --eval-samples-per-class all --data-dir rows --no-matrix"
    )
    command = report_command("mine", EvaluationConfig.of(8, None, {"cards": "/data/my cards.csv"}, ["cards"]))
    assert command.endswith("--test 'cards=my cards.csv' --task cards --no-matrix")
    command = report_command(
        "mine", EvaluationConfig.of(8), bench_cells="/home/jo/hard8/", precision_change="bf16"
    )
    assert command.endswith("--no-matrix --bench-cells hard8 --precision-change bf16")
    assert report_command("a b", EvaluationConfig(matrix=True)).endswith(
        "--stack 'a b' --eval-samples-per-class 64"
    )


def test_nothing_else_needs_the_plotting_library():
    code = (
        "import sys, skillstack.stack, skillstack.cli.report, skillstack.reports.report as r; "
        "print(sorted({'matplotlib', 'jinja2', 'torch', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

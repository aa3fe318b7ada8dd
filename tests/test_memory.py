"""Rows in memory: lists, data frames and data sets teach and test as a table file of the same rows does."""

from __future__ import annotations

import csv
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import pandas
import pyarrow
import pytest

from skillstack import InputError, Recipe, Row, Stack, TableOptions, UsageError
from skillstack.data.memory import load_rows
from skillstack.data.sources import load_task

from .commands import few_steps

PAGE = Path(__file__).resolve().parents[1] / "docs" / "own_data.md"
RECIPE = Recipe(
    method="frozen-linear", max_length=32, epochs=1, min_epochs=1, router_samples=48, dev_samples=40
)


def rows_of(task: str, labels: int, most: int) -> list[tuple[str, str]]:
    data = load_task(task)
    found = [(e.row.text, data.task.labels[e.label]) for e in data.train if e.label < labels]
    random.Random(0).shuffle(found)
    return found[:most]


ROWS = rows_of("banking", 3, 150)
TEXTS, LABELS = [text for text, _ in ROWS], [label for _, label in ROWS]
COLUMNS = {"message": TEXTS, "queue": LABELS}


class PolarsSeries:
    """What a column of polars can do."""

    def __init__(self, values: list[str]) -> None:
        self.values = values

    def __iter__(self) -> Any:
        return iter(self.values)

    def to_list(self) -> list[str]:
        return list(self.values)


class PolarsFrame:
    """What a data frame of polars can do."""

    @property
    def columns(self) -> list[str]:
        return list(COLUMNS)

    def __getitem__(self, name: str) -> PolarsSeries:
        return PolarsSeries(COLUMNS[name])


def numbered() -> datasets.Dataset:
    """A data set whose labels are numbers with names."""
    names = sorted(set(LABELS))
    made = datasets.Dataset.from_dict({"message": TEXTS, "queue": [names.index(one) for one in LABELS]})
    return made.cast_column("queue", datasets.ClassLabel(names=names))


TABLES = {
    "pandas": lambda: pandas.DataFrame(COLUMNS),
    "polars": PolarsFrame,
    "arrow": lambda: pyarrow.table(COLUMNS),
    "data set": lambda: datasets.Dataset.from_dict(COLUMNS),
    "named numbers": numbered,
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([tuple(COLUMNS), *ROWS])
    return path


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_in_memory_is_the_task_that_a_file_of_its_rows_is(file: Path, kind: str) -> None:
    of_file, found = load_rows("tickets", "support", file), load_rows("tickets", "support", TABLES[kind]())
    assert (found.data.task, found.data.source) == (of_file.data.task, of_file.data.source)
    assert (found.data.train, found.data.test) == (of_file.data.train, of_file.data.test)
    assert found.report == of_file.report


def test_a_list_with_labels_is_the_task_that_a_file_of_its_rows_is(file: Path) -> None:
    of_file = load_rows("tickets", "support", file).data
    for labels in (LABELS, pandas.Series(LABELS), PolarsSeries(LABELS)):
        found = load_rows("tickets", "support", pandas.Series(TEXTS), labels).data
        assert (found.task, found.train, found.test) == (of_file.task, of_file.train, of_file.test)


def test_a_list_of_pairs_teaches_pairs() -> None:
    rows = [Row(text, f"second {place}") for place, text in enumerate(TEXTS)]
    found = load_rows("pairs", "nli", rows, LABELS).data
    assert found.task.pair and all(example.row.has_pair for example in found.train)


def test_missing_cells_are_empty_ones() -> None:
    frame = pandas.DataFrame({"message": [*TEXTS, None, "a text"], "queue": [*LABELS, "balance", pandas.NA]})
    report = load_rows("tickets", "support", frame).report
    assert (report.empty, report.unlabelled) == (1, 1)


@pytest.mark.parametrize(
    ("data", "labels", "said"),
    [
        (None, None, "NoneType is no table"),
        (7, None, "int is no table"),
        ({"text": TEXTS, "label": LABELS}, None, "dict is no table"),
        (TEXTS, None, "list is no table"),
        (TEXTS, LABELS[:-1], "150 texts and 149 labels"),
        ([*TEXTS[:5], ["a list"]], LABELS[:6], "Row 6: The text is not a string but list"),
        ([*TEXTS[:2], None], LABELS[:3], "Row 3: The text is not a string but NoneType"),
        (["", *TEXTS[:2]], LABELS[:3], "Row 1: The text is empty"),
        (TEXTS[:2], [["a"], "b"], "The label of row 1 is a list"),
        ({"text": TEXTS}, LABELS, "type dict stands where texts"),
        ("rows.csv", LABELS, "beside"),
        ([], [], "no rows"),
        (pandas.DataFrame([["a", "b"]], columns=["text", "text"]), None, "share a name"),
    ],
)
def test_what_is_no_rows_is_refused_by_its_kind(data: Any, labels: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load_rows("tickets", "support", data, labels)


def test_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="no column 'body'"):
        load_rows("tickets", "support", pandas.DataFrame(COLUMNS), options=TableOptions(text="body"))


def test_a_skill_from_memory_is_learned_asked_and_tested_there(file: Path, tmp_path: Path) -> None:
    stack = Stack.open(tmp_path / "frames", "own", create=True)
    frame = pandas.DataFrame(COLUMNS)
    learned = stack.learn("tickets", frame, recipe=RECIPE)
    assert learned.stack is stack and learned.change == "learned"
    again = stack.learn("tickets", file, recipe=RECIPE)
    assert again.change == "nothing" and again.frame == learned.frame
    answers = stack.predict(frame["message"])
    assert [one.label_name for one in answers] == [stack.predict(text).label_name for text in TEXTS]
    tables = {"tickets": frame}
    found = stack.evaluate(tables=tables, per_class=None)
    of_file = stack.evaluate(tables={"tickets": file}, per_class=None)
    assert found.tasks[0].texts == of_file.tasks[0].texts
    of_pair = stack.evaluate(tables={"tickets": (TEXTS, LABELS)}, per_class=None)
    assert of_pair.modes["task_aware"] == found.modes["task_aware"]
    assert repr(found).startswith("Evaluation('own', 1 task: task_aware ")
    assert len(repr(learned).splitlines()) == len(repr(found).splitlines()) == 1


@pytest.mark.slow
def test_the_lines_of_the_page_on_own_data_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few_steps(monkeypatch)
    monkeypatch.chdir(tmp_path)
    (lines,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    frame = pandas.DataFrame({"body": TEXTS, "queue": LABELS})
    others = rows_of("travel", 3, 60)
    names = {"df": frame, "texts": [text for text, _ in others], "labels": [label for _, label in others]}
    exec(lines, names)
    assert [one.name for one in Stack.open("frames")] == ["mails", "tickets"]


def test_no_library_of_data_frames_is_imported_for_lists() -> None:
    code = (
        "import sys, skillstack.data.memory as m; m.load_rows('a', 'a', list('abcdef'), list('xyxyxy')); "
        "assert not {'pandas', 'polars', 'pyarrow', 'datasets'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

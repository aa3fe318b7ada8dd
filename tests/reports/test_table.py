"""Tables: the same figures as CSV and as Markdown."""

from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from skillstack.evaluation.intervals import Interval
from skillstack.reports.table import (
    ReportTable,
    TableCell,
    count,
    markdown,
    name_column,
    number_column,
    points,
    share,
    text,
    to_csv,
    to_markdown,
)

TABLE = ReportTable(
    "t",
    "A table",
    (
        name_column("task"),
        number_column("accuracy, %", "accuracy", interval=True),
        number_column("texts", "n"),
    ),
    (
        (text("films"), share(0.9123456789, Interval(0.85, 0.95)), count(1234)),
        (text("a|b"), TableCell((None, None, None), "–"), count(None)),
    ),
)


def test_csv_has_full_numbers_and_the_ends_of_intervals_in_columns_of_their_own():
    assert to_csv(TABLE) == (
        "task,accuracy,accuracy_low,accuracy_high,n\nfilms,0.912346,0.85,0.95,1234\na|b,,,,\n"
    )


def test_markdown_has_rounded_numbers_and_as_many_cells_in_each_line():
    lines = to_markdown(TABLE).splitlines()
    assert lines[0] == "| task | accuracy, % | texts |"
    assert lines[1] == "| --- | ---: | ---: |"
    assert lines[2] == "| films | 91.2 (85.0 to 95.0) | 1,234 |"
    assert lines[3] == "| a\\|b | – | – |"


@given(st.text())
def test_a_cell_of_any_text_is_one_line_of_markdown_and_one_field_of_csv(value):
    table = ReportTable("t", "T", (name_column("a"), name_column("b")), ((text(value), text("end")),))
    assert len(to_markdown(table).splitlines()) == 3
    rows = list(csv.reader(io.StringIO(to_csv(table))))
    assert [len(row) for row in rows] == [2, 2]
    assert not rows[1][0].startswith(("=", "+", "-", "@", "\t"))
    assert not set(markdown(value)) & set("\u202e\u2066\x1b\n\r")


def test_zero_has_no_sign_and_a_loss_has_a_true_minus():
    assert points(-0.0001, sign=True) == "0.0"
    assert points(0.012, sign=True) == "+1.2"
    assert points(-0.012) == "\u22121.2"

"""Labels are shown so that a telephone has room for them: few in a matrix, many as pairs."""

from dataclasses import replace

import numpy as np

from skillstack.evaluation.answered import AnsweredRows
from skillstack.reports.sections_labels import MOST_PAIRS, labels_section
from skillstack.store.rows import Row

from .world import evaluation, material


def tables(names, right, given):
    """The two tables of one task whose rows have these labels and were given those."""
    found = evaluation(("films",))
    own = AnsweredRows(
        names=tuple(names),
        rows=tuple(Row(f"text {place}") for place in range(len(right))),
        right=np.array(right, np.int64),
        given=np.array(given, np.int64),
        probabilities=np.ones(len(right)),
        choices=("films",) * len(right),
    )
    tasks = (replace(found.tasks[0], labels=tuple(names), own=own),)
    return labels_section(material(replace(found, tasks=tasks))).tables


def texts(table):
    return [[cell.text for cell in row] for row in table.rows]


def test_few_short_labels_have_a_matrix():
    scores, confusion = tables(("no", "yes"), [0, 0, 0, 1], [0, 0, 1, 1])
    assert texts(confusion) == [["no", "2", "1"], ["yes", "0", "1"]]
    assert texts(scores) == [["no", "100.0", "66.7", "80.0", "3"], ["yes", "50.0", "100.0", "66.7", "1"]]
    assert scores.note == ""


def test_labels_that_a_matrix_has_no_room_for_are_told_in_pairs_the_most_frequent_first():
    names = ("card payment not recognised", "card payment fee charged", "lost card")
    _, confusion = tables(names, [0, 0, 0, 0, 2], [1, 1, 2, 0, 2])
    assert texts(confusion) == [[names[0], names[1], "2", "50.0"], [names[0], names[2], "1", "25.0"]]
    assert "Rarer pairs" not in confusion.note


def test_a_long_name_is_cut_where_it_names_a_row_and_whole_in_the_csv():
    long = "card " * 30 + "lost"
    scores, confusion = tables((long, "other"), [0, 1], [1, 1])
    assert len(scores.rows[0][0].text) == len(confusion.rows[0][0].text) == 28
    assert scores.rows[0][0].values == confusion.rows[0][0].values == (long,)


def test_rare_pairs_of_many_labels_are_left_out_and_counted():
    names = [f"label {place}" for place in range(60)]
    _, confusion = tables(names, range(60), [(place + 1) % 60 for place in range(60)])
    assert len(confusion.rows) == MOST_PAIRS
    assert confusion.note.endswith("Rarer pairs that are left out: 10.")


def test_where_no_label_is_confused_the_table_says_so():
    names = [f"label {place}" for place in range(20)]
    scores, confusion = tables(names, range(19), range(19))
    assert confusion.rows == () and confusion.note == "No text was given another label than its own."
    assert texts(scores)[-1] == ["label 19", "–", "–", "–", "0"]
    assert scores.note == "A dash stands where a label has no text, or no text was given it."

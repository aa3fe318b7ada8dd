"""Labels and texts of tables that look alike, mean nothing, or stand there once."""

from pathlib import Path

import pytest

from skillstack.data.labels import label_notes
from skillstack.data.own_table import load_table
from skillstack.data.table_rows import as_read, labelled_rows
from skillstack.errors import InputError, UsageError

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases" / "tables"


def case(name):
    path = CASES / name
    if not path.exists():
        pytest.skip(f"{path} is not there: it comes with the shared data")
    return path


def learned(path, **options):
    return load_table(path, "tickets", "support", **options)


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("labels_nfc_nfd.csv", ("Lieferung", "Zahlungsr\u00fcckstand", "Zugang")),
        ("labels_double_space.csv", ("credit card", "login", "shipping")),
    ],
)
def test_labels_that_look_the_same_are_one(name, labels):
    report = learned(case(name)).report
    assert report.columns.labels == labels
    assert report.notes == ()


def test_labels_that_differ_only_in_case_stay_apart_and_are_named():
    (note,) = learned(case("labels_case.csv")).report.notes
    assert "'LOGIN' and 'Login' and 'login'" in note


def test_labels_for_missing_values_are_kept_named_and_left_out_on_demand():
    path = case("labels_nan_none.csv")
    report = learned(path).report
    assert {"nan", "None", "NULL", "N/A"} < set(report.columns.labels)
    assert any("'nan'" in note and "--drop-label" in note for note in report.notes)
    fewer = learned(path, drop_labels=["nan", "None", "NULL", "N/A"]).report
    assert fewer.columns.labels == ("billing", "login", "shipping")
    assert fewer.dropped == report.rows - fewer.train - fewer.test
    with pytest.raises(UsageError, match="no label 'nam' to leave out"):
        learned(path, drop_labels=["nam"])


def test_a_class_of_one_row_is_left_out_on_demand():
    path = case("one_row_class.csv")
    with pytest.raises(InputError, match="fewer than 2") as caught:
        learned(path)
    assert "--drop-rare" in caught.value.hint
    report = learned(path, drop_rare=True).report
    assert report.columns.labels == ("billing", "login", "shipping")
    assert report.dropped == 1


@pytest.mark.parametrize("name", ["bool_test.jsonl", "bool_test.parquet"])
def test_truth_values_match_whatever_the_format(name):
    labels = learned(case("bool_train.csv")).report.columns.labels
    assert labels == ("False", "True")
    assert {row.label for row in labelled_rows(case(name), labels, pair=False)} == {0, 1}


def test_a_number_matches_however_it_is_written_unless_two_labels_could_be_meant(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("text,label\nit is late,1.0\nrefund me,2.0\n", encoding="utf-8")
    assert [row.label for row in labelled_rows(path, ("1", "2"), pair=False)] == [0, 1]
    with pytest.raises(InputError, match=r"'1.0' is none that the skill knows"):
        labelled_rows(path, ("1", "01", "2"), pair=False)


def test_texts_that_a_base_reads_alike_are_one_row_on_one_side():
    table = learned(case("twins_by_case.csv"))
    train, test = ({as_read(row.row) for row in rows} for rows in (table.data.train, table.data.test))
    assert not train & test
    assert table.report.duplicates == 120


def test_texts_that_are_read_alike_with_different_labels_are_left_out(tmp_path):
    path = tmp_path / "t.csv"
    rows = [f"text {n} of {label},{label}" for n in range(6) for label in "ab"]
    path.write_text(
        "\n".join(["text,label", *rows, "CAF\u00c9  Now,a", "cafe\u0301 now,b"]), encoding="utf-8"
    )
    report = learned(path).report
    assert (report.conflicting_texts, report.conflicting) == (1, 2)


def test_labels_that_are_combinations_are_named():
    (note,) = label_notes(("a", "b", "a;b", "a;c", "b;c", "a;b;c"))
    assert note.startswith("4 of 6 labels are combinations joined by ';'")
    assert label_notes(("New York, NY", "Paris, France", "Rome, Italy")) == ()

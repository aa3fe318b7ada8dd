import csv
import gzip
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.data import own_table as module
from skillstack.data.own_table import load_table
from skillstack.data.splits import sample, split
from skillstack.data.task import Example, rows_digest
from skillstack.errors import InputError, UsageError
from skillstack.store.rows import Row


def save(path, rows, columns=("text", "label")):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


def made(n, labels=("bank", "home", "travel")):
    return [(f"the {n}th text about {label}", label) for n in range(n) for label in labels]


def load(path, **options):
    return load_table(path, "tickets", "support", **options)


@pytest.fixture
def path(tmp_path):
    return save(tmp_path / "t.csv", made(100))


def texts(examples):
    return {example.row.text for example in examples}


def test_a_table_becomes_a_task(path):
    loaded = load(path)
    data, report = loaded.data, loaded.report
    assert (data.task.name, data.task.family, data.task.labels) == (
        "tickets",
        "support",
        ("bank", "home", "travel"),
    )
    assert not data.task.pair
    assert (data.source.kind, data.source.name) == ("table", "table/tickets")
    assert data.source.digest == rows_digest(data.task, train=data.train)
    assert (len(data.train), len(data.test), data.validation) == (report.train, report.test, ())
    assert report.rows == 300 == report.train + report.test
    assert 40 < report.test < 80
    assert set(report.test_counts) == {"bank", "home", "travel"}
    assert report.notes == ()
    assert all(
        example.row.text.endswith(data.task.labels[example.label]) for example in data.train + data.test
    )
    assert json.loads(json.dumps(report.to_json()))["train"] == report.train


def test_the_same_text_is_held_back_whatever_the_order_and_whatever_is_added(tmp_path, path):
    before = load(path).data
    rows = [*made(140), ("a text apart", "work"), ("another", "work")]
    random.Random(0).shuffle(rows)
    after = load(save(tmp_path / "more.csv", rows)).data
    assert texts(before.test) <= texts(after.test)
    assert texts(before.train) <= texts(after.train)
    assert load(save(tmp_path / "again.csv", made(100)[::-1])).data.source == before.source


def test_what_remains_can_still_be_divided(path):
    parts = split(load(path).data.train)
    assert min(len(parts.train), len(parts.dev), len(parts.guard)) > 20


def test_every_class_of_five_rows_has_one_held_back_and_two_that_train(tmp_path):
    rows = [*made(100), *((f"rare {n}", "rare") for n in range(5)), *((f"few {n}", "few") for n in range(2))]
    for test_size in (0.01, 0.99):
        report = load(save(tmp_path / "t.csv", rows), test_size=test_size).report
        assert all(report.test_counts[label] for label in ("bank", "home", "travel", "rare"))
        assert report.train_counts["few"] == 2
        assert min(report.train_counts.values()) == 2 or test_size == 0.01
    assert load(tmp_path / "t.csv", test_size=0).data.test == ()


def test_unusable_rows_are_counted_and_said(tmp_path):
    rows = [
        *made(10),
        *(("", ""), (" ", "home"), ("a text without", ""), ("a text without", " ")),
        *(made(10)[:3]),
        *(("both", "home"), ("both", "bank"), ("both", "bank"), ("two", "home"), ("two", "travel")),
    ]
    loaded = load(save(tmp_path / "t.csv", rows))
    report = loaded.report
    assert (report.rows, report.train + report.test) == (42, 30)
    assert (report.empty, report.unlabelled, report.duplicates) == (2, 2, 3)
    assert (report.conflicting_texts, report.conflicting) == (2, 5)
    assert report.notes == (
        "2 rows without a text: left out.",
        "2 rows without a label: left out.",
        "3 rows that repeat another: left out.",
        "5 rows of texts with different labels (2 texts): left out.",
    )
    assert not {"both", "two"} & texts(loaded.data.train + loaded.data.test)
    with pytest.raises(InputError, match="2 texts stand there with different labels"):
        load(tmp_path / "t.csv", on_conflict="error")


def test_at_most_so_many_of_a_class_train_chosen_as_tasks_choose(path):
    every, some = load(path), load(path, max_per_class=7)
    assert some.data.train == sample(every.data.train, 7, 42, "tickets")
    assert some.data.test == every.data.test
    assert some.report.train_counts == {"bank": 7, "home": 7, "travel": 7}
    assert some.report.left_out == every.report.train - 21
    assert some.report.notes == (f"{some.report.left_out} rows beyond 7 a class: not used.",)
    assert load(path, max_per_class=7, seed=1).data.train != some.data.train


def test_a_table_too_large_for_the_memory_is_sampled_and_the_report_says_so(path, monkeypatch):
    monkeypatch.setattr(module, "MAX_HELD_CHARACTERS", 2_000)
    monkeypatch.setattr(module, "MAX_TEST_ROWS", 9)
    report = load(path).report
    assert report.per_class == 30 or 20 < report.per_class < 35
    assert (report.train, report.test) == (3 * report.per_class, 9)
    assert report.left_out == 300 - report.train - 9


def test_pairs_are_two_texts_where_the_second_is_named(tmp_path):
    rows = [(text, f"{text} again", label) for text, label in made(10)]
    path = save(tmp_path / "t.csv", [*rows, ("alone", "", "home")], ("question", "other", "label"))
    loaded = load(path, text="question", pair="other")
    assert loaded.data.task.pair
    assert loaded.report.empty == 1
    assert all(e.row == Row(e.row.text, f"{e.row.text} again") for e in loaded.data.train)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"test_size": 1}, UsageError),
        ({"test_size": -0.1}, UsageError),
        ({"test_size": float("nan")}, UsageError),
        ({"max_per_class": 1}, UsageError),
        ({"text": "txt"}, UsageError),
        ({"label": "text"}, InputError),
    ],
)
def test_what_cannot_be_meant_is_an_error(tmp_path, options, error):
    path = save(tmp_path / "t.csv", [(f"{text} {'a' * 200}", label) for text, label in made(10)])
    with pytest.raises(error):
        load(path, **options)


def test_names_and_rows_are_checked(tmp_path, path):
    for name, family in (("Tickets", "support"), ("tickets", "../x")):
        with pytest.raises(UsageError):
            load_table(path, name, family)
    with pytest.raises(InputError, match=r"line 32: .*NUL"):
        load(save(tmp_path / "nul.csv", [*made(10), ("a\0b", "home")]))
    with pytest.raises(InputError, match=r"fewer than 2 .*'rare' \(1\)"):
        load(save(tmp_path / "rare.csv", [*made(10), ("a text", "rare")]))
    with pytest.raises(InputError, match="fewer than 2"):
        load(save(tmp_path / "none.csv", [*made(10), ("", "rare"), ("", "rare")]))
    with pytest.raises(InputError, match="Label name"):
        load(save(tmp_path / "bad.csv", [*made(10), ("a text", "a\nb"), ("b text", "a\nb")]))


@given(st.lists(st.tuples(st.text("abc ", max_size=3), st.sampled_from("xy")), max_size=40), st.randoms())
def test_every_row_is_accounted_for_and_the_order_changes_nothing(tmp_path_factory, rows, shuffler):
    path = tmp_path_factory.mktemp("t") / "t.csv"
    rows = [*rows, *((f"{label} text {n}", label) for label in "xy" for n in range(3))]
    loaded = load(save(path, rows), text="text")
    r = loaded.report
    assert r.rows == len(rows)
    assert r.rows == r.empty + r.unlabelled + r.duplicates + r.conflicting + r.left_out + r.train + r.test
    assert not texts(loaded.data.train) & texts(loaded.data.test)
    shuffler.shuffle(rows)
    again = load(save(path, rows), text="text")
    assert (again.data, again.data.test, again.report) == (loaded.data, loaded.data.test, r)


def test_real_rows_as_a_table_are_the_rows_they_were(shared_data, tmp_path):
    with gzip.open(shared_data / "banking77" / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    path = save(tmp_path / "t.csv", [(row["label"], row["text"]) for row in rows], ("intent", "utterance"))
    loaded = load(path)
    assert loaded.report.columns.text == "utterance"
    assert loaded.data.task.labels == tuple(str(n) for n in range(77))
    wanted = {Example(Row(row["text"]), row["label"]) for row in rows}
    assert set(loaded.data.train + loaded.data.test) <= wanted
    assert loaded.report.train + loaded.report.test + loaded.report.conflicting_texts == len(
        {e.row for e in wanted}
    )


def test_a_first_row_that_nothing_shows_to_be_a_header_is_among_the_notes(tmp_path):
    report = load(save(tmp_path / "t.csv", made(20), ("block my card", "spam"))).report
    assert report.notes == ("First row taken as header: 'block my card', 'spam'.",)
    assert report.to_json()["columns"]["assumed"] == ["block my card", "spam"]

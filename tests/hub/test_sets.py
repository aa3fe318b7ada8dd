"""Every known data set, in its own columns and label names, through the code that reads the hub's."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.data import hub_rows
from skillstack.data import hub_rows as hub_groups
from skillstack.data.hub_rows import distinct, hub_sets, read_rows
from skillstack.data.presets import known_task, load_preset, preset_names
from skillstack.data.task import Example
from skillstack.errors import InputError
from skillstack.store.rows import Row

from .world import make_set, texts_of

SETS = hub_sets()


def test_every_task_of_every_preset_ships_or_is_on_the_hub():
    for name in preset_names():
        for task in load_preset(name).tasks:
            assert task.source == "starter" or task.name in SETS, task.name


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_pinned_and_fits_its_task(name):
    known, task = SETS[name], known_task(name)
    assert len(known.revision) == 40
    assert int(known.revision, 16)
    assert len(known.names or (0, 1)) == len(task.labels)
    assert bool(known.pair) == task.pair
    assert set(known.clean) <= {"breaks", "entities", "escapes", "mask"}


@pytest.mark.parametrize("name", SETS)
def test_rows_and_labels_are_those_of_the_set(name, tmp_path):
    known, task = SETS[name], known_task(name)
    local = replace(known, repo=str(make_set(tmp_path, known)))
    rows = read_rows(local, task)
    classes = len(task.labels)
    assert len(rows.train) == len(rows.test) == 4 * classes
    assert len(rows.validation) == (4 * classes if known.validation else 0)
    expected = set()
    for label in range(classes):
        for number in range(4):
            row = texts_of(known, known.train, label, number)
            second = " ".join(row[column] for column in known.pair) or None
            text = known.join.join(row[column] for column in known.text)
            expected.add(Example(Row(text, second), label))
    assert set(rows.train) == expected


def test_the_same_rows_come_whatever_their_order_and_files(tmp_path):
    known, task = SETS["agnews"], known_task("agnews")
    one = replace(known, repo=str(make_set(tmp_path / "one", known)))
    other = make_set(tmp_path / "two", known, files=3, described=False, change=lambda _, rows: rows[::-1])
    assert read_rows(one, task) == read_rows(replace(known, repo=str(other)), task)


def test_a_sample_is_that_of_all_rows_however_few_are_held(tmp_path, monkeypatch):
    known, task = SETS["rotten_tomatoes"], known_task("rotten_tomatoes")
    local = replace(known, repo=str(make_set(tmp_path, known, per_class=40)))
    monkeypatch.setattr(hub_rows, "TRAIN_PER_CLASS", 7)
    whole = read_rows(local, task)
    monkeypatch.setattr(hub_rows, "_PENDING", 5)
    assert read_rows(local, task) == whole
    assert len(whole.train) == 14


def test_a_huge_set_is_looked_at_evenly_from_every_file(tmp_path):
    known, task = SETS["amazon_polarity"], known_task("amazon_polarity")
    folder = make_set(tmp_path, known, per_class=40, files=4)
    rows = read_rows(replace(known, repo=str(folder), scan=8), task)
    assert sorted(example.label for example in rows.train) == [0, 0, 0, 0, 1, 1, 1, 1]


def test_of_a_sorted_set_groups_from_all_over_its_files_are_looked_at_and_every_class_is_there(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(hub_groups, "MIN_GROUPS", 4)
    known, task = SETS["dbpedia"], known_task("dbpedia")
    folder = make_set(tmp_path, known, per_class=60, files=3, group=10)
    local = replace(known, repo=str(folder), scan=14 * 20)
    rows = read_rows(local, task)
    counts = Counter(example.label for example in rows.train)
    assert set(counts) == set(range(14))
    assert sum(counts.values()) == 14 * 20
    assert min(counts.values()) >= 10
    assert read_rows(local, task) == rows
    # The beginning of each file, which other sets are taken from, has few of the classes.
    heads = read_rows(replace(local, sorted=False), task)
    assert len({example.label for example in heads.train}) < 14


def test_where_the_groups_that_are_looked_at_lack_a_class_all_of_them_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(hub_groups, "MIN_GROUPS", 4)
    known, task = SETS["dbpedia"], known_task("dbpedia")
    folder = make_set(tmp_path, known, per_class=10, group=5)
    rows = read_rows(replace(known, repo=str(folder), scan=20), task)
    assert Counter(example.label for example in rows.train) == dict.fromkeys(range(14), 10)


@given(rows=st.lists(st.integers(1, 2_000), min_size=1, max_size=300), scan=st.integers(1, 10**6))
def test_groups_are_chosen_at_even_distances(rows, scan):
    chosen = hub_groups.chosen_groups(rows, scan)
    assert len(chosen) >= min(len(rows), hub_groups.MIN_GROUPS)
    assert list(chosen) == sorted(set(chosen))
    assert set(chosen) <= set(range(len(rows)))
    distances = {after - before for before, after in pairwise(chosen)}
    assert not distances or max(distances) - min(distances) <= 1
    if sum(rows) <= scan:
        assert chosen == tuple(range(len(rows)))


def test_a_split_of_no_rows_has_no_groups_to_choose():
    assert hub_groups.chosen_groups((), 10) == ()


def test_a_group_of_an_implausible_size_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(hub_groups, "_MAX_GROUP_BYTES", 1_000)
    known = replace(SETS["dbpedia"], repo=str(make_set(tmp_path, SETS["dbpedia"], per_class=40)))
    with pytest.raises(InputError, match="far more text"):
        read_rows(known, known_task("dbpedia"))


@pytest.mark.parametrize(
    ("name", "names", "said"),
    [
        ("imdb", ("pos", "neg"), "another order"),
        ("agnews", ("World", "Sports", "Business", "Science"), "another order"),
        ("qnli", ("entailment", "neutral", "contradiction"), "another order"),
    ],
)
def test_other_labels_than_the_known_ones_are_refused(name, names, said, tmp_path):
    known = SETS[name]
    local = replace(known, repo=str(make_set(tmp_path, known, names=names)))
    with pytest.raises(InputError, match=said) as caught:
        read_rows(local, known_task(name))
    assert "--data-dir" in caught.value.hint


def test_hidden_labels_are_refused(tmp_path):
    known = SETS["sst2"]

    def hide(split, rows):
        return [row | {"label": -1} for row in rows] if split == known.test else rows

    local = replace(known, repo=str(make_set(tmp_path, known, change=hide)))
    with pytest.raises(InputError, match=r"label '?-1"):
        read_rows(local, known_task("sst2"))


def test_missing_columns_are_refused(tmp_path):
    known = replace(SETS["mrpc"], repo=str(make_set(tmp_path, SETS["mrpc"])), pair=("second",))
    with pytest.raises(InputError, match="no columns"):
        read_rows(known, known_task("mrpc"))


def test_other_files_than_parquet_are_refused(tmp_path):
    (tmp_path / "train.csv").write_text("text,label\na,0\n")
    (tmp_path / "test.csv").write_text("text,label\na,0\n")
    known = replace(SETS["agnews"], repo=str(tmp_path))
    with pytest.raises(InputError, match="Parquet"):
        read_rows(known, known_task("agnews"))


def test_empty_rows_are_left_out(tmp_path):
    known = SETS["yahoo"]

    def empty(split, rows):
        rows[0] |= {"question_title": "", "question_content": " ", "best_answer": None}
        rows[1] |= {"question_content": None, "best_answer": None, "question_title": "Only a title?"}
        return rows

    local = replace(known, repo=str(make_set(tmp_path, known, change=empty)))
    rows = read_rows(local, known_task("yahoo"))
    assert len(rows.train) + len(rows.test) == 77  # one empty each, and the same title in both
    assert "Only a title?" in {example.row.text for example in rows.test}


def test_what_is_doubled_contradictory_or_in_another_split_is_left_out():
    rows = [
        Example(Row("A film."), 0),
        Example(Row("a  FILM"), 0),
        Example(Row("Both."), 0),
        Example(Row("both"), 1),
        Example(Row("Of the test"), 1),
        Example(Row("Fine"), 1),
    ]
    assert distinct(rows, {"ofthetest"}) == (rows[0], rows[5])

"""Which rows fit, choose and guard."""

import csv
from dataclasses import replace

import pytest

from skillstack.compression.rows import DEV_ROWS, skill_rows
from skillstack.data.sources import load_task
from skillstack.data.table_rows import row_key
from skillstack.errors import InputError
from skillstack.training.data import choose_rows
from skillstack.training.recipe import Recipe

from .world import RECIPE, TASKS, skills


def table(path, examples, labels):
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        rows.writerows((one.row.text, labels[one.label]) for one in examples)
    return path


@pytest.mark.parametrize("task", TASKS)
def test_no_row_that_guards_was_fitted_on_chosen_by_or_trained_on(stack, task):
    found = skill_rows(*skills(stack)[task])
    taught = choose_rows(load_task(task), Recipe(**RECIPE))
    guard = set(found.guard.rows)
    assert guard and not guard & {*found.fit.rows, *found.dev.rows}
    assert not guard & {*(one.row for one in (*taught.train, *taught.dev)), *taught.router}
    assert not set(found.fit.rows) & set(found.dev.rows)


def test_heads_are_fitted_on_the_rows_that_the_frame_was_taught(stack):
    found = skill_rows(*skills(stack)["imdb_sentences"])
    taught = choose_rows(load_task("imdb_sentences"), Recipe(**RECIPE))
    assert found.fit.rows == tuple(one.row for one in taught.train)
    assert len(found.dev) <= DEV_ROWS


def test_a_table_is_divided_as_the_task_is_whatever_the_order_of_its_rows(stack, tmp_path):
    frame, skill = skills(stack)["imdb_sentences"]
    data = load_task("imdb_sentences")
    path = table(tmp_path / "films.csv", data.train[::-1], data.task.labels)
    named, own = skill_rows(frame, skill, table=path), skill_rows(frame, skill)
    for part in ("fit", "guard"):
        mine, theirs = getattr(named, part), getattr(own, part)
        assert mine.rows == theirs.rows
        assert mine.labels.tolist() == theirs.labels.tolist()


def test_labels_are_numbered_as_the_skill_numbers_them(stack):
    frame, skill = skills(stack)["imdb_sentences"]
    turned = replace(skill, labels=skill.labels[::-1])
    one, other = skill_rows(frame, skill), skill_rows(frame, turned)
    assert one.guard.rows == other.guard.rows
    assert (one.guard.labels == 1 - other.guard.labels).all()


def test_a_skill_whose_rows_nobody_knows_is_told_how_to_give_some(stack):
    frame, skill = skills(stack)["imdb_sentences"]
    with pytest.raises(InputError, match=r"No rows of .* are known") as caught:
        skill_rows(frame, replace(skill, name="tickets", task="tickets"))
    assert "--rows tickets=FILE" in caught.value.hint


def test_rows_of_a_label_that_the_skill_does_not_know_are_refused(stack, tmp_path):
    frame, skill = skills(stack)["imdb_sentences"]
    data = load_task("imdb_sentences")
    path = table(tmp_path / "films.csv", data.train[:40], ("bad", "good"))
    with pytest.raises(InputError, match="is none that the skill knows"):
        skill_rows(frame, skill, table=path)


def test_rows_of_a_table_that_were_learned_from_neither_choose_nor_guard(stack, tmp_path):
    frame, skill = skills(stack)["imdb_sentences"]
    data = load_task("imdb_sentences")
    path = table(tmp_path / "films.csv", data.train, data.task.labels)
    taught = {row_key(example.row) for example in data.train[::2]}
    found = skill_rows(frame, skill, table=path, learned=taught)
    unseen = {example.row for example in data.train if row_key(example.row) not in taught}
    assert {row_key(row) for row in found.fit.rows} <= taught
    assert set(found.dev.rows) | set(found.guard.rows) <= unseen
    assert len(found.guard) > len(unseen) / 2 and not set(found.dev.rows) & set(found.guard.rows)
    turned = table(tmp_path / "turned.csv", data.train[::-1], data.task.labels)
    again = skill_rows(frame, skill, table=turned, learned=taught)
    assert [again.part(name).rows for name in ("dev", "guard")] == [found.dev.rows, found.guard.rows]
    assert again.fit.rows == found.fit.rows


def test_a_table_that_was_learned_from_whole_asks_for_rows_of_its_own(stack, tmp_path):
    frame, skill = skills(stack)["imdb_sentences"]
    data = load_task("imdb_sentences")
    path = table(tmp_path / "films.csv", data.train, data.task.labels)
    taught = [row_key(one.row) for one in data.train]
    with pytest.raises(InputError, match="learned from all") as caught:
        skill_rows(frame, skill, table=path, learned=set(taught))
    assert caught.value.hint == "Give rows that it has not seen with --rows imdb_sentences=FILE."
    found = skill_rows(frame, skill, table=path, learned=set(taught[1:]))
    assert (len(found.dev), len(found.guard)) == (1, 0)


def test_a_table_of_other_rows_is_divided_as_ever(stack, tmp_path):
    frame, skill = skills(stack)["imdb_sentences"]
    data = load_task("imdb_sentences")
    path = table(tmp_path / "films.csv", data.train, data.task.labels)
    found, plain = skill_rows(frame, skill, table=path, learned={1}), skill_rows(frame, skill, table=path)
    assert (found.fit.rows, found.guard.rows) == (plain.fit.rows, plain.guard.rows)

"""A skill is asked its task's test rows, the same ones on every machine, or a person's own."""

import csv
import gzip
import json
from collections import Counter
from dataclasses import replace

import pytest

from skillstack.data.sources import load_task
from skillstack.data.table_rows import LearnedRows, row_key
from skillstack.errors import InputError, UsageError
from skillstack.evaluation.questions import ask
from skillstack.store.canonical import sha256
from skillstack.store.records import Rendering, Skill
from skillstack.store.rows import Row


def skill_of(task, **changes):
    """A skill that was taught a task."""
    data = load_task(task)
    skill = Skill(
        name=task,
        task=task,
        family=data.task.family,
        labels=data.task.labels,
        pair=data.task.pair,
        head=sha256(b"head"),
        samples=None,
        rendering=Rendering(),
        source={"digest": data.source.digest},
    )
    return replace(skill, **changes)


def task_folder(root, name, labels, tests, train=None, pair=False):
    """A task of a person's own; texts are numbered."""
    folder = root / name
    folder.mkdir(parents=True)
    record = {"name": name, "family": "mine", "label_names": list(labels), "pair": pair}
    (folder / "task.json").write_text(json.dumps(record))
    counts = train or [4] * len(labels)

    def lines(split, counts):
        for label, count in enumerate(counts):
            for n in range(count):
                row = {"text": f"{split} text {n} of {labels[label]}", "label": label}
                yield json.dumps({**row, **({"text_pair": "and another"} if pair else {})})

    for split, wanted in (("train", counts), ("test", tests)):
        data = "\n".join(lines(split, wanted)).encode()
        (folder / f"{split}.jsonl.gz").write_bytes(gzip.compress(data))
    return root


@pytest.fixture
def skill():
    return skill_of("banking")


def test_of_each_class_as_many_rows_are_asked_as_were_wanted(skill):
    asked = ask(skill, per_class=5)
    assert Counter(asked.labels) == dict.fromkeys(range(15), 5)
    assert asked.fewer == {} and not asked.other_rows
    assert asked.skill == "banking" and asked.data.task.name == "banking"


def test_rows_come_from_the_test_split_with_their_own_labels(skill):
    asked, data = ask(skill, per_class=5), load_task("banking")
    right = {example.row: data.task.labels[example.label] for example in data.test}
    assert [skill.labels[label] for label in asked.labels] == [right[row] for row in asked.rows]


def test_all_rows_may_be_asked_and_fewer_are_a_part_of_more(skill):
    everything = ask(skill, per_class=None)
    assert len(everything.rows) == len({example.row for example in load_task("banking").test})
    assert everything.fewer == {}
    few, more = (set(ask(skill, per_class=n).rows) for n in (3, 9))
    assert few < more < set(everything.rows)


def test_labels_are_numbered_as_the_skill_numbers_them(skill):
    backwards = replace(skill, labels=skill.labels[::-1])
    one, two = ask(skill, per_class=3), ask(backwards, per_class=3)
    assert one.rows == two.rows
    assert [14 - label for label in one.labels] == list(two.labels)


def test_a_label_that_the_skill_does_not_know_is_named(skill):
    with pytest.raises(
        InputError, match=r"have the label 'w2|'transfer', which the skill 'banking'"
    ) as caught:
        ask(replace(skill, labels=skill.labels[:-1]))
    assert "It knows 'account_blocked'" in caught.value.hint and "..." in caught.value.hint


def test_a_class_with_fewer_rows_gives_them_all_and_is_named(tmp_path):
    root = task_folder(tmp_path, "mine", ("no", "yes"), [2, 6])
    skill = replace(skill_of("imdb_sentences"), name="mine", task="mine", labels=("no", "yes"))
    asked = ask(skill, data_dir=root, per_class=4)
    assert Counter(asked.labels) == {0: 2, 1: 4} and asked.fewer == {"no": 2}
    # These are not the rows that it was taught, and that is said.
    assert asked.other_rows


def test_a_class_without_test_rows_is_named_even_if_all_are_asked(tmp_path):
    root = task_folder(tmp_path, "mine", ("no", "yes"), [0, 6])
    skill = replace(skill_of("imdb_sentences"), name="mine", task="mine", labels=("no", "yes"))
    assert ask(skill, data_dir=root, per_class=None).fewer == {"no": 0}


def test_a_task_that_nobody_knows_asks_for_a_table(skill):
    with pytest.raises(InputError, match=r"No rows of 'tickets' are known") as caught:
        ask(replace(skill, name="mine", task="tickets"))
    assert caught.value.hint == "Give a table of labelled rows with --test mine=FILE."


def test_a_task_whose_rows_are_not_here_says_where_they_would_be(skill):
    with pytest.raises(InputError, match="'imdb'") as caught:
        ask(replace(skill, name="imdb", task="imdb"))
    assert "--data-dir" in caught.value.hint and "--test imdb=FILE" in caught.value.hint


def test_a_task_without_test_rows_is_an_error(tmp_path):
    root = task_folder(tmp_path, "mine", ("no", "yes"), [0, 0])
    skill = replace(skill_of("imdb_sentences"), name="mine", task="mine", labels=("no", "yes"))
    with pytest.raises(InputError, match=r"(no test rows|test\.jsonl)"):
        ask(skill, data_dir=root)


def test_rows_of_one_text_are_not_asked_of_a_skill_of_two(skill):
    with pytest.raises(InputError, match="reads two texts, and the rows of 'banking' have one"):
        ask(replace(skill, pair=True))


def test_a_table_takes_the_place_of_the_task(tmp_path, skill):
    path = tmp_path / "mine.csv"
    rows = [("text", "label"), ("send my cheques", "order_checks"), ("what is my pin", "pin_change")]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    asked = ask(replace(skill, task="tickets"), table=path, per_class=3)
    assert {
        row.text: skill.labels[label] for row, label in zip(asked.rows, asked.labels, strict=True)
    } == dict(rows[1:])
    assert asked.data is None and not asked.other_rows
    assert asked.fewer["order_checks"] == 1 and asked.fewer["transfer"] == 0


def learned_table(path, *texts):
    """A table of these texts, all of one label."""
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((text, "pin_change") for text in texts)])
    return path


def test_rows_of_a_table_that_were_learned_from_are_not_asked(tmp_path, skill):
    path = learned_table(tmp_path / "mine.csv", "What is  my PIN", "change my pin", "a new pin", "a new pin")
    learned = {row_key(Row("what is my pin")), row_key(Row("a text of another table"))}
    asked = ask(skill, table=path, learned=learned)
    assert {row.text for row in asked.rows} == {"change my pin", "a new pin"}
    assert asked.left_out == LearnedRows(1, 4)
    assert asked.left_out.words(len(asked.rows)) == "1 of 4 rows were learned from; 2 are asked."
    assert ask(skill, table=path).left_out is None


def test_a_table_that_was_learned_from_whole_is_refused(tmp_path, skill):
    path = learned_table(tmp_path / "mine.csv", "change my pin", "a new pin")
    learned = {row_key(Row("change my pin")), row_key(Row("a new pin"))}
    with pytest.raises(UsageError, match="learned from all 2 rows") as caught:
        ask(skill, table=path, learned=learned)
    assert caught.value.hint == "Give rows that it has not seen with --test banking=FILE."

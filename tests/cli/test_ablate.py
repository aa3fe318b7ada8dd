"""ablate, on a stack that was really trained."""

import csv
import shutil
from dataclasses import replace

import pytest

from skillstack.data.sources import load_task
from skillstack.store.history import read_history
from skillstack.store.store import Store
from skillstack.store.transactions import push

TASKS = ("imdb_sentences", "banking")


def rows(folder, task, count):
    """A person's own rows, some of a starter task's; the option that names them."""
    data, path = load_task(task), folder / f"{task}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["text", "label"])
        lines.writerows([one.row.text, data.task.labels[one.label]] for one in data.train[:count])
    return "--rows", f"{task}={path}"


@pytest.fixture
def ablated(trained, tmp_path, command):
    """Runs ablate on a few rows of each task, in a folder with a copy of the trained stack."""
    for name in ("frames", "routers"):
        shutil.copytree(trained / name, tmp_path / name)
    few = [option for task in TASKS for option in rows(tmp_path, task, 60)]
    return lambda *arguments: command("ablate", *few, *arguments)


def narrow(text):
    return all(len(line) <= 80 for line in text.splitlines())


def test_it_says_what_each_frame_is_worth_in_words_of_eighty_columns(ablated, tmp_path):
    before = Store.open(tmp_path / "frames").tip("tiny")
    ran = ablated()
    assert ran.status == 0, ran.err
    assert ran.out.startswith("tiny: 2 frames, ") and "dev rows of 2 tasks" in ran.out
    for words in ("WITHOUT", "REDUNDANT", "Which skills take over the texts", "Nothing has changed."):
        assert words in ran.out
    assert narrow(ran.out)
    assert Store.open(tmp_path / "frames").tip("tiny") == before


def test_of_one_frame_it_says_every_task(ablated):
    ran = ablated("--frame", "banking")
    assert ran.status == 0, ran.err
    assert "ROWS  WITH IT  WITHOUT  LOSES" in ran.out and "imdb_sentences" in ran.out
    assert narrow(ran.out)


def test_it_answers_as_one_document(ablated):
    ran = ablated("--json", "--family", "intent")
    assert ran.status == 0, ran.err
    document = ran.json
    assert (document["schema"], document["stack"], document["part"]) == (1, "tiny", "dev")
    assert [one["frame"] for one in document["removals"]] == ["banking"]
    assert {one["skill"] for one in document["removals"][0]["tasks"]} == set(TASKS)


def test_a_frame_that_something_is_lost_without_stays(ablated, tmp_path):
    before = Store.open(tmp_path / "frames").tip("tiny")
    ran = ablated("--frame", "banking", "--apply")
    assert ran.status == 1, ran.err
    assert "Nothing has changed: " in ran.out and narrow(ran.out)
    assert Store.open(tmp_path / "frames").tip("tiny") == before


def test_a_frame_that_the_guard_lets_go_is_pruned_and_comes_back(ablated, command, tmp_path):
    store = Store.open(tmp_path / "frames")
    content = {content.name: content for _, content in store.contents("tiny")}["banking"]
    skill = replace(content.skills[0], name="again", task="again")
    twin = replace(content, name="again", skills=(skill,), plan="", canaries=None)
    before = push(store, "tiny", twin, transaction="twin", note="add", expected=store.tip("tiny"))
    options = ("--rows", f"again={tmp_path / 'banking.csv'}", "--margin", "40", "--apply")
    ran = ablated("--frame", "banking", *options)
    assert ran.status == 0, ran.out + ran.err
    assert "The guard passes:" in ran.out and "banking is off the stack" in ran.out and narrow(ran.out)
    assert [content.name for _, content in store.contents("tiny")] == ["imdb_sentences", "again"]
    assert read_history(store, "tiny").done[-1].note == "ablate --frame banking"
    assert command("verify").status == 0
    assert command("undo").status == 0
    assert store.tip("tiny") == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--frame", "bankin"), "The stack 'tiny' has no frame 'bankin'.\nDid you mean 'banking'?"),
        (("--family", "intents"), "Did you mean 'intent'?"),
        (("--apply",), "--apply prunes one frame."),
        (("--apply", "--frame", "banking", "--frame", "imdb_sentences"), "--apply prunes one frame."),
        (("--apply", "--family", "intent"), "--apply prunes one frame."),
        (("--frame", "banking", "--family", "intent"), "Give --frame or --family, not both."),
        (("--margin", "much"), "Invalid margin 'much': must be between 0 and 50."),
        (("--level", "0"), "Invalid level '0': must be between 0 and 0.5."),
        (("--rows", "bankin"), "--rows takes NAME=FILE"),
        (("--rows", "bankin=rows.csv"), "Did you mean 'banking'?"),
    ],
)
def test_what_cannot_be_meant_is_refused(ablated, arguments, message):
    ran = ablated(*arguments)
    assert ran.status == 2 and ran.out == ""
    assert message in ran.err


def test_the_stack_of_the_package_is_copied_before_it_is_pruned(command):
    ran = command("ablate", "--frame", "banking", "--apply", "--stack", "reference")
    assert ran.status == 3
    assert "skillstack stacks copy reference NAME" in ran.err


def test_its_help_has_examples(command):
    ran = command("ablate", "--help")
    assert ran.status == 0 and "skillstack ablate --frame travel --apply" in ran.out

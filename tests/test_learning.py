"""A skill from a person's own table: found, trained, tested on rows held back, replaceable, undoable."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import random
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from skillstack.cli.command import Invocation
from skillstack.cli.eval import evaluation_words
from skillstack.cli.inputs import say_own_tables
from skillstack.cli.learn import learned_words
from skillstack.cli.watching import UNFINISHED
from skillstack.compression.request import GuardConfig
from skillstack.compression.rows import SkillRows
from skillstack.compression.workspace import _rows
from skillstack.data.own_table import load_table
from skillstack.data.sources import load_task
from skillstack.data.table_rows import row_key
from skillstack.errors import BusyError, InputError, UsageError
from skillstack.library import Library
from skillstack.stack import Learned, Stack
from skillstack.store.files import training_lock
from skillstack.store.learned import read_learned
from skillstack.store.own_tables import NOTE
from skillstack.store.rows import Row
from skillstack.store.store import Store
from skillstack.store.verify import verify
from skillstack.training.progress import Event, FrameStarted, StepDone, Waiting

from . import adding

SMALL = {
    "max_length": 32,
    "epochs": 1,
    "min_epochs": 1,
    "router_samples": 48,
    "dev_samples": 40,
    "method": "skillstack",
}
TASK = "banking"


def rows_of(task: str, labels: int, most: int) -> list[tuple[str, str]]:
    """Texts and label names of the first labels of a starter task."""
    data = load_task(task)
    found = [(e.row.text, data.task.labels[e.label]) for e in data.train if e.label < labels]
    random.Random(0).shuffle(found)
    return found[:most]


def write(path: Path, rows: list[tuple[str, str]], header: tuple[str, str] = ("message", "queue")) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.fixture(scope="module")
def lessons(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Learned]:
    """A folder with a store that learned two tables, and what was found of the second."""
    found = tmp_path_factory.mktemp("learned")
    learn(found, "tickets", write(found / "tickets.csv", rows_of("banking", 3, 150)))
    return found, learn(found, "trips", write(found / "trips.csv", rows_of("travel", 3, 150)))


@pytest.fixture(scope="module")
def folder(lessons: tuple[Path, Learned]) -> Path:
    """The folder; tests only read it."""
    return lessons[0]


def learn(folder: Path, name: str, file: Path, **options: object) -> Learned:
    recipe = {**SMALL, **options.pop("recipe", {})}  # type: ignore[dict-item]
    return adding.learn(name, file, store=folder / "frames", stack="own", recipe=recipe, **options)  # type: ignore[arg-type]


def test_a_table_becomes_a_frame_that_is_routed_to_and_answers(folder: Path) -> None:
    stack = Stack.open(folder / "frames")
    assert stack.name == "own"
    assert [frame.name for frame in stack] == ["trips", "tickets"]
    found = stack.predict([row[0] for row in rows_of("banking", 3, 20)])
    assert sum(one.routed.task == "tickets" for one in found) >= 18


def test_learning_again_does_nothing_but_tests_again(folder: Path, tmp_path: Path) -> None:
    before = Store.open(folder / "frames").tip("own")
    steps: list[Event] = []
    learned = learn(folder, "trips", folder / "trips.csv", on_event=steps.append)
    assert learned.change == "nothing"
    assert not any(isinstance(event, StepDone) for event in steps)
    assert Store.open(folder / "frames").tip("own") == before
    assert learned.test is not None
    assert learned.test.frame.n == learned.table.test > 0


def test_it_says_how_good_the_frame_is_and_what_it_does_to_routing(lessons: tuple[Path, Learned]) -> None:
    learned = lessons[1]
    tested = learned.test
    assert learned.change == "learned"
    assert tested.frame.n == tested.frozen_linear.n == tested.majority.n == tested.routed.n > 10
    assert tested.frame.correct > tested.majority.correct
    assert sum(one.rows for one in tested.strays) == tested.routed.n - tested.routed.correct
    wrong = tested.frame.n - tested.frame.correct
    assert sum(confusion.rows for confusion in tested.confusions) <= wrong
    assert learned.lost is not None
    assert all(taken.task == "tickets" and 0 < taken.rows <= taken.of <= 48 for taken in learned.lost)


def test_rows_held_back_are_no_training_rows(folder: Path) -> None:
    stack = Stack.open(folder / "frames")
    samples = stack.store.samples(str(stack.frame("tickets").skills[0].samples))
    kept = {row.text for row in samples.rows}  # type: ignore[union-attr]
    held = {
        example.row.text for example in load_table(folder / "tickets.csv", "tickets", "tickets").data.test
    }
    assert held and not kept & held


def test_a_frame_knows_the_rows_that_it_learned_from_and_no_others(folder: Path) -> None:
    stack = Stack.open(folder / "frames")
    data = load_table(folder / "tickets.csv", "tickets", "tickets").data
    learned = read_learned(stack.store, str(stack.frame("tickets").skills[0].learned))
    assert learned < {row_key(example.row) for example in data.train}
    assert learned < {row_key(Row(f" {e.row.text.upper()}")) for e in data.train}
    assert not learned & {row_key(example.row) for example in data.test}


def test_rows_that_were_learned_from_are_no_test(folder: Path) -> None:
    stack = Stack.open(folder / "frames", device="cpu")
    data = load_table(folder / "tickets.csv", "tickets", "tickets").data
    tables = {"tickets": folder / "tickets.csv"}
    found = stack.evaluate(tables=tables, only=["tickets"], per_class=None)
    learned = read_learned(stack.store, str(stack.frame("tickets").skills[0].learned))
    left_out = found.tasks[0].left_out
    assert left_out is not None
    assert (left_out.rows, left_out.of) == (len(learned), len(data.train) + len(data.test))
    assert found.tasks[0].n == left_out.of - left_out.rows
    assert found.to_json()["tasks"][0]["left_out"] == {"rows": left_out.rows, "of": left_out.of}
    assert left_out.words(found.tasks[0].n) in " ".join(" ".join(evaluation_words(found)).split())


def test_the_table_is_read_where_it_lies_without_being_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = Stack.open(folder / "frames", device="cpu")
    named = stack.evaluate(tables={"trips": folder / "trips.csv"}, only=["trips"], per_class=None)
    found = stack.evaluate(only=["trips"], per_class=None)
    assert found.tasks[0].texts == named.tasks[0].texts and found.tasks[0].left_out is not None
    say_own_tables(stack, ["tickets"], "--test")
    assert capsys.readouterr().err == (
        f"Rows of trips: those of {(folder / 'trips.csv').resolve()} that it has not learned from.\n"
    )
    assert {one.skill.name: len(one.guard) > 0 for one in rows_for(stack)} == {"tickets": True, "trips": True}
    assert "tables.json" not in " ".join(name for name, _ in exported(stack, tmp_path))
    assert verify(stack.store).ok and NOTE not in verify(stack.store).strays


def test_a_table_that_has_changed_is_not_read_unless_it_is_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    learn(tmp_path, "tickets", tmp_path / "tickets.csv")  # which finds the frame, and notes the other place
    with (tmp_path / "tickets.csv").open("a") as file:
        file.write("one more text,no label\n")
    stack = Stack.open(tmp_path / "frames", device="cpu")
    with pytest.raises(InputError, match="No rows of 'tickets' are known"):
        stack.evaluate(only=["tickets"])
    say_own_tables(stack, ["trips"], "--test")
    assert "tickets.csv has changed" in capsys.readouterr().err


def rows_for(stack: Stack) -> tuple[SkillRows, ...]:
    """The rows of a compression."""
    snapshot = stack._snapshot()
    return _rows(snapshot, (), GuardConfig(), whole=True)[0]


def exported(stack: Stack, folder: Path) -> list[tuple[str, int]]:
    """Names and sizes of a bundle's files."""
    Library(stack.store.root).export_stack(stack.name, folder / "own.zip")
    with zipfile.ZipFile(folder / "own.zip") as archive:
        return [(info.filename, info.file_size) for info in archive.infolist()]


def test_a_name_that_is_taken_is_refused_and_replaced_only_when_asked(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    store = Store.open(tmp_path / "frames")
    before = store.tip("own")
    other = write(tmp_path / "c.csv", rows_of("banking", 4, 160))
    with pytest.raises(UsageError, match="already") as refused:
        learn(tmp_path, "tickets", other)
    assert "--replace" in refused.value.hint
    assert store.tip("own") == before
    replaced = learn(tmp_path, "tickets", other, replace=True)
    stack = Stack.open(tmp_path / "frames")
    assert replaced.change == "replaced"
    assert [frame.name for frame in stack] == ["tickets", "trips"]
    assert len(stack.frame("tickets").skills[0].labels) == 4
    assert learn(tmp_path, "tickets", other, replace=True).change == "nothing"
    stack.undo()
    assert store.tip("own") == before
    again = learn(tmp_path, "tickets", other, replace=True)
    assert again.change == "brought back"
    assert store.tip("own") == replaced.frame.id


def test_a_head_alone_has_no_adapter_and_needs_no_steps(tmp_path: Path) -> None:
    steps: list[Event] = []
    file = write(tmp_path / "a.csv", rows_of("banking", 3, 150))
    learned = learn(tmp_path, "tickets", file, recipe={"method": "linear"}, on_event=steps.append)
    assert learned.frame.adapter_bytes == 0
    assert learned.test.frame == learned.test.frozen_linear
    assert not any(isinstance(event, StepDone) for event in steps)


def test_stopped_by_the_time_limit_it_goes_on_and_ends_as_if_never_stopped(
    folder: Path, tmp_path: Path
) -> None:
    file = folder / "tickets.csv"
    heard: list[Event] = []
    limited = {"time_limit": 1e-6, "on_event": heard.append}
    stopped = learn(tmp_path, "tickets", file, **limited)  # a run does at least one step, however late
    assert (stopped.complete, stopped.change, stopped.frame) == (False, "unfinished", None)
    assert (stopped.test, stopped.lost) == (None, None)
    assert UNFINISHED[0] in learned_words(stopped, Invocation(None, None, False))
    assert [event.step for event in heard if isinstance(event, StepDone)] == [1]
    assert Store.open(tmp_path / "frames").head_stack() is None
    done = learn(tmp_path, "tickets", file, on_event=heard.append)
    assert (done.complete, done.change) == (True, "learned")
    assert [event.resumed_at for event in heard if isinstance(event, FrameStarted)] == [0, 1]
    assert done.frame == Stack.open(folder / "frames").frames()[-1]


def test_rows_pass_in_parts_and_a_step_learns_from_as_many(folder: Path, tmp_path: Path) -> None:
    parts = {"micro_batch": 3, "accumulate": 2, "gradient_checkpointing": True}
    learned = learn(tmp_path, "tickets", folder / "tickets.csv", **parts)
    assert learned.complete
    assert learned.frame.content.recipe == Stack.open(folder / "frames").frame("tickets").content.recipe
    with pytest.raises(UsageError, match="micro-batch"):
        learn(tmp_path, "more", folder / "trips.csv", micro_batch=-1)


def test_a_bad_table_leaves_nothing_behind(tmp_path: Path) -> None:
    one_class = write(tmp_path / "a.csv", [(f"text number {n}", "same") for n in range(20)])
    with pytest.raises(InputError):
        learn(tmp_path, "tickets", one_class, label="queue")
    with pytest.raises(UsageError, match="repeat"):
        learn(tmp_path, "tickets", one_class)
    with pytest.raises(InputError):
        learn(tmp_path, "tickets", tmp_path / "missing.csv")
    with pytest.raises(UsageError):
        learn(tmp_path, "../tickets", one_class)
    assert not (tmp_path / "frames").exists()


@pytest.mark.slow
def test_without_a_stack_of_ones_own_it_starts_a_copy_of_the_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = write(tmp_path / "a.csv", rows_of("banking", 3, 60))
    learned = adding.learn("tickets", file, recipe={**SMALL, "method": "linear"})
    assert (learned.stack.name, learned.copied) == ("main", True)
    stack = Stack.open()
    assert (stack.name, len(stack)) == ("main", 9)
    assert stack.frames()[-1].id == Stack.open(stack="main").frames()[-1].id
    assert not adding.learn("tickets", file, recipe={**SMALL, "method": "linear"}).copied


def test_replacing_the_only_frame_is_undone_alone(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", rows_of("banking", 3, 150))
    head = {"method": "linear"}
    learn(tmp_path, "tickets", file, recipe=head)
    before = Store.open(tmp_path / "frames").tip("own")
    learn(tmp_path, "tickets", file, recipe=head, keep_texts=False, replace=True)
    Stack.open(tmp_path / "frames").undo()
    assert Store.open(tmp_path / "frames").tip("own") == before


def test_what_cannot_be_meant_is_refused_before_a_copy_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = write(tmp_path / "a.csv", rows_of("banking", 3, 60))
    for wrong in ({"device": "tpu"}, {"recipe": {"epoch": 3}}, {"model": "smollm"}):
        with pytest.raises(UsageError):
            adding.learn("tickets", file, **wrong)  # type: ignore[arg-type]
        assert not (tmp_path / "frames").exists()


def test_another_precision_than_the_stacks_own_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="fp32"):
        learn(folder, "more", folder / "trips.csv", precision="bf16")


def test_without_rows_held_back_it_still_says_what_others_lose(folder: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", rows_of("home", 3, 100))
    learn(tmp_path, "trips", folder / "trips.csv", recipe={"method": "linear"})
    learned = learn(tmp_path, "rooms", file, test_size=0.0, recipe={"method": "linear"})
    assert learned.test is None
    assert learned.lost is not None
    assert "other tasks" in "\n".join(learned_words(learned, Invocation(None, None, False)))


TWO = """
import json, sys, time
from pathlib import Path
from skillstack import Recipe, RunOptions, Stack
from skillstack.errors import SkillStackError
from skillstack.training.progress import Waiting
go, name, file, where, recipe = *sys.argv[1:4], json.loads(sys.argv[4]), json.loads(sys.argv[5])
print("ready", flush=True)
while not Path(go).exists():
    time.sleep(0.01)
heard = []
try:
    run = RunOptions(on_event=heard.append)
    Stack.open(**where, create=True).learn(name, file, recipe=Recipe(**recipe), run=run)
except SkillStackError as error:
    print(json.dumps([type(error).__name__, error.message, error.hint]))
else:
    print(json.dumps(["done", any(isinstance(event, Waiting) for event in heard), ""]))
"""


def at_once(folder: Path, *lessons: tuple[str, Path], where: dict[str, str] | None = None) -> list[list[str]]:
    """What becomes of two that learn into one stack at once, each in a process of its own."""
    where = {"store": str(folder / "frames"), "stack": "own"} if where is None else where
    path = os.pathsep.join(filter(None, sys.path))
    started = [
        subprocess.Popen(
            [sys.executable, "-c", TWO, "go", name, str(file), json.dumps(where), json.dumps(SMALL)],
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        for name, file in lessons
    ]
    assert [process.stdout.readline() for process in started] == ["ready\n"] * len(lessons)  # type: ignore[union-attr]
    (folder / "go").touch()
    return [json.loads(process.communicate(timeout=300)[0].splitlines()[-1]) for process in started]


def test_two_that_learn_at_once_are_both_there_and_the_newest_is_undone_alone(tmp_path: Path) -> None:
    tickets = write(tmp_path / "tickets.csv", rows_of("banking", 3, 150))
    trips = write(tmp_path / "trips.csv", rows_of("travel", 3, 150))
    told = at_once(tmp_path, ("tickets", tickets), ("trips", trips))
    assert [what for what, *_ in told] == ["done", "done"]
    stack = Stack.open(tmp_path / "frames")
    names = [frame.name for frame in stack]
    assert sorted(names) == ["tickets", "trips"]
    assert verify(stack.store).ok
    assert learn(tmp_path, "tickets", tickets).change == "nothing"
    assert learn(tmp_path, "trips", trips).change == "nothing"
    stack.undo()
    assert [frame.name for frame in Stack.open(tmp_path / "frames")] == names[1:]
    assert verify(stack.store).ok


@pytest.mark.slow
def test_two_that_start_the_copy_of_the_reference_at_once_are_both_there(tmp_path: Path) -> None:
    tickets = write(tmp_path / "tickets.csv", rows_of("banking", 3, 150))
    trips = write(tmp_path / "trips.csv", rows_of("travel", 3, 150))
    told = at_once(tmp_path, ("tickets", tickets), ("trips", trips), where={})
    assert [what for what, *_ in told] == ["done", "done"], told
    stack = Stack.open(tmp_path / "frames")
    assert (stack.name, len(stack)) == ("main", 10)
    assert sorted(frame.name for frame in stack.frames()[:2]) == ["tickets", "trips"]
    assert verify(stack.store).ok


def test_a_store_that_another_program_has_just_made_gets_the_copy_of_the_reference_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.create(tmp_path / "frames")
    monkeypatch.chdir(tmp_path)
    to, copied = Stack.open(create=True).to_add_to()
    assert (to.name, to.store.root.resolve(), copied) == ("main", tmp_path / "frames", True)


def test_of_two_that_learn_one_name_at_once_the_later_is_told_what_is_there(tmp_path: Path) -> None:
    one = write(tmp_path / "one.csv", rows_of("banking", 3, 150))
    two = write(tmp_path / "two.csv", rows_of("travel", 3, 150))
    told = at_once(tmp_path, ("tickets", one), ("tickets", two))
    learned, refused = sorted(told, key=lambda found: found[0] != "done")
    assert (learned[0], refused[0]) == ("done", "UsageError")
    stack = Stack.open(tmp_path / "frames")
    assert [frame.name for frame in stack] == ["tickets"]
    assert all(label in refused[1] for label in stack.frame("tickets").skills[0].labels)
    assert "another name" in refused[2] and "undo" not in refused[2]
    assert verify(stack.store).ok


@pytest.mark.parametrize("replace", [False, True])
def test_a_frame_that_came_while_this_waited_is_not_replaced(tmp_path: Path, replace: bool) -> None:
    one = write(tmp_path / "one.csv", rows_of("banking", 3, 150))
    two = write(tmp_path / "two.csv", rows_of("travel", 3, 150))
    store = Store.create(tmp_path / "frames")
    first = contextlib.ExitStack()
    first.enter_context(training_lock(store.root, "own"))

    def other(event: Event) -> None:
        if isinstance(event, Waiting):
            first.close()
            learn(tmp_path, "tickets", one)

    with pytest.raises(UsageError, match="meanwhile") as refused:
        learn(tmp_path, "tickets", two, replace=replace, on_event=other)
    (frame,) = Stack.open(tmp_path / "frames")
    assert all(label in refused.value.message for label in frame.skills[0].labels)
    assert "another name" in refused.value.hint
    assert not any(word in refused.value.hint for word in ("undo", "--replace"))
    # Who knows of it may replace it.
    assert learn(tmp_path, "tickets", two, replace=True).change == "replaced"


def test_who_waits_for_another_training_says_so_and_no_longer_than_its_time(
    folder: Path, tmp_path: Path
) -> None:
    heard: list[Event] = []
    store = Store.create(tmp_path / "frames")
    with training_lock(store.root, "own"), pytest.raises(BusyError, match="under way"):
        learn(tmp_path, "tickets", folder / "tickets.csv", time_limit=1, on_event=heard.append)
    assert heard == [Waiting("own")]
    assert store.stacks() == ()

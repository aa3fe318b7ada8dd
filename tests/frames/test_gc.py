"""Garbage collection removes what nothing needs, after two weeks, and says so before."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from skillstack.errors import BusyError, IntegrityError
from skillstack.store import gc, transactions
from skillstack.store.derived import FOLDER, Derived, needs
from skillstack.store.files import TEMPORARY, training_lock
from skillstack.store.history import path_of, read_steps
from skillstack.store.store import Store
from skillstack.store.verify import verify

from .builders import chain, files, make_content, push


def age(store: Store, seconds: float = gc.GRACE + 3600) -> None:
    """Make every file and every history line that much older."""
    then = time.time() - seconds
    for name in files(store.root):
        os.utime(store.root / name, (then, then))
    for stack in store.stacks():
        from dataclasses import replace

        lines = [replace(step, time=int(then)).to_bytes() + b"\n" for step in read_steps(store, stack)]
        path_of(store, stack).write_bytes(b"".join(lines))


@pytest.fixture
def undone(store: Store) -> Store:
    push(store, "main", "alpha")
    push(store, "main", "beta")
    transactions.undo(store, "main")
    return store


def test_nothing_is_removed_within_two_weeks(undone):
    assert gc.collect(undone, dry_run=False) == gc.Garbage((), 0, 0)
    age(undone, gc.GRACE - 3600)
    assert gc.collect(undone, dry_run=False) == gc.Garbage((), 0, 0)


def test_after_two_weeks_what_was_undone_is_removed(undone):
    age(undone)
    shown = gc.collect(undone)
    before = files(undone.root)
    assert gc.collect(undone, dry_run=False) == shown
    assert sorted(set(before) - set(files(undone.root))) == sorted(shown.files)
    assert {name.split("/")[0] for name in shown.files} == {
        "nodes", "contents", "adapters", "heads", "samples", "canaries",
    }  # fmt: skip
    assert shown.undos == 1
    assert verify(undone).ok and len(chain(undone, "main")) == 1


def test_a_dry_run_removes_nothing_and_counts_the_bytes(undone):
    before = files(undone.root)
    shown = gc.collect(undone, expire_now=True)
    assert files(undone.root) == before
    assert shown.bytes == sum((undone.root / name).stat().st_size for name in shown.files) > 0


def test_no_empty_adapter_folder_is_left(undone):
    gc.collect(undone, dry_run=False, expire_now=True)
    assert [path.name.split("-")[0] for path in (undone.root / "adapters").iterdir()] == ["alpha"]


def test_a_recent_undo_keeps_what_it_undid_however_old_that_is(undone):
    age(undone)
    transactions.redo(undone, "main")
    transactions.undo(undone, "main")
    assert gc.collect(undone, dry_run=False).files == ()
    transactions.redo(undone, "main")


def test_what_another_stack_needs_stays(undone):
    push(undone, "other", "beta")
    gc.collect(undone, dry_run=False, expire_now=True)
    assert verify(undone).ok and len(chain(undone, "other")) == 1


def test_files_from_the_future_stay(undone):
    age(undone)
    name = next(name for name in gc.collect(undone).files if name.startswith("heads/"))
    os.utime(undone.root / name, (time.time() + 10**7, time.time() + 10**7))
    assert name not in gc.collect(undone, dry_run=False).files
    assert (undone.root / name).is_file()
    assert name in gc.collect(undone, dry_run=False, expire_now=True).files


def test_old_files_that_a_command_under_way_found_again_stay(undone):
    age(undone)
    content = make_content(undone, "beta")  # every file of it is there already, and old
    undone.put_content(content)
    assert not set(gc.collect(undone, dry_run=False).files) & set(content.files)
    transactions.push(undone, "main", content, transaction="t", note="", expected=undone.tip("main"))
    assert verify(undone).ok


def test_what_a_young_content_needs_stays_however_old_it_is(undone):
    age(undone)
    content_id = make_content(undone, "beta").id
    age(undone)
    os.utime(undone.root / "contents" / f"{content_id}.json")
    removed = gc.collect(undone, dry_run=False).files
    assert {name.split("/")[0] for name in removed} == {"nodes"}
    assert verify(undone).ok


def test_measurements_stay_with_the_behaviour_that_they_are_of(undone):
    (node,) = chain(undone, "main")
    content = undone.content(undone.node(node).content)
    kept = content.behaviour(content.skills[0])
    undone.put_measurement(kept, "test", {"n": 1})
    undone.put_measurement("e" * 64, "test", {"n": 1})
    removed = gc.collect(undone, dry_run=False, expire_now=True).files
    assert f"evaluations/{'e' * 64}-test.json" in removed
    assert undone.measurement(kept, "test") == {"n": 1}


def test_remains_of_crashes_and_finished_work_are_removed(undone):
    plan, left = "a" * 64, f"{TEMPORARY}{'1' * 32}"
    names = [
        left,
        f"stacks/{left}",
        f"history/{left}",
        f"nodes/{left}",
        f"work/{plan}/checkpoint.json",
        f"work/{plan}/{'b' * 64}.safetensors",
        f"work/{plan}/{left}",
    ]
    for name in names:
        (undone.root / name).parent.mkdir(exist_ok=True)
        (undone.root / name).write_bytes(b"x")
    assert not set(names) & set(gc.collect(undone, dry_run=False).files)
    assert set(names) <= set(gc.collect(undone, dry_run=False, expire_now=True).files)
    assert not (undone.root / "work" / plan).exists()


def test_files_of_higher_layers_are_removed_with_the_rest(undone):
    state = undone.routers / "main" / "x" / "state.json"
    state.parent.mkdir(parents=True)
    state.write_bytes(b"123")
    assert gc.collect(undone, dry_run=False, rebuildable=[state]).files == ()
    removed = gc.collect(undone, dry_run=False, expire_now=True, rebuildable=[state])
    assert "../routers/main/x/state.json" in removed.files
    assert not state.exists()


def test_expire_now_is_refused_while_a_training_is_under_way(undone):
    before = files(undone.root)
    with training_lock(undone.root, "main"):
        for dry_run in (True, False):
            with pytest.raises(BusyError, match="training is under way"):
                gc.collect(undone, dry_run=dry_run, expire_now=True)
        assert gc.collect(undone, dry_run=False).files == ()
    assert files(undone.root) == before
    gc.collect(undone, dry_run=False, expire_now=True)


@pytest.mark.parametrize("folder", ["nodes", "contents"])
def test_nothing_is_removed_from_a_damaged_store(undone, folder):
    for path in sorted((undone.root / folder).iterdir()):
        data = path.read_bytes()
        path.write_bytes(data[:-1])
        before = files(undone.root)
        with pytest.raises(IntegrityError):
            gc.collect(undone, dry_run=False)
        assert files(undone.root) == before
        path.write_bytes(data)


def test_a_file_that_vanishes_meanwhile_is_no_error(undone, monkeypatch):
    real = Path.stat
    gone = undone.root / "nodes" / f"{TEMPORARY}{'5' * 32}"
    gone.write_bytes(b"x")

    def stat(path: Path, **options: object) -> os.stat_result:
        result = real(path, **options)
        if path == gone:
            gone.unlink()  # right after it was listed
        return result

    monkeypatch.setattr(Path, "stat", stat)
    assert gc.collect(undone, dry_run=False).files == ()


def test_collecting_twice_finds_nothing_the_second_time(full):
    assert gc.collect(full, dry_run=False, expire_now=True).files
    assert gc.collect(full, dry_run=False, expire_now=True).files == ()
    assert verify(full).ok


def behaviour(store: Store, name: str) -> str:
    content = make_content(store, name)
    return content.behaviour(content.skills[0])


def test_derived_files_stay_with_the_frames_that_they_serve(undone):
    answers = Derived(undone.root / FOLDER, "predictions-1")
    alpha, beta = behaviour(undone, "alpha"), behaviour(undone, "beta")
    served = {"a" * 64: [alpha], "b" * 64: [beta], "c" * 64: [alpha, beta], "d" * 64: ["e" * 64]}
    for key, behaviours in served.items():
        answers.write(key, needs(behaviours))
    assert gc.collect(undone, dry_run=False).files == ()
    removed = gc.collect(undone, dry_run=False, expire_now=True).files
    kept = {path.stem for path in (undone.root / FOLDER).rglob("*.safetensors")}
    assert kept == {"a" * 64}
    assert {f"derived/predictions-1/{key}.safetensors" for key in served if key != "a" * 64} <= set(removed)


def test_derived_files_of_what_an_undo_brings_back_stay_as_long_as_it_does(undone):
    answers = Derived(undone.root / FOLDER, "predictions-1")
    answers.write("b" * 64, needs([behaviour(undone, "beta")]))
    path = answers.path("b" * 64)
    then = time.time() - gc.GRACE - 3600
    os.utime(path, (then, then))
    assert gc.collect(undone, dry_run=False).files == ()  # the undo is young, and the frame is there
    age(undone)
    assert "derived/predictions-1" in {str(Path(name).parent) for name in gc.collect(undone).files}


def test_derived_files_that_serve_nobody_by_name_go_by_their_age(undone):
    heads = Derived(undone.root / FOLDER, "frozen-linear-1")
    heads.write("a" * 64, {"weight": np.ones((2, 4), dtype=np.float32)})
    assert gc.collect(undone, dry_run=False).files == ()
    age(undone)
    name = f"derived/frozen-linear-1/{'a' * 64}.safetensors"
    assert name in gc.collect(undone, dry_run=False).files
    assert not (undone.root / FOLDER / "frozen-linear-1").exists()


def test_a_damaged_derived_file_goes_by_its_age_and_stops_nothing(undone):
    answers = Derived(undone.root / FOLDER, "predictions-1")
    answers.write("a" * 64, needs([behaviour(undone, "alpha")]))
    answers.path("a" * 64).write_bytes(b"x")
    assert gc.collect(undone, dry_run=False).files == ()
    assert "derived/predictions-1" in {
        str(Path(name).parent) for name in gc.collect(undone, expire_now=True).files
    }

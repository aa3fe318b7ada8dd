"""Stacks renamed, copied and deleted: names move, ids stay, and undo brings all back."""

from __future__ import annotations

import shutil

import pytest

from skillstack.errors import BusyError, StoreError, UsageError
from skillstack.store import gc, stacks, transactions
from skillstack.store.files import training_lock
from skillstack.store.history import read_history
from skillstack.store.store import Store
from skillstack.store.verify import verify

from .builders import chain, full_store, make_content, push
from .faults import Killed, faults


def copy(store, old, new):
    return stacks.copy(store, old, new, router={})


def rename(store, old, new):
    return stacks.rename(store, old, new, router={})


def test_a_copy_has_the_same_ids_and_goes_its_own_way(full):
    before = chain(full, "main")
    copy(full, "main", "twin")
    assert chain(full, "twin") == chain(full, "main") == before
    push(full, "twin", "zeta")
    assert chain(full, "main") == before and len(chain(full, "twin")) == 3
    stacks.revert(full, "twin", "undo")
    stacks.revert(full, "twin", "undo")
    assert chain(full, "twin") == [] and stacks.is_deleted(full, "twin")
    assert verify(full).ok


def test_a_renamed_stack_keeps_ids_and_stays_the_current_one(full):
    before = chain(full, "main")
    rename(full, "main", "tickets")
    assert (chain(full, "tickets"), chain(full, "main")) == (before, [])
    assert full.head_stack() == "tickets"
    assert stacks.is_deleted(full, "main") and not stacks.is_deleted(full, "tickets")
    assert read_history(full, "tickets").done[-1].note == "rename main to tickets"


@pytest.mark.parametrize("asked", ["main", "tickets"])
def test_undo_takes_a_rename_back_under_either_name(full, asked):
    before = chain(full, "main")
    rename(full, "main", "tickets")
    shown = stacks.revert(full, asked, "undo", dry_run=True)
    assert chain(full, "main") == [] and shown.note == "rename main to tickets"
    assert stacks.revert(full, asked, "undo") == shown
    assert (chain(full, "main"), chain(full, "tickets"), full.head_stack()) == (before, [], "main")
    stacks.revert(full, asked, "redo")
    assert (chain(full, "main"), chain(full, "tickets"), full.head_stack()) == ([], before, "tickets")
    assert verify(full).ok


def test_undo_reverts_what_came_after_a_rename_first(full):
    rename(full, "main", "tickets")
    push(full, "tickets", "zeta")
    stacks.revert(full, "tickets", "undo")
    assert len(chain(full, "tickets")) == 2 and chain(full, "main") == []
    stacks.revert(full, "tickets", "undo")
    assert chain(full, "tickets") == [] and len(chain(full, "main")) == 2


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_rename_is_not_undone_into_a_name_that_is_in_use_again(full, dry_run):
    frames = chain(full, "main")
    rename(full, "main", "tickets")
    push(full, "main", "eta")
    with pytest.raises(UsageError, match=r"'main' is in use again.*stacks rename main OTHER"):
        stacks.revert(full, "tickets", "undo", dry_run=dry_run)
    assert chain(full, "tickets") == frames and len(chain(full, "main")) == 1
    rename(full, "main", "other-one")  # what the message says
    with pytest.raises(UsageError, match=r"used for other frames.*stacks rename tickets main"):
        stacks.revert(full, "tickets", "undo")
    rename(full, "tickets", "main")
    assert (chain(full, "main"), chain(full, "tickets"), full.head_stack()) == (frames, [], "main")
    assert verify(full).ok


def test_a_rename_is_not_done_again_into_a_name_that_is_in_use_again(full):
    frames = chain(full, "main")
    rename(full, "main", "tickets")
    stacks.revert(full, "tickets", "undo")
    push(full, "tickets", "eta")
    with pytest.raises(UsageError, match="'tickets' is in use again"):
        stacks.revert(full, "main", "redo")
    assert (chain(full, "main"), len(chain(full, "tickets"))) == (frames, 1)


def test_the_old_name_comes_back_beside_a_new_one_that_has_grown_and_the_current_stack_stays(full):
    frames = chain(full, "main")
    rename(full, "main", "tickets")
    push(full, "tickets", "zeta")
    stacks.revert(full, "main", "undo")
    assert (chain(full, "main"), len(chain(full, "tickets"))) == (frames, 3)
    assert full.head_stack() == "tickets"
    stacks.revert(full, "main", "redo")
    assert (chain(full, "main"), len(chain(full, "tickets"))) == ([], 3)
    assert full.head_stack() == "tickets" and verify(full).ok


def test_an_undo_of_a_rename_that_was_killed_in_between_goes_on(full):
    frames = chain(full, "main")
    rename(full, "main", "tickets")
    transactions.undo(full, "main")  # the first of its two steps
    stacks.revert(full, "tickets", "undo")
    assert (chain(full, "main"), chain(full, "tickets"), full.head_stack()) == (frames, [], "main")


def test_a_name_taken_by_a_rename_stays_taken_when_the_old_name_has_the_frames_again(full):
    frames = chain(full, "main")
    rename(full, "main", "tickets")
    copy(full, "tickets", "main")
    with pytest.raises(UsageError, match="'tickets' already"):
        rename(full, "main", "tickets")
    assert chain(full, "main") == chain(full, "tickets") == frames


def test_the_way_back_to_the_frames_of_an_empty_stack_is_known(full):
    copy(full, "main", "twin")
    stacks.delete(full, "twin")
    assert stacks.way_back(full, "twin") == "undo"
    stacks.revert(full, "twin", "undo")
    stacks.revert(full, "twin", "undo")
    assert stacks.way_back(full, "twin") == "redo"
    assert stacks.way_back(full, "never") is None


def test_a_deleted_stack_comes_back_until_a_collection(full):
    before = chain(full, "other")
    stacks.delete(full, "other")
    assert chain(full, "other") == [] and stacks.is_deleted(full, "other")
    gc.collect(full, dry_run=False)
    stacks.revert(full, "other", "undo")
    assert chain(full, "other") == before and not stacks.is_deleted(full, "other")
    stacks.delete(full, "other")
    gc.collect(full, dry_run=False, expire_now=True)
    with pytest.raises(StoreError, match="garbage collection"):
        stacks.revert(full, "other", "undo")
    assert verify(full).ok


def test_a_name_that_was_deleted_can_be_taken_again(full):
    stacks.delete(full, "other")
    copy(full, "main", "other")
    assert chain(full, "other") == chain(full, "main")
    stacks.revert(full, "other", "undo")
    stacks.revert(full, "other", "undo")
    assert len(chain(full, "other")) == 1


def test_taken_unknown_empty_and_bad_names_are_refused(full):
    for action in (copy, rename):
        with pytest.raises(UsageError, match=r"'other' already"):
            action(full, "main", "other")
        with pytest.raises(UsageError, match="There is no stack 'mian'"):
            action(full, "mian", "new")
        with pytest.raises(UsageError, match="no valid name"):
            action(full, "main", "../new")
        with pytest.raises(UsageError, match="ships with the package"):
            action(full, "main", "reference")
        with pytest.raises(UsageError, match=r"'main' already"):
            action(full, "main", "main")
    stacks.delete(full, "other")
    with pytest.raises(UsageError, match="no frames"):
        stacks.delete(full, "other")
    assert full.stacks() == ("main", "other") and len(chain(full, "main")) == 2


def test_the_reference_stack_can_be_copied_and_nothing_else(store):
    content = make_content(store, "alpha")
    options = {"transaction": "t", "note": "", "expected": None, "reference": True}
    transactions.push(store, "reference", content, **options)
    copy(store, "reference", "mine")
    assert chain(store, "mine") == chain(store, "reference")
    for action in (lambda: rename(store, "reference", "x"), lambda: stacks.delete(store, "reference")):
        with pytest.raises(StoreError, match=r"for reading only.*stacks copy"):
            action()
    shipped = Store.open(store.root, read_only=True)
    for action in (lambda: copy(shipped, "mine", "x"), lambda: stacks.delete(shipped, "mine")):
        with pytest.raises(StoreError, match="reading only"):
            action()
    assert store.stacks() == ("mine", "reference")


def test_a_stack_in_training_is_left_alone(full):
    with training_lock(full.root, "main"):
        for action in (lambda: rename(full, "main", "x"), lambda: stacks.delete(full, "main")):
            with pytest.raises(BusyError):
                action()
    assert len(chain(full, "main")) == 2


def test_killed_at_any_call_a_rename_has_the_frames_under_one_name_at_least_and_goes_on(place):
    template = place / "template" / "frames"
    frames = chain(full_store(template), "main")
    root = place / "frames"
    shutil.copytree(template, root)
    with faults() as counted:
        rename(Store.open(root), "main", "tickets")
    shutil.rmtree(root)
    for at, name in enumerate(counted.calls):
        where = f"killed at {at}, {name}"
        shutil.copytree(template, root)
        with faults(at, "kill"), pytest.raises(Killed):
            rename(Store.open(root), "main", "tickets")
        with faults():
            store = Store.open(root)
            found = (chain(store, "main"), chain(store, "tickets"))
            assert found in ((frames, []), (frames, frames), ([], frames)), where
            assert verify(store).ok, where
            if found[0]:
                rename(store, "main", "tickets")
            assert (chain(store, "main"), chain(store, "tickets")) == ([], frames), where
            assert len(read_history(store, "tickets").done) == 1, where
            stacks.revert(store, "tickets", "undo")
            assert (chain(store, "main"), chain(store, "tickets")) == (frames, []), where
        shutil.rmtree(root)

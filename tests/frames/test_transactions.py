"""Push, undo and redo: one command is one transaction, and nothing half."""

from __future__ import annotations

import pytest

from skillstack.errors import BusyError, StoreError, UsageError
from skillstack.store import gc, transactions
from skillstack.store.history import read_history
from skillstack.store.verify import verify

from .builders import chain, files, make_content, push, rebase


def test_frames_stand_from_the_newest_to_the_oldest(store):
    pushed = [push(store, "main", name) for name in ("alpha", "beta", "gamma")]
    assert chain(store, "main") == pushed[::-1]
    assert store.stacks() == ("main",)


def test_steps_of_one_transaction_are_undone_and_redone_together(store):
    push(store, "main", "alpha", transaction="one")
    pushed = [push(store, "main", name, transaction="two") for name in ("beta", "gamma")]
    shown = transactions.undo(store, "main", dry_run=True)
    assert chain(store, "main")[0] == pushed[-1]
    assert transactions.undo(store, "main") == shown
    assert (shown.id, shown.steps, shown.note) == ("two", 2, "push gamma")
    assert len(chain(store, "main")) == 1
    transactions.redo(store, "main")
    assert chain(store, "main")[:2] == pushed[::-1]


def test_undoing_all_leaves_an_empty_stack_that_can_be_redone(store):
    node = push(store, "main", "alpha")
    transactions.undo(store, "main")
    assert chain(store, "main") == [] and store.stacks() == ("main",)
    with pytest.raises(UsageError, match="nothing to undo"):
        transactions.undo(store, "main")
    transactions.redo(store, "main")
    assert chain(store, "main") == [node]
    with pytest.raises(UsageError, match="nothing to redo"):
        transactions.redo(store, "main")


def test_undo_deletes_nothing(full):
    before = files(full.root)
    transactions.undo(full, "main")
    assert files(full.root) == before


def test_a_replaced_chain_comes_back_by_undo(store):
    for name in ("alpha", "beta"):
        push(store, "main", name)
    before = chain(store, "main")
    rebase(store, "main", [store.node(before[0]).content])
    assert len(chain(store, "main")) == 1
    transactions.undo(store, "main")
    assert chain(store, "main") == before


def test_moving_a_tip_to_where_it_is_writes_no_history(store):
    node = push(store, "main", "alpha")
    transactions.move(store, "main", "replace", node, expected=node, transaction="t", note="")
    assert len(read_history(store, "main").steps) == 1


def test_a_skill_name_stands_once_on_a_stack(store):
    push(store, "main", "alpha")
    push(store, "main", "beta")
    with pytest.raises(UsageError, match="'alpha' already"):
        push(store, "main", "alpha", version=2)
    push(store, "other", "alpha", version=2)


def test_a_push_on_a_tip_that_moved_is_refused(store):
    first = push(store, "main", "alpha")
    push(store, "main", "beta")
    for expected in (None, first):
        with pytest.raises(BusyError, match="changed by another command"):
            transactions.push(
                store, "main", make_content(store, "gamma"), transaction="t", note="", expected=expected
            )
    assert len(chain(store, "main")) == 2 and verify(store).ok


def test_the_reference_stack_is_for_reading_only(store):
    with pytest.raises(StoreError, match="for reading only"):
        push(store, "reference", "alpha")
    content = make_content(store, "alpha")
    options = {"transaction": "t", "note": "", "expected": None}
    node = transactions.push(store, "reference", content, reference=True, **options)
    assert chain(store, "reference") == [node]
    for action in (transactions.undo, transactions.redo):
        with pytest.raises(StoreError, match="for reading only"):
            action(store, "reference")


def test_an_unknown_stack_and_a_bad_name_are_refused(store):
    push(store, "main", "alpha")
    for action in (transactions.undo, transactions.redo):
        for dry_run in (True, False):
            with pytest.raises(UsageError, match="There is no stack"):
                action(store, "mian", dry_run=dry_run)
    with pytest.raises(UsageError):
        push(store, "../up", "beta")
    assert store.stacks() == ("main",)


def test_undo_after_a_collection_names_what_is_gone(store):
    push(store, "main", "alpha")
    push(store, "main", "beta")
    transactions.undo(store, "main")
    node = read_history(store, "main").undone[0].after
    gc.collect(store, dry_run=False, expire_now=True)
    for dry_run in (True, False):
        with pytest.raises(
            StoreError, match=rf"Cannot redo 'push beta': .*{node}.json is missing.*garbage collection"
        ):
            transactions.redo(store, "main", dry_run=dry_run)
    assert verify(store).ok


def test_undo_that_would_bring_back_a_frame_without_its_adapter_is_refused(store):
    push(store, "main", "alpha")
    push(store, "main", "beta")
    transactions.undo(store, "main")
    content = store.content(store.node(read_history(store, "main").undone[0].after).content)
    (store.root / content.files[1]).unlink()
    with pytest.raises(StoreError, match=r"adapter_model\.safetensors is missing"):
        transactions.redo(store, "main")


def test_a_push_whose_files_a_collection_took_meanwhile_is_refused(store, monkeypatch):
    push(store, "main", "alpha")
    real = transactions.move

    def collected_first(*args: object, **options: object) -> None:
        gc.collect(store, dry_run=False, expire_now=True)
        real(*args, **options)

    monkeypatch.setattr(transactions, "move", collected_first)
    with pytest.raises(StoreError, match=r"Cannot push: .* is missing"):
        push(store, "main", "beta")
    assert len(chain(store, "main")) == 1 and verify(store).ok

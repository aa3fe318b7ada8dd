"""The history: what undo, redo and log are derived from, and what a crash leaves in it."""

from __future__ import annotations

import pytest

from skillstack.errors import IntegrityError, StoreError
from skillstack.store import canonical, transactions
from skillstack.store.history import HistoryStep, path_of, read_history, read_steps
from skillstack.store.store import Store
from skillstack.store.verify import verify

from .builders import chain, push


def write(store: Store, steps: list[tuple[str, str | None, str | None]], tip: str | None, count: int) -> None:
    """A history of these steps, each (action, before, after), and a tip that the first `count` led to."""
    path_of(store, "main").parent.mkdir(exist_ok=True)
    lines = [
        HistoryStep(i, f"t{i}", action, before, after, 1_700_000_000 + i, "").to_bytes() + b"\n"
        for i, (action, before, after) in enumerate(steps)
    ]
    path_of(store, "main").write_bytes(b"".join(lines))
    if count:
        store.set_tip("main", tip, count)


A, B, C = "a" * 64, "b" * 64, "c" * 64


def test_a_stack_without_a_history_is_empty(store):
    history = read_history(store, "main")
    assert history.steps == history.done == history.undone == ()


def test_steps_of_one_transaction_are_one(store):
    write(store, [("push", None, A), ("push", A, B)], B, 2)
    assert [t.id for t in read_history(store, "main").done] == ["t0", "t1"]
    path = path_of(store, "main")
    lines = [HistoryStep(0, "t", "push", None, A, 5, "n"), HistoryStep(1, "t", "push", A, B, 5, "n")]
    path.write_bytes(b"".join(line.to_bytes() + b"\n" for line in lines))
    (found,) = read_history(store, "main").done
    assert (found.before, found.after, found.steps) == (None, B, 2)


def test_undo_and_redo_move_transactions_between_both_sides(store):
    write(
        store, [("push", None, A), ("push", A, B), ("undo", B, A), ("undo", A, None), ("redo", None, A)], A, 5
    )
    history = read_history(store, "main")
    assert [t.id for t in history.done] == ["t0"]
    assert [t.id for t in history.undone] == ["t1"]


def test_a_push_forgets_what_was_undone(store):
    write(store, [("push", None, A), ("undo", A, None), ("push", None, B)], B, 3)
    history = read_history(store, "main")
    assert [t.id for t in history.done] == ["t2"] and history.undone == ()


@pytest.mark.parametrize(
    ("steps", "tip", "count", "done", "undone"),
    [
        ([("push", None, A)], None, 0, [], []),
        ([("push", None, A), ("push", A, B)], A, 1, ["t0"], []),
        ([("push", None, A), ("push", A, B), ("push", A, B)], B, 3, ["t0", "t2"], []),
        ([("push", None, A), ("push", A, B), ("push", A, C), ("push", A, B)], A, 1, ["t0"], []),
        ([("push", None, A), ("undo", A, None)], A, 1, ["t0"], []),
        ([("push", None, A), ("undo", A, None), ("undo", A, None)], None, 3, [], ["t0"]),
        ([("push", None, A), ("undo", A, None), ("push", A, B)], B, 3, ["t0", "t2"], []),
        ([("push", None, A), ("undo", A, None), ("redo", None, A)], None, 2, [], ["t0"]),
        ([("push", None, A), ("undo", A, None), ("redo", None, A), ("push", None, B)], B, 4, ["t3"], []),
        ([("push", None, A), ("push", None, A)], A, 2, ["t1"], []),
    ],
)
def test_a_line_before_whose_tip_the_crash_came_has_no_effect(store, steps, tip, count, done, undone):
    write(store, steps, tip, count)
    history = read_history(store, "main")
    assert [t.id for t in history.done] == done
    assert [t.id for t in history.undone] == undone


@pytest.mark.parametrize("torn", [b"{", b'{"action":"push"', b"\0" * 300])
def test_a_torn_last_line_has_no_effect_and_is_cut_off_by_the_next(store, torn):
    push(store, "main", "alpha")
    with path_of(store, "main").open("ab") as file:
        file.write(torn)
    assert len(read_history(store, "main").done) == 1
    assert verify(store).ok
    push(store, "main", "beta")
    assert len(read_history(store, "main").done) == 2
    assert torn not in path_of(store, "main").read_bytes() or torn in (b"{", b'{"action":"push"')
    assert len(read_steps(store, "main")) == 2


def test_several_crashes_in_a_row_leave_a_stack_that_works_on(store, monkeypatch):
    push(store, "main", "alpha")

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    for _ in range(3):
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(Store, "set_tip", crash)
            push(store, "main", "beta")
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(Store, "set_tip", crash)
            transactions.undo(store, "main")
    assert len(read_steps(store, "main")) == 7
    assert len(chain(store, "main")) == 1 and len(read_history(store, "main").done) == 1
    push(store, "main", "beta")
    assert [t.note for t in read_history(store, "main").done] == ["push alpha", "push beta"]
    transactions.undo(store, "main")
    transactions.redo(store, "main")
    assert verify(store).ok and len(chain(store, "main")) == 2


@pytest.mark.parametrize(
    ("steps", "tip", "count"),
    [
        ([("push", None, A)], B, 1),
        ([("push", None, A)], A, 2),
        ([], A, 1),
        ([("push", None, A), ("push", A, B)], A, 2),
        ([("push", None, A), ("push", B, C)], A, 1),
        ([("push", None, A), ("push", A, B)], None, 0),
        ([("undo", None, A)], A, 1),
        ([("push", B, A)], A, 1),
    ],
)
def test_a_tip_that_the_lines_do_not_lead_to_is_refused(store, steps, tip, count):
    write(store, steps, tip, count)
    with pytest.raises(IntegrityError, match="do not fit each other"):
        read_history(store, "main")


def test_a_history_cut_short_anywhere_shows(full):
    path = path_of(full, "main")
    data = path.read_bytes()
    assert read_history(full, "main").undone
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(IntegrityError):
            read_history(full, "main")


def test_a_line_taken_out_of_the_middle_shows(full):
    path = path_of(full, "main")
    lines = path.read_bytes().splitlines(keepends=True)
    for index in range(len(lines)):
        path.write_bytes(b"".join(lines[:index] + lines[index + 1 :]))
        with pytest.raises(IntegrityError):
            read_history(full, "main")


@pytest.mark.parametrize(
    "change",
    [{"action": "drop"}, {"before": "x"}, {"after": 3}, {"sequence": "0"}, {"sequence": 1}, {"time": "now"},
     {"note": 3}, {"transaction": None}, {"more": 1}],
)  # fmt: skip
def test_a_line_of_another_form_is_refused(store, change):
    push(store, "main", "alpha")
    record = canonical.unseal(path_of(store, "main").read_bytes()[:-1], what="line")
    path_of(store, "main").write_bytes(canonical.seal({**record, **change}) + b"\n")
    with pytest.raises(IntegrityError):
        read_history(store, "main")


def test_a_line_of_a_newer_format_asks_for_an_update(store):
    push(store, "main", "alpha")
    record = canonical.unseal(path_of(store, "main").read_bytes()[:-1], what="line")
    path_of(store, "main").write_bytes(canonical.seal({**record, "format": 2, "new": 1}) + b"\n")
    with pytest.raises(StoreError, match="newer format"):
        read_history(store, "main")

"""The history of a stack: one sealed line per step, from which undo, redo and log are derived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from skillstack.errors import IntegrityError, StoreError
from skillstack.store import canonical, files
from skillstack.store.canonical import is_digest
from skillstack.store.store import Store

FORMAT = 1
ACTIONS = ("push", "replace", "undo", "redo")


@dataclass(frozen=True)
class HistoryStep:
    """One move of a tip.

    :ivar sequence: number within the stack, from 0.
    :ivar transaction: what the step belongs to; consecutive steps of one transaction are undone together.
    :ivar action: ``push``, ``replace``, ``undo`` or ``redo``.
    :ivar before: the tip it found, or None.
    :ivar after: the tip it left, or None.
    :ivar time: when, in seconds since 1970.
    :ivar note: what it did, for people.
    """

    sequence: int
    transaction: str
    action: str
    before: str | None
    after: str | None
    time: int
    note: str

    def to_bytes(self) -> bytes:
        """A sealed line, without the newline."""
        return canonical.seal({"format": FORMAT, **asdict(self)})


@dataclass(frozen=True)
class Transaction:
    """Steps that are undone together.

    :ivar id: their common transaction.
    :ivar before: the tip before the first step.
    :ivar after: the tip after the last.
    :ivar steps: how many.
    :ivar time: when the last was taken.
    :ivar note: what the last did.
    """

    id: str
    before: str | None
    after: str | None
    steps: int
    time: int
    note: str


@dataclass(frozen=True)
class History:
    """The history of a stack: its transactions and the steps that they consist of.

    :ivar steps: those that took effect, oldest first.
    :ivar done: transactions that undo would revert, oldest first.
    :ivar undone: transactions that redo would restore, the next one last.
    """

    steps: tuple[HistoryStep, ...]
    done: tuple[Transaction, ...]
    undone: tuple[Transaction, ...]


def path_of(store: Store, stack: str) -> Path:
    """The stack's history file."""
    return store.root / "history" / f"{stack}.jsonl"


def read_steps(store: Store, stack: str) -> tuple[HistoryStep, ...]:
    """Every whole line, oldest first, whether its step took effect or not.

    Bytes after the last newline are the remains of a crash before the tip moved and do not count.

    :raises IntegrityError: if a whole line is damaged, or lines are missing or out of order.
    """
    path = path_of(store, stack)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise files.as_store_error(error, path, "read") from error
    lines = data.split(b"\n")[:-1]
    steps = tuple(_read(line, f"{path}, line {number}") for number, line in enumerate(lines, 1))
    for index, step in enumerate(steps):
        if step.sequence != index:
            raise IntegrityError(
                f"{path}, line {index + 1} is step {step.sequence}: lines are missing.", "It is damaged."
            )
    return steps


def _read(line: bytes, what: str) -> HistoryStep:
    record: Mapping[str, object] = canonical.unseal(line, what=what)
    if type(record.get("format")) is int and record["format"] > FORMAT:  # type: ignore[operator]
        raise StoreError(f"{what} has a newer format.", "Update skillstack.")
    try:
        step = HistoryStep(**{key: value for key, value in record.items() if key != "format"})  # type: ignore[arg-type]
        tips_fit = all(tip is None or is_digest(tip) for tip in (step.before, step.after))
        numbers_fit = type(step.sequence) is int and type(step.time) is int
        texts_fit = isinstance(step.transaction, str) and isinstance(step.note, str)
        if step.action not in ACTIONS or not (tips_fit and numbers_fit and texts_fit):
            raise ValueError("a field has an impossible value")
    except (TypeError, ValueError) as error:
        raise IntegrityError(f"{what} is no history line: {error}.", "It is damaged.") from None
    return step


def read_history(store: Store, stack: str) -> History:
    """The history as it took effect.

    A crash after a line was written and before the tip moved leaves a line that never took effect: the
    next line, or the tip, goes on from where it started. Such lines are left out.

    :raises IntegrityError: if a line is damaged, or the tip is not the one that the lines lead to.
    """
    tip = store.read_tip(stack)
    written = read_steps(store, stack)
    # Readers hold no lock: what was read belongs together only if no commit moved the tip meanwhile.
    while (now := store.read_tip(stack)) != tip:
        tip, written = now, read_steps(store, stack)
    before, void = written[: tip.steps], written[tip.steps :]
    found = before[-1].after if before else None
    if len(before) < tip.steps or found != tip.node or any(step.before != tip.node for step in void):
        raise _unexplained(store, stack)
    steps: list[HistoryStep] = []
    follows = tip.node
    for step in reversed(before):
        if step.after == follows:
            steps.append(step)
            follows = step.before
    steps.reverse()
    if follows is not None:
        raise _unexplained(store, stack)
    done: list[Transaction] = []
    undone: list[Transaction] = []
    for step in steps:
        if step.action not in ("undo", "redo"):
            undone.clear()
            _add(done, step)
            continue
        source, target = (done, undone) if step.action == "undo" else (undone, done)
        if not source:
            raise _unexplained(store, stack)
        target.append(source.pop())
    return History(tuple(steps), tuple(done), tuple(undone))


def _unexplained(store: Store, stack: str) -> IntegrityError:
    return IntegrityError(
        f"The tip of the stack {stack!r} and its history do not fit each other.",
        f"Restore stacks/{stack} and history/{stack}.jsonl together from a copy of the store.",
    )


def _add(done: list[Transaction], step: HistoryStep) -> None:
    joined = done and done[-1].id == step.transaction and done[-1].after == step.before
    before, count = (done[-1].before, done[-1].steps) if joined else (step.before, 0)
    transaction = Transaction(step.transaction, before, step.after, count + 1, step.time, step.note)
    if joined:
        done[-1] = transaction
    else:
        done.append(transaction)

"""What a method needs besides time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from skillstack.store.rows import Row


@dataclass(frozen=True)
class Cost:
    """What a method needs besides time.

    :ivar parameters: numbers that were trained, over all tasks.
    :ivar bytes: weights and statistics that have to be kept to answer all tasks and to learn the next one.
    :ivar texts: bytes of training texts that have to be kept for the same.
    :ivar steps: optimizer steps.
    :ivar rows: training rows that passed through the model in these, each as often as it did.
    """

    parameters: int = 0
    bytes: int = 0
    texts: int = 0
    steps: int = 0
    rows: int = 0


def text_bytes(rows: Iterable[Row]) -> int:
    """UTF-8 bytes of the texts of rows."""
    return sum(len(row.text.encode()) + len((row.text_pair or "").encode()) for row in rows)


T = TypeVar("T")


@dataclass(frozen=True)
class Spent:
    """Time.

    :ivar seconds: by the clock on the wall.
    :ivar processor: of this process, in seconds.
    """

    seconds: float = 0.0
    processor: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.seconds + other.seconds, self.processor + other.processor)

    def __sub__(self, other: Spent) -> Spent:
        return Spent(self.seconds - other.seconds, self.processor - other.processor)

    @classmethod
    def now(cls) -> Spent:
        """Both clocks; the difference of two of these is what was spent."""
        return cls(time.perf_counter(), time.process_time())


class CostLedger:
    """Charges each training once for each thing that it found ready.

    :ivar saved: what the present training saved so far.
    """

    def __init__(self) -> None:
        self.saved = Spent()
        self._charged: set[int] = set()

    def start(self) -> None:
        """Another training begins."""
        self.saved, self._charged = Spent(), set()

    def charge(self, thing: object, cost: Spent, *, made_now: bool) -> None:
        """Note that the present training uses a thing."""
        if id(thing) not in self._charged:
            self._charged.add(id(thing))
            if not made_now:
                self.saved += cost


class Kept(Generic[T]):
    """A value that is computed when it is first asked for.

    :param make: computes it. What it is made of has to be asked for before, so that it is charged once, by
        itself.
    """

    def __init__(self, ledger: CostLedger, make: Callable[[], T]) -> None:
        self._ledger, self._make = ledger, make
        self._value: T | None = None
        self._cost = Spent()

    def get(self) -> T:
        """The value."""
        made_now = self._value is None
        if self._value is None:
            before = Spent.now()
            self._value = self._make()
            self._cost = Spent.now() - before
        self._ledger.charge(self, self._cost, made_now=made_now)
        return self._value

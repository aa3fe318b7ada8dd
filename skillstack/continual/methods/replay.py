"""Replay of a bounded memory: a few rows of older tasks are learned again beside the new ones.

Chaudhry et al. 2019, On tiny episodic memories in continual learning, https://arxiv.org/abs/1902.10486. The
memory holds the same number of rows of each task so far, and of each class within it; all together never more
than `BOUND`. Rows of the memory come on top of a step's own, so a step costs more than other methods' do.
Adapter and heads learn from both.
"""

from __future__ import annotations

import dataclasses
import random
from collections import defaultdict
from collections.abc import Sequence

from skillstack.continual.cell import Cost
from skillstack.continual.method import Method, MethodContext, text_bytes
from skillstack.continual.methods.sequential import RATES, Sequential
from skillstack.continual.tasks import SequenceTask
from skillstack.training.encoded import EncodedDataset
from skillstack.training.steps import Hooks

#: Rows that the memory holds at most, of all tasks together.
BOUND = 256


class Replay(Sequential):
    """A sequential adapter that is reminded of older tasks.

    :ivar memory: of each task so far, which of its training rows are kept.
    """

    def __init__(self, context: MethodContext) -> None:
        super().__init__(context)
        self.memory: list[tuple[SequenceTask, list[int]]] = []

    def dataset(self, task: SequenceTask) -> EncodedDataset:
        """The task's rows, and behind them those of the memory."""
        if not self.memory:
            return super().dataset(task)
        own = len(task.train.labels)
        parts = [(old.train, rows, old.number) for old, rows in self.memory]
        return EncodedDataset.joined([(task.train, [*range(own)], task.number), *parts], own)

    def hooks(self, task: SequenceTask) -> Hooks:
        """Draws from the memory."""
        kept = sum(len(rows) for _, rows in self.memory)
        share = self.context.settings.get("share", SHARES[0])
        return _Drawn(len(task.train.labels), kept, share, f"{self.context.recipe.seed}:{task.number}")

    def learned(self, task: SequenceTask) -> None:
        """Make room for the task, and keep some of its rows."""
        each = BOUND // (len(self.memory) + 1)
        everyone = [old for old, _ in self.memory] + [task]
        self.memory = [(old, by_turns(old.train.labels, each)) for old in everyone]

    @property
    def cost(self) -> Cost:
        """Besides adapter and heads, the texts of the memory."""
        texts = text_bytes(old.data.train[row].row for old, rows in self.memory for row in rows)
        return dataclasses.replace(super().cost, texts=texts)


class _Drawn(Hooks):
    """Rows of the memory, other ones at each step.

    :param first: number of the memory's first row.
    :param kept: how many rows it has.
    :param share: rows of it per row of the step.
    """

    def __init__(self, first: int, kept: int, share: float, seed: str) -> None:
        self._rows, self._share = range(first, first + kept), share
        self._chance = random.Random(seed)

    def rows(self, step: int, own: int) -> list[int]:
        """Rows of the memory, none twice."""
        return sorted(self._chance.sample(self._rows, min(len(self._rows), round(own * self._share))))


def by_turns(labels: Sequence[int], count: int) -> list[int]:
    """Numbers of rows, each class giving its first, then each its second, until there are enough."""
    turns: defaultdict[int, int] = defaultdict(int)
    ranked = []
    for row, label in enumerate(labels):
        ranked.append((turns[label], row))
        turns[label] += 1
    return sorted(row for _, row in sorted(ranked)[:count])


SHARES = (1.0, 0.5)
METHOD = Method(
    "replay",
    f"Replay, {BOUND} rows",
    "Chaudhry et al. 2019, https://arxiv.org/abs/1902.10486",
    Replay,
    {"share": SHARES, "rate": RATES},
)

"""A logistic regression per task on the features of the frozen base; its penalty is chosen on dev.

The baseline that costs next to nothing: linear probing (Alain & Bengio 2016, https://arxiv.org/abs/1610.01644).
"""

from __future__ import annotations

from collections.abc import Sequence

from skillstack.continual.cell import Cost
from skillstack.continual.method import Method, MethodContext, TaskModel, frozen_head, head_size
from skillstack.continual.tasks import SequenceTask
from skillstack.models.heads import Head
from skillstack.training.encoded import EncodedDataset, Floats


class FrozenLinear:
    """Heads by the task's number."""

    def __init__(self, context: MethodContext) -> None:
        self.context = context
        self._heads: dict[int, Head] = {}

    def learn(self, task: SequenceTask) -> None:
        """Fit the head whose penalty dev prefers."""
        self._heads[task.number], _ = frozen_head(self.context, task)

    def logits(self, task: int, dataset: EncodedDataset, rows: Sequence[int] | None = None) -> Floats:
        """Logits of a task's head on the bare base."""
        return TaskModel(self._heads[task], bare=True).logits(self.context.slot, dataset, rows)

    def version(self, task: int) -> int:
        """Nothing that came later changes a task's answers."""
        return 0

    @property
    def cost(self) -> Cost:
        """The heads alone."""
        size = head_size([*self._heads.values()])
        return Cost(parameters=size, bytes=4 * size)


METHOD = Method(
    "frozen-linear",
    "Linear head on the frozen base",
    "Alain & Bengio 2016, https://arxiv.org/abs/1610.01644",
    FrozenLinear,
)

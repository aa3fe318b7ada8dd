"""One adapter that goes on from task to task, each with a head of its own that stays as it was learned.

What people do who fine-tune again and again; the lower bound of the literature on forgetting
(McCloskey & Cohen 1989, Catastrophic interference in connectionist networks).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from skillstack.continual.cell import Cost
from skillstack.continual.method import (
    Method,
    MethodContext,
    TaskModel,
    answering_head,
    head_size,
    starting_head,
)
from skillstack.continual.tasks import SequenceTask
from skillstack.models.heads import Head
from skillstack.training.encoded import EncodedDataset, Floats
from skillstack.training.loop import TrainingCost, train_adapter
from skillstack.training.recipe import Schedule
from skillstack.training.steps import Hooks

#: Values for what the adapter's learning rate is multiplied with: slower learning forgets less.
RATES = (1.0, 0.3)


class Sequential:
    """One adapter, one head per task. Methods that hold the adapter back derive from it.

    :ivar adapter: its tensors by their names; empty before the first task.
    :ivar heads: as they were trained, by the task's number.
    :ivar answering: what answers, by the task's number.
    """

    def __init__(self, context: MethodContext) -> None:
        self.context = context
        self.adapter: Mapping[str, Floats] = {}
        self.heads: dict[int, Head] = {}
        self.answering: dict[int, TaskModel] = {}
        self._steps = self._rows = 0

    def learn(self, task: SequenceTask) -> None:
        """Go on with the adapter on the next task."""
        context, slot = self.context, self.context.slot
        fresh = not self.adapter
        if not fresh:
            slot.copy_in(self.adapter, context.spec)
        head = starting_head(context, task, bare=fresh)
        if fresh:
            slot.start_fresh(context.spec, context.recipe.seed)
        dataset = self.dataset(task)
        taken = train_adapter(
            slot,
            dataset,
            {**self.heads, task.number: head},
            context.recipe,
            Schedule.of(context.recipe, dataset.own),
            rate=context.settings.get("rate", 1.0),
            hooks=self.hooks(task),
        )
        self.adapter = slot.read_out()
        self.take(taken)
        self.learned(task)
        self.answering[task.number] = answering_head(context, task, self.heads[task.number])

    def dataset(self, task: SequenceTask) -> EncodedDataset:
        """The rows of a training."""
        return task.train.under(task.number)

    def hooks(self, task: SequenceTask) -> Hooks:
        """What holds the adapter back while it learns; nothing here."""
        return Hooks()

    def learned(self, task: SequenceTask) -> None:
        """A task has been learned; the slot holds the adapter."""

    def take(self, taken: TrainingCost) -> None:
        """Keep the heads, and count the steps. Heads of older tasks that were trained again answer now."""
        self.heads.update(taken.heads)
        for number, head in taken.heads.items():
            if number in self.answering and not self.answering[number].bare:
                self.answering[number] = TaskModel(head)
        self._steps += taken.steps
        self._rows += taken.rows

    def logits(self, task: int, dataset: EncodedDataset, rows: Sequence[int] | None = None) -> Floats:
        """Logits of a task's head over the adapter as it is now."""
        answering = self.answering[task]
        if not answering.bare:
            self.context.slot.copy_in(self.adapter, self.context.spec)
        return answering.logits(self.context.slot, dataset, rows)

    def version(self, task: int) -> int:
        """Every task moves the adapter."""
        return len(self.heads)

    @property
    def cost(self) -> Cost:
        """One adapter, and the heads."""
        size = sum(tensor.size for tensor in self.adapter.values()) + head_size([*self.heads.values()])
        return Cost(parameters=size, bytes=4 * size, steps=self._steps, rows=self._rows)


METHOD = Method("sequential", "Sequential fine-tuning", "", Sequential, {"rate": RATES})

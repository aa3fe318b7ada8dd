"""One adapter for all tasks, trained on the rows of all of them at once, with a head for each.

Multi-task learning (Caruana 1997, https://doi.org/10.1023/A:1007379606734) sees what no sequence of tasks may
see. It takes as many steps as a sequence's trainings together, and is what continual learning is usually
measured against.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from skillstack.continual.cell import Cost
from skillstack.continual.method import Method, MethodContext, answering_head, starting_head, text_bytes
from skillstack.continual.methods.sequential import RATES, Sequential
from skillstack.continual.tasks import SequenceTask
from skillstack.models.heads import Head
from skillstack.training.encoded import EncodedDataset, Floats
from skillstack.training.loop import train_adapter
from skillstack.training.recipe import Recipe, Schedule


class Joint(Sequential):
    """Waits until the last task has come. Until then it can answer nothing."""

    def __init__(self, context: MethodContext) -> None:
        super().__init__(context)
        self._tasks: list[SequenceTask] = []

    def learn(self, task: SequenceTask) -> None:
        """Keep the task; train when it is the last one."""
        self._tasks.append(task)
        if len(self._tasks) < self.context.tasks:
            return
        context, tasks = self.context, self._tasks
        heads: dict[int, Head] = {one.number: starting_head(context, one, bare=True) for one in tasks}
        context.slot.start_fresh(context.spec, context.recipe.seed)
        counts = [len(one.train.labels) for one in tasks]
        dataset = EncodedDataset.joined(
            [(one.train, range(count), one.number) for one, count in zip(tasks, counts, strict=True)]
        )
        schedule = joint_schedule(context.recipe, counts)
        taken = train_adapter(
            context.slot, dataset, heads, context.recipe, schedule, rate=context.settings.get("rate", 1.0)
        )
        self.adapter = context.slot.read_out()
        self.take(taken)
        for one in tasks:
            context.slot.copy_in(self.adapter, context.spec)
            self.answering[one.number] = answering_head(context, one, self.heads[one.number])

    @property
    def cost(self) -> Cost:
        """Besides adapter and heads, the texts of all tasks, which a further one would be learned with."""
        texts = sum(text_bytes(one.row for one in task.data.train) for task in self._tasks)
        return dataclasses.replace(super().cost, texts=texts)

    def logits(self, task: int, dataset: EncodedDataset, rows: Sequence[int] | None = None) -> Floats:
        """Logits of a task's head over the shared adapter.

        :raises ValueError: before the last task has come.
        """
        if not self.adapter:
            raise ValueError("the joint model is trained when the last task has come")
        return super().logits(task, dataset, rows)


def joint_schedule(recipe: Recipe, rows: Sequence[int]) -> Schedule:
    """As many steps as a training of each task would take, over the rows of all.

    :param rows: training rows of each task.
    """
    steps = sum(recipe.steps(count) for count in rows)
    return dataclasses.replace(
        Schedule.of(recipe, sum(rows)),
        steps=steps,
        warmup=recipe.warmup * steps,
        average_from=steps + 1 if not recipe.average else int(steps * (1 - recipe.average)) + 1,
        measured=frozenset(),
    )


METHOD = Method(
    "joint",
    "Joint multi-head training",
    "Caruana 1997, https://doi.org/10.1023/A:1007379606734",
    Joint,
    {"rate": RATES},
    late=True,
)

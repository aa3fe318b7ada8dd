"""Frames in a store, trained by the same code as ``skillstack train``; they go on where they were stopped."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from skillstack.continual.cell import Cost
from skillstack.continual.method import Method, MethodContext, StackPlace, TaskModel, head_size
from skillstack.continual.tasks import SequenceTask
from skillstack.errors import UsageError
from skillstack.models import adapter_config
from skillstack.models.heads import Head, stored_head
from skillstack.models.lora import LoraSpec
from skillstack.store.records import FrameRecord
from skillstack.training.encoded import EncodedDataset, Floats
from skillstack.training.plan import Chain, TrainingPlan
from skillstack.training.progress import Event, FrameStarted
from skillstack.training.recipe import Schedule
from skillstack.training.run import train_stack


class Frames:
    """A stack in a store.

    :ivar resumed: whether a part was trained by an earlier process, so that what it took is not known.
    """

    def __init__(self, context: MethodContext) -> None:
        if context.place is None:
            raise UsageError("Frames need a store.", "Name a folder with --store.")
        self.context = context
        self.place: StackPlace = context.place
        self.resumed = False
        self._parts: dict[int, tuple[dict[str, Floats] | None, LoraSpec | None, Head]] = {}
        self._steps = self._rows = 0

    def learn(self, task: SequenceTask) -> None:
        """Push a frame, or find that it is there."""
        place, slot = self.place, self.context.slot
        job = TrainingPlan(
            stack=place.stack,
            tasks=(task.source,),
            recipe=self.context.recipe,
            precision=slot.base.precision,
            first=task.number,
        )
        # The training makes a slot of its own, and a base has room for one.
        slot.remove()
        result = train_stack(place.store, job, lambda: slot.base, place.fit_router, self._hear)
        record = self.chain()[task.number][1]
        self.resumed = self.resumed or not result.trained
        self._parts[task.number] = self._read(record)
        schedule = Schedule.of(self.context.recipe, len(task.train.labels))
        self._steps += schedule.steps
        self._rows += round(schedule.steps / max(1, schedule.per_epoch) * schedule.rows)

    def _hear(self, event: Event) -> None:
        self.resumed = self.resumed or (isinstance(event, FrameStarted) and event.resumed_at > 0)

    def chain(self) -> Chain:
        """The stack's records with their ids, oldest first."""
        return self.place.store.contents(self.place.stack)

    def logits(self, task: int, dataset: EncodedDataset, rows: Sequence[int] | None = None) -> Floats:
        """Logits of a task's own frame."""
        adapter, spec, head = self._parts[task]
        bare = adapter is None or spec is None
        if adapter is not None and spec is not None:
            self.context.slot.copy_in(adapter, spec)
        return TaskModel(head, bare=bare).logits(self.context.slot, dataset, rows)

    def version(self, task: int) -> int:
        """Nothing that came later changes a frame."""
        return 0

    @property
    def cost(self) -> Cost:
        """All adapters and heads."""
        parts = self._parts.values()
        adapters = sum(t.size for adapter, _, _ in parts if adapter is not None for t in adapter.values())
        size = adapters + head_size([head for _, _, head in parts])
        return Cost(parameters=size, bytes=4 * size, steps=self._steps, rows=self._rows)

    def _read(self, record: FrameRecord) -> tuple[dict[str, Floats] | None, LoraSpec | None, Head]:
        store, skill = self.place.store, record.skills[0]
        head = stored_head(store, record, skill)
        if record.adapter is None:
            return None, None, head
        spec = adapter_config.parse(store.adapter_config(record.adapter)).spec
        tensors = store.adapter_tensors(record.adapter)
        return {name: tensor.astype("float32") for name, tensor in tensors.items()}, spec, head


class SkillStack(Frames):
    """Frames and their router."""

    @property
    def cost(self) -> Cost:
        """Besides adapters and heads the router; the texts are those that it is fitted on."""
        cost, chain = super().cost, self.chain()
        texts = sum(self._sample_bytes(record) for _, record in chain)
        return dataclasses.replace(cost, bytes=cost.bytes + self.place.router_bytes(chain), texts=texts)

    def _sample_bytes(self, record: FrameRecord) -> int:
        return sum(
            len(self.place.store.read(f"samples/{skill.samples}"))
            for skill in record.skills
            if skill.samples is not None
        )


class Independent(Frames):
    """Frames that start from nothing: a folder of adapters, without lineage and without a router.

    They are trained as frames are, candidates on dev and all.
    """

    def __init__(self, context: MethodContext) -> None:
        place = context.place and dataclasses.replace(context.place, fit_router=lambda chain: None)
        recipe = dataclasses.replace(context.recipe, init="fresh")
        super().__init__(dataclasses.replace(context, place=place, recipe=recipe))


METHOD = Method("skillstack", "SkillStack frames", "", SkillStack, stored=True)
INDEPENDENT = Method("independent", "Independent adapters", "", Independent, stored=True)

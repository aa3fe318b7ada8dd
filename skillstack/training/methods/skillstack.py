"""Frames on a stack: an adapter and a head per task, started from the frame below or a relative of it.

The product itself, trained by the same code as ``skillstack train`` and kept in a store, so that it can go on
where it was stopped. Its training chooses between candidates on dev, as everybody's frames do.
"""

from __future__ import annotations

from collections.abc import Sequence

from skillstack.errors import UsageError
from skillstack.frames.records import Content
from skillstack.models import adapter_config
from skillstack.models.heads import Head
from skillstack.models.lora import LoraSpec
from skillstack.training.events import nobody
from skillstack.training.methods.cost import Cost
from skillstack.training.methods.heads import head_size
from skillstack.training.methods.ledger import Spent
from skillstack.training.methods.lessons import Floats, Lesson, Passages
from skillstack.training.methods.method import Method, Place, Terms
from skillstack.training.run import Chain, Job, train_stack
from skillstack.training.schedule import Schedule


class Frames:
    """A stack in a store.

    :ivar missed: seconds that frames took which were on the stack already.
    """

    def __init__(self, terms: Terms) -> None:
        if terms.place is None:
            raise UsageError("The method 'skillstack' needs a store.", "Name a folder with --store.")
        self.terms = terms
        self.place: Place = terms.place
        self.missed = Spent()
        self._parts: dict[int, tuple[dict[str, Floats] | None, LoraSpec | None, Head]] = {}
        self._steps = self._rows = 0

    def learn(self, lesson: Lesson) -> None:
        """Push a frame, or find that it is there."""
        place, slot = self.place, self.terms.slot
        job = Job(
            stack=place.stack,
            tasks=(lesson.source,),
            recipe=self.terms.recipe,
            precision=slot.base.precision,
            first=lesson.number,
        )
        # The training makes a slot of its own, and a base has room for one.
        slot.remove()
        result = train_stack(place.store, job, lambda: slot.base, place.fit_router, nobody)
        content = self.chain()[lesson.number][1]
        if not result.trained:
            kept = place.store.measurement(content.behaviour(content.skills[0]), "training") or {}
            self.missed += Spent(float(str(kept.get("seconds", "0"))))
        self._parts[lesson.number] = self._read(content)
        schedule = Schedule.of(self.terms.recipe, len(lesson.train_labels))
        self._steps += schedule.steps
        self._rows += round(schedule.steps / max(1, schedule.per_epoch) * schedule.rows)

    def chain(self) -> Chain:
        """The stack's contents with their ids, oldest first."""
        return self.place.store.contents(self.place.stack)

    def logits(self, task: int, passages: Passages, rows: Sequence[int] | None = None) -> Floats:
        """Logits of a task's own frame."""
        adapter, spec, head = self._parts[task]
        if adapter is None or spec is None:
            seen = passages.bare()
            return head.logits(seen if rows is None else seen[list(rows)])
        self.terms.slot.copy_in(adapter, spec)
        return head.logits(passages.features(rows))

    def version(self, task: int) -> int:
        """Nothing that came later changes a frame."""
        return 0

    @property
    def cost(self) -> Cost:
        """All adapters and heads; the texts are those that the router is fitted on."""
        parts = self._parts.values()
        adapters = sum(t.size for adapter, _, _ in parts if adapter is not None for t in adapter.values())
        size = adapters + head_size([head for _, _, head in parts])
        texts = sum(self._sample_bytes(content) for _, content in self.chain())
        return Cost(parameters=size, bytes=4 * size, texts=texts, steps=self._steps, rows=self._rows)

    def _read(self, content: Content) -> tuple[dict[str, Floats] | None, LoraSpec | None, Head]:
        store, skill = self.place.store, content.skills[0]
        head = Head.from_tensors(
            store.head(skill.head), hidden_size=content.base.hidden_size, labels=len(skill.labels)
        )
        if content.adapter is None:
            return None, None, head
        spec = adapter_config.parse(store.adapter_config(content.adapter)).spec
        tensors = store.adapter_tensors(content.adapter)
        return {name: tensor.astype("float32") for name, tensor in tensors.items()}, spec, head

    def _sample_bytes(self, content: Content) -> int:
        return sum(
            len(self.place.store.read(f"samples/{skill.samples}"))
            for skill in content.skills
            if skill.samples is not None
        )


METHOD = Method("skillstack", "SkillStack frames", "", Frames)

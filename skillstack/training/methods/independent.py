"""An adapter and a head for each task, trained alone: a folder of adapters, without lineage between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from skillstack.models.heads import Head
from skillstack.training.methods.cost import Cost
from skillstack.training.methods.heads import head_size, starting_head
from skillstack.training.methods.lessons import Floats, Lesson, Passages
from skillstack.training.methods.loop import Course, train
from skillstack.training.methods.method import Method, Terms
from skillstack.training.schedule import Schedule


class Independent:
    """Adapters and heads by the task's number."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self._adapters: dict[int, Mapping[str, Floats]] = {}
        self._heads: dict[int, Head] = {}
        self._steps = self._rows = 0

    def learn(self, lesson: Lesson) -> None:
        """Train a fresh adapter."""
        terms, count = self.terms, len(lesson.train_labels)
        head = starting_head(terms, lesson, bare=True)
        terms.slot.start_fresh(terms.spec, terms.recipe.seed)
        taken = train(
            terms.slot,
            Course(lesson.train.cache, lesson.train_labels, [lesson.number] * count, count),
            {lesson.number: head},
            terms.recipe,
            Schedule.of(terms.recipe, count),
        )
        self._adapters[lesson.number] = terms.slot.read_out()
        self._heads.update(taken.heads)
        self._steps += taken.steps
        self._rows += taken.rows

    def logits(self, task: int, passages: Passages, rows: Sequence[int] | None = None) -> Floats:
        """Logits of a task's own adapter and head."""
        self.terms.slot.copy_in(self._adapters[task], self.terms.spec)
        return self._heads[task].logits(passages.features(rows))

    def version(self, task: int) -> int:
        """Nothing that came later changes a task's answers."""
        return 0

    @property
    def cost(self) -> Cost:
        """All adapters and heads."""
        adapters = sum(tensor.size for adapter in self._adapters.values() for tensor in adapter.values())
        size = adapters + head_size([*self._heads.values()])
        return Cost(parameters=size, bytes=4 * size, steps=self._steps, rows=self._rows)


METHOD = Method("independent", "Independent adapters", "", Independent)

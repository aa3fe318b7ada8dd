"""How many steps a training has, when it measures, and how fast it learns at each step."""

from __future__ import annotations

from dataclasses import dataclass

from skillstack.training.recipe import Recipe


@dataclass(frozen=True)
class Schedule:
    """The steps of one training.

    :ivar rows: training rows.
    :ivar batch_size: rows per step, on average.
    :ivar steps: optimizer steps in all.
    :ivar warmup: steps in which the rate rises.
    :ivar average_from: first step, counted from 1, whose weights join the average; above `steps` for none.
    :ivar measured: steps after which the weights are measured on dev.
    """

    rows: int
    batch_size: int
    steps: int
    warmup: float
    average_from: int
    measured: frozenset[int]

    @classmethod
    def of(cls, recipe: Recipe, rows: int) -> Schedule:
        """The schedule that a recipe gives this many rows."""
        steps = recipe.steps(rows)
        per_epoch = -(-rows // recipe.batch_size)
        epochs = -(-steps // per_epoch)
        checks = min(recipe.checks if recipe.average else max(1, recipe.checks), epochs)
        ends = {min(steps, per_epoch * (epochs * (i + 1) // checks)) for i in range(checks)}
        return cls(
            rows=rows,
            batch_size=recipe.batch_size,
            steps=steps,
            warmup=recipe.warmup * steps,
            average_from=steps + 1 if not recipe.average else int(steps * (1 - recipe.average)) + 1,
            measured=frozenset(ends - {0}),
        )

    @property
    def per_epoch(self) -> int:
        """Steps of one pass over the rows."""
        return -(-self.rows // self.batch_size)

    def factor(self, step: int) -> float:
        """What the learning rate is multiplied with at a step, counted from 1.

        Linear warm-up, then linear decay that would reach 0 one step after the last.
        """
        if step <= self.warmup:
            return step / self.warmup
        # A warm-up that ends between two steps would put the second one above the line.
        past = max(0.0, step - 1 - self.warmup)
        return max(0.0, 1.0 - past / max(1.0, self.steps - self.warmup))

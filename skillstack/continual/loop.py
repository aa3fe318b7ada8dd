"""The one training loop of all methods: the recipe's steps over an adapter and heads, with places to hook in.

It takes what a frame's own training takes (batches, AdamW, warm-up and decay, clipping, label smoothing,
averaging of the last steps) and leaves the choice between candidates out: the final weights are used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from skillstack.errors import SkillStackError, UsageError
from skillstack.models.features import HiddenCache, pool, training_batches
from skillstack.models.heads import Head
from skillstack.models.slot import Slot
from skillstack.training.recipe import Recipe, Schedule
from skillstack.training.steps import CLIP


class Hooks:
    """What a method adds to a step; nothing by default."""

    def rows(self, step: int, own: int) -> list[int]:
        """Rows besides the step's own ones, of which there are ``own``."""
        return []

    def penalty(self) -> torch.Tensor | None:
        """What is added to the loss."""
        return None

    def gradients(self) -> None:
        """Change the gradients before they are clipped."""

    def moved(self) -> None:
        """The weights have moved."""


@dataclass(frozen=True, eq=False)
class TaskRows:
    """Rows of one or several tasks.

    :ivar cache: their lower states.
    :ivar labels: one per row.
    :ivar heads: of each row the number of its head.
    :ivar own: how many of them, from the first, the epochs go over; the others come by a hook alone.
    """

    cache: HiddenCache
    labels: Sequence[int]
    heads: Sequence[int]
    own: int


@dataclass(frozen=True)
class TrainingCost:
    """What a training took.

    :ivar steps: optimizer steps.
    :ivar rows: rows that passed, each as often as it did.
    :ivar heads: the trained heads by their numbers.
    """

    steps: int
    rows: int
    heads: Mapping[int, Head]


def train(
    slot: Slot,
    course: TaskRows,
    heads: Mapping[int, Head],
    recipe: Recipe,
    schedule: Schedule,
    *,
    rate: float = 1.0,
    hooks: Hooks | None = None,
) -> TrainingCost:
    """Train the adapter that is in the slot, and heads; the slot holds the outcome afterwards.

    :param heads: what the heads start from; those that no row of the course has stay out.
    :param rate: what the adapter's learning rate is multiplied with.
    :param hooks: what the method adds.
    :raises SkillStackError: if the loss is not finite.
    :raises UsageError: for a base in fp16.
    """
    base, hooks = slot.base, hooks if hooks is not None else Hooks()
    if base.dtype == torch.float16:
        raise UsageError("Methods are not compared in fp16.", "Use --precision bf16, nf4 or fp32.")
    learning = sorted(set(course.heads))
    modules = {number: heads[number].module(base.device) for number in learning}
    adapter = slot.trainable()
    head_parameters = [p for number in learning for p in modules[number].parameters()]
    rates = (recipe.learning_rate * rate, recipe.head_learning_rate)
    optimizer = torch.optim.AdamW(
        [
            {"params": adapter, "lr": rates[0], "weight_decay": recipe.weight_decay},
            {"params": head_parameters, "lr": rates[1], "weight_decay": 0.0},
        ]
    )
    average = _Average([*adapter, *head_parameters])
    lengths = course.cache.encoded.lengths[: course.own]
    batches: list[list[int]] = []
    passed = 0
    for step in range(1, schedule.steps + 1):
        epoch, place = divmod(step - 1, schedule.per_epoch)
        if place == 0:
            batches = training_batches(lengths, recipe.batch_size, recipe.seed, epoch)
        own = batches[place]
        rows = [*own, *hooks.rows(step, len(own))]
        for group, value in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = value * schedule.factor(step)
        optimizer.zero_grad()
        torch.manual_seed(_number(recipe.seed, step))
        loss = _loss(slot, course, modules, rows, recipe)
        added = hooks.penalty()
        loss = loss if added is None else loss + added
        if not torch.isfinite(loss):
            raise SkillStackError(
                f"The training diverged at step {step}: the loss is not finite.",
                "Lower the learning rate with --set learning_rate=VALUE.",
            )
        torch.autograd.backward(loss)
        hooks.gradients()
        torch.nn.utils.clip_grad_norm_(adapter, CLIP)
        optimizer.step()
        hooks.moved()
        passed += len(rows)
        if step >= schedule.average_from:
            average.add()
    average.take()
    slot.freeze()
    return TrainingCost(
        schedule.steps, passed, {number: Head.from_module(modules[number]) for number in learning}
    )


def _loss(
    slot: Slot, course: TaskRows, heads: Mapping[int, torch.nn.Linear], rows: Sequence[int], recipe: Recipe
) -> torch.Tensor:
    """Mean cross-entropy of rows, each with its own head."""
    seen = pool(*course.cache.forward(rows), slot.base.pooling)
    parts: list[torch.Tensor] = []
    for number in sorted({course.heads[row] for row in rows}):
        places = [place for place, row in enumerate(rows) if course.heads[row] == number]
        wanted = torch.tensor([course.labels[rows[place]] for place in places], device=seen.device)
        some = seen if len(places) == len(rows) else seen[places]
        parts.append(
            torch.nn.functional.cross_entropy(
                heads[number](some), wanted, label_smoothing=recipe.label_smoothing, reduction="sum"
            )
        )
    return torch.stack(parts).sum() / len(rows)


class _Average:
    """The mean of weights over steps (stochastic weight averaging, as in the recipe)."""

    def __init__(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        self._parameters = parameters
        self._sums: list[torch.Tensor] = []
        self._count = 0

    @torch.no_grad()
    def add(self) -> None:
        self._count += 1
        if not self._sums:
            self._sums = [parameter.clone() for parameter in self._parameters]
            return
        for mean, parameter in zip(self._sums, self._parameters, strict=True):
            mean += (parameter - mean) / self._count

    @torch.no_grad()
    def take(self) -> None:
        """Put the mean in the weights' place, where there is one."""
        if self._sums:
            for mean, parameter in zip(self._sums, self._parameters, strict=True):
                parameter.copy_(mean)


def _number(seed: int, step: int) -> int:
    """What chance starts from at a step, as in a frame's own training."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{step}".encode()).digest()[:8], "little") >> 1

"""Optimizer steps over an adapter and a head: rows in, gradients summed, weights moved."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from skillstack.errors import SkillStackError
from skillstack.models.base import Base, fits
from skillstack.models.features import HiddenCache, pool
from skillstack.training.execution import RunOptions, give_way
from skillstack.training.recipe import Recipe

#: Largest norm of the adapter's gradient.
CLIP = 1.0


@dataclass(frozen=True)
class TrainingRows:
    """Rows that a model can read, and their labels.

    :ivar cache: their lower hidden states.
    :ivar labels: one per row.
    """

    cache: HiddenCache
    labels: list[int]


@dataclass(frozen=True)
class StepResult:
    """A step.

    :ivar loss: mean cross-entropy of its rows, in nats.
    :ivar moved: whether the weights moved; a gradient that overflowed in fp16 moves nothing.
    """

    loss: float
    moved: bool


class Steps:
    """Takes one step after another.

    With a base in fp16 the loss is scaled so that small gradients survive, and a step whose gradient
    overflows is skipped (Micikevicius et al. 2018, https://arxiv.org/abs/1710.03740); the weights that learn
    are fp32.

    :ivar optimizer: AdamW, two groups: adapter and head.
    :ivar scaler: of the loss; does nothing without fp16.
    """

    def __init__(
        self,
        base: Base,
        train: TrainingRows,
        parameters: Mapping[str, torch.nn.Parameter],
        head: torch.nn.Linear,
        recipe: Recipe,
        execution: RunOptions,
        tell_memory: Callable[[int], None] = lambda rows: None,
    ) -> None:
        """Prepare for steps.

        :param parameters: the adapter's.
        :param tell_memory: called with the rows that pass at once from now on, when there are fewer.
        """
        self.base, self.train, self.head, self.recipe = base, train, head, recipe
        self.execution, self._tell_memory = execution, tell_memory
        self._adapter = list(parameters.values())
        self.scaler = torch.amp.GradScaler(base.device.type, enabled=base.dtype == torch.float16)
        # It makes its scale when it first scales a loss; a process may have no row in its first step.
        self.scaler.scale(torch.zeros((), device=base.device))
        groups = [
            {"params": self._adapter, "lr": recipe.learning_rate, "weight_decay": recipe.weight_decay},
            {"params": list(head.parameters()), "lr": recipe.head_learning_rate, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups)

    def take(self, step: int, rows: Sequence[int], factor: float) -> StepResult:
        """Learn from rows.

        :param step: its number, from 1.
        :param factor: what the learning rates are multiplied with.
        :raises SkillStackError: if the loss is not finite, or another process failed.
        :raises MissingError: if not even one row fits into memory.
        """
        rates = (self.recipe.learning_rate, self.recipe.head_learning_rate)
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * factor
        loss = self._all_gradients(step, rows)
        self.scaler.unscale_(self.optimizer)
        torch.nn.utils.clip_grad_norm_(self._adapter, CLIP)
        if not self.scaler.is_enabled():
            self.optimizer.step()
            return StepResult(loss, True)
        scale = self.scaler.get_scale()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        # The scale falls when a gradient was not finite, and then alone.
        return StepResult(loss, self.scaler.get_scale() >= scale)

    def _all_gradients(self, step: int, rows: Sequence[int]) -> float:
        """Leave the gradient of the mean loss of all rows, whoever computes them; returns that loss."""
        processes = self.execution.processes
        if processes.count == 1:
            return self._gradients(step, rows, len(rows))
        error: Exception | None = None
        loss = 0.0
        try:
            loss = self._gradients(step, processes.share(rows), len(rows))
        except Exception as caught:  # the others wait for this process; they are told below
            error = caught
        learning = [*self._adapter, *self.head.parameters()]
        parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in learning]
        ends = torch.tensor([loss, float(error is not None)], device=self.base.device)
        everything = torch.cat([*(part.flatten() for part in parts), ends])
        processes.sum(everything)
        if error is not None:
            raise error
        if everything[-1] != 0:
            give_way()
        found = torch.split(everything[:-2], [part.numel() for part in parts])
        for parameter, gradient in zip(learning, found, strict=True):
            parameter.grad = gradient.view_as(parameter).clone()
        return float(everything[-2])

    def _gradients(self, step: int, rows: Sequence[int], of: int) -> float:
        """Leave the gradient of these rows' part of the mean loss of ``of`` rows; returns that part."""
        room = self.base.training_room
        while True:
            parts = room.parts(rows, self.execution.rows_at_once(len(rows)))
            losses: list[float] = []
            self.optimizer.zero_grad()
            # Dropout depends on the step alone, so a resumed training draws what an uninterrupted one would.
            torch.manual_seed(_number(self.recipe.seed, step, self.execution.processes.place))

            def pass_all(parts: Sequence[Sequence[int]] = parts, losses: list[float] = losses) -> None:
                for part in parts:
                    losses.append(self._pass(step, part, len(part) / of))

            if fits(pass_all):
                return sum(losses)
            # Gradients of parts that did fit are incomplete without the others, so the step begins anew.
            self.optimizer.zero_grad()
            self._tell_memory(room.halve(max(len(part) for part in parts)))

    def _pass(self, step: int, rows: Sequence[int], share: float) -> float:
        """Add the gradient of one part's mean loss, times its share of the step; returns that product."""
        base, recipe = self.base, self.recipe
        with self._autocast():
            hidden, mask = self.train.cache.forward(rows)
        wanted = torch.tensor([self.train.labels[row] for row in rows], device=base.device)
        logits = self.head(pool(hidden, mask, base.pooling))
        loss = torch.nn.functional.cross_entropy(logits, wanted, label_smoothing=recipe.label_smoothing)
        if not torch.isfinite(loss):
            raise SkillStackError(
                f"The training diverged at step {step}: the loss is not finite.",
                "Lower --learning-rate, or hold the base at fp32.",
            )
        if share != 1.0:
            loss = loss * share
        torch.autograd.backward(self.scaler.scale(loss))
        return float(loss.detach())

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        if self.scaler.is_enabled():
            return torch.autocast(self.base.device.type, dtype=torch.float16)
        return contextlib.nullcontext()


def _number(seed: int, step: int, place: int = 0) -> int:
    """What chance starts from at a step; each process draws other numbers for its own rows."""
    text = f"{seed}:{step}:{place}" if place else f"{seed}:{step}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1

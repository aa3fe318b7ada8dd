"""Optimizer steps over an adapter and heads: rows in, gradients summed, weights moved."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from skillstack.errors import SkillStackError
from skillstack.models.base import Base, fits
from skillstack.skills.base import Loss
from skillstack.training.execution import RunState, give_way
from skillstack.training.recipe import Recipe

#: Largest norm of the adapter's gradient.
CLIP = 1.0


class Hooks:
    """Additions of a continual-learning method to a step; this class adds nothing."""

    def rows(self, step: int, own: int) -> list[int]:
        """Rows to learn from besides the ``own`` rows of the step."""
        return []

    def penalty(self) -> torch.Tensor | None:
        """A penalty that is added to the loss."""
        return None

    def gradients(self) -> None:
        """Change the gradients before they are clipped."""

    def moved(self) -> None:
        """Take note that the weights have moved."""


@dataclass(frozen=True)
class StepResult:
    """The result of a step.

    :ivar loss: mean loss of its rows.
    :ivar rows: number of rows.
    :ivar moved: whether the weights moved; a gradient that overflowed in fp16 moves nothing.
    """

    loss: float
    rows: int
    moved: bool


class Steps:
    """Takes one step after another.

    With a base in fp16 the loss is scaled so that small gradients survive, and a step whose gradient
    overflows is skipped (Micikevicius et al. 2018, https://arxiv.org/abs/1710.03740); the weights that learn
    are fp32.

    :ivar optimizer: AdamW, two groups: adapter and heads.
    :ivar scaler: of the loss; does nothing without fp16.
    """

    def __init__(
        self,
        base: Base,
        loss: Loss,
        adapter: Sequence[torch.nn.Parameter],
        heads: Sequence[torch.nn.Parameter],
        recipe: Recipe,
        run: RunState,
        *,
        rate: float = 1.0,
        hooks: Hooks | None = None,
        tell_memory: Callable[[int], None] = lambda rows: None,
    ) -> None:
        """Prepare for steps.

        :param loss: the loss that the steps lower.
        :param rate: factor on the adapter's learning rate.
        :param hooks: additions of a method to each step.
        :param tell_memory: called with the rows that pass at once from now on, when there are fewer.
        """
        self.base, self.recipe, self.run = base, recipe, run
        self._loss, self._tell_memory = loss, tell_memory
        self._hooks = hooks if hooks is not None else Hooks()
        self._adapter, self._learning = list(adapter), [*adapter, *heads]
        self._rates = (recipe.learning_rate * rate, recipe.head_learning_rate)
        self.scaler = torch.amp.GradScaler(base.device.type, enabled=base.dtype == torch.float16)
        # It makes its scale when it first scales a loss; a process may have no row in its first step.
        self.scaler.scale(torch.zeros((), device=base.device))
        groups = [
            {"params": self._adapter, "lr": self._rates[0], "weight_decay": recipe.weight_decay},
            {"params": list(heads), "lr": self._rates[1], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups)

    def take(self, step: int, rows: Sequence[int], factor: float) -> StepResult:
        """Learn from rows, and from those that the hooks add.

        :param step: its number, from 1.
        :param factor: factor on both learning rates.
        :raises SkillStackError: if the loss is not finite, or another process failed.
        :raises MissingError: if not even one row fits into memory.
        """
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        learned = [*rows, *self._hooks.rows(step, len(rows))]
        loss = self._all_gradients(step, learned)
        self.scaler.unscale_(self.optimizer)
        self._hooks.gradients()
        torch.nn.utils.clip_grad_norm_(self._adapter, CLIP)
        moved = True
        if self.scaler.is_enabled():
            scale = self.scaler.get_scale()
            self.scaler.step(self.optimizer)
            self.scaler.update()
            # The scale falls when a gradient was not finite, and then alone.
            moved = self.scaler.get_scale() >= scale
        else:
            self.optimizer.step()
        self._hooks.moved()
        return StepResult(loss, len(learned), moved)

    def _all_gradients(self, step: int, rows: Sequence[int]) -> float:
        """Compute the gradient of the mean loss of all rows, over all processes; returns that loss."""
        processes = self.run.processes
        if processes.count == 1:
            return self._gradients(step, rows, len(rows))
        error: Exception | None = None
        loss = 0.0
        try:
            loss = self._gradients(step, processes.share(rows), len(rows))
        except Exception as caught:  # the others wait for this process; they are told below
            error = caught
        parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in self._learning]
        ends = torch.tensor([loss, float(error is not None)], device=self.base.device)
        everything = torch.cat([*(part.flatten() for part in parts), ends])
        processes.sum(everything)
        if error is not None:
            raise error
        if everything[-1] != 0:
            give_way()
        found = torch.split(everything[:-2], [part.numel() for part in parts])
        for parameter, gradient in zip(self._learning, found, strict=True):
            parameter.grad = gradient.view_as(parameter).clone()
        return float(everything[-2])

    def _gradients(self, step: int, rows: Sequence[int], of: int) -> float:
        """Compute the gradient of these rows' part of the mean loss of ``of`` rows; returns that part."""
        room, processes = self.base.training_room, self.run.processes
        while True:
            parts = room.parts(rows, self.run.rows_at_once(len(rows)))
            losses: list[float] = []
            self.optimizer.zero_grad()
            # Dropout depends on the step alone, so a resumed training draws what an uninterrupted one would.
            torch.manual_seed(_number(self.recipe.seed, step, processes.place))

            def pass_all(parts: Sequence[Sequence[int]] = parts, losses: list[float] = losses) -> None:
                for part in parts:
                    losses.append(self._add(step, self._loss(part), len(part) / of))
                penalty = self._hooks.penalty() if processes.is_first else None
                if penalty is not None:
                    losses.append(self._add(step, penalty, 1.0))

            if fits(pass_all):
                return sum(losses)
            # Gradients of parts that did fit are incomplete without the others, so the step begins anew.
            self.optimizer.zero_grad()
            self._tell_memory(room.halve(max(len(part) for part in parts)))

    def _add(self, step: int, loss: torch.Tensor, share: float) -> float:
        """Add the gradient of a loss, times its share of the step; returns that product."""
        if not torch.isfinite(loss):
            raise SkillStackError(
                f"The training diverged at step {step}: the loss is not finite.",
                "Lower --learning-rate, or hold the base at fp32.",
            )
        if share != 1.0:
            loss = loss * share
        torch.autograd.backward(self.scaler.scale(loss))
        return float(loss.detach())


def _number(seed: int, step: int, place: int = 0) -> int:
    """The seed of a step; each process draws other numbers for its own rows."""
    text = f"{seed}:{step}:{place}" if place else f"{seed}:{step}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1

"""Elastic weight consolidation: weights that mattered to older tasks are held near where they were.

Kirkpatrick et al. 2017, Overcoming catastrophic forgetting in neural networks, PNAS 114,
https://doi.org/10.1073/pnas.1611835114: the loss gains ``lambda / 2 * sum_i F_i (theta_i - theta*_i)^2`` for
each older task, where F is the diagonal of the Fisher information at the task's own weights. Here theta are
the adapter's parameters; heads are left out, as each task has its own. The penalties of several tasks are one
quadratic: the sum of F, around their F-weighted mean. F is taken over labels drawn from the model itself, not
the true ones (Kunstner et al. 2019, https://arxiv.org/abs/1905.12558).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import torch

from skillstack.continual.cell import Cost
from skillstack.continual.method import Method, MethodContext
from skillstack.continual.methods.sequential import RATES, Sequential
from skillstack.continual.tasks import SequenceTask
from skillstack.models.features import pool
from skillstack.models.heads import Head
from skillstack.models.slot import Slot
from skillstack.training.steps import Hooks

#: Rows of a task over which its Fisher information is averaged, at most.
FISHER_ROWS = 64
Tensors = Mapping[str, torch.Tensor]


class Ewc(Sequential):
    """A sequential adapter on a leash."""

    def __init__(self, context: MethodContext) -> None:
        super().__init__(context)
        self._fisher: Tensors = {}
        self._centre: Tensors = {}

    def hooks(self, task: SequenceTask) -> Hooks:
        """The penalty of all older tasks."""
        strength = self.context.settings.get("lambda", LAMBDAS[0])
        if not self._fisher or not strength:
            return Hooks()
        return _Leash(self.context.slot.named_parameters(), self._fisher, self._centre, strength)

    def learned(self, task: SequenceTask) -> None:
        """Add the task's Fisher information, at the weights that it arrived at."""
        if not self.context.settings.get("lambda", LAMBDAS[0]):
            return
        slot = self.context.slot
        found = fisher(slot, task, self.heads[task.number], self.context.recipe.seed)
        here = {name: parameter.detach().clone() for name, parameter in slot.named_parameters().items()}
        if not self._fisher:
            self._fisher, self._centre = found, here
            return
        total = {name: self._fisher[name] + found[name] for name in found}
        self._centre = {
            name: torch.where(
                total[name] > 0,
                (self._fisher[name] * self._centre[name] + found[name] * here[name])
                / total[name].clamp_min(torch.finfo(torch.float32).tiny),
                here[name],
            )
            for name in found
        }
        self._fisher = total

    @property
    def cost(self) -> Cost:
        """Besides adapter and heads, the Fisher information and its centre."""
        cost = super().cost
        kept = sum(4 * tensor.numel() for part in (self._fisher, self._centre) for tensor in part.values())
        return dataclasses.replace(cost, bytes=cost.bytes + kept)


class _Leash(Hooks):
    """The quadratic penalty."""

    def __init__(
        self, parameters: Mapping[str, torch.nn.Parameter], fisher: Tensors, centre: Tensors, strength: float
    ) -> None:
        self._parameters, self._fisher = parameters, fisher
        self._centre, self._strength = centre, strength

    def penalty(self) -> torch.Tensor:
        """``lambda / 2`` times the sum of squared distances, weighted by the Fisher information."""
        parts = [
            (self._fisher[name] * (parameter - self._centre[name]) ** 2).sum()
            for name, parameter in self._parameters.items()
        ]
        return self._strength / 2 * torch.stack(parts).sum()


def fisher(slot: Slot, task: SequenceTask, head: Head, seed: int) -> dict[str, torch.Tensor]:
    """Diagonal of the Fisher information of the adapter in the slot, averaged over rows of a task.

    One row at a time, without dropout; labels are drawn from the model's own distribution.
    """
    cache, base = task.train.cache, slot.base
    module = head.module(base.device).requires_grad_(False)
    slot.freeze()
    parameters = slot.named_parameters()
    for parameter in parameters.values():
        parameter.requires_grad_(True)
    count = min(FISHER_ROWS, len(task.train.labels))
    chance = torch.Generator().manual_seed(seed)
    found = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}
    for place in range(count):
        row = place * len(task.train.labels) // count
        logits = module(pool(*cache.forward([row]), base.pooling))[0]
        drawn = int(torch.multinomial(torch.softmax(logits.detach().cpu(), 0), 1, generator=chance))
        gradients = torch.autograd.grad(torch.log_softmax(logits, 0)[drawn], list(parameters.values()))
        for name, gradient in zip(parameters, gradients, strict=True):
            found[name] += gradient.detach() ** 2 / count
    slot.freeze()
    return found


LAMBDAS = (1e4, 1e6, 1e2)
METHOD = Method(
    "ewc",
    "EWC",
    "Kirkpatrick et al. 2017, https://doi.org/10.1073/pnas.1611835114",
    Ewc,
    {"lambda": LAMBDAS, "rate": RATES},
)

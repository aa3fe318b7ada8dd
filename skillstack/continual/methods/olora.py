"""O-LoRA: every task learns in a low-rank space of its own, orthogonal to those of the tasks before.

Wang et al. 2023, Orthogonal subspace learning for language model continual learning, Findings of EMNLP,
https://arxiv.org/abs/2310.14152. The model is the base plus the sum of all tasks' LoRA updates; only the
newest learns, and the loss gains ``lambda * sum_i ||A_i A_t^T||_F^2`` over older tasks i, in this package's
shape of A, ``[rank, inputs]``. The sum is held as one adapter of the rank of all of them, so it takes one
slot. The paper generates answers; here each task has its head, as with the other methods.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from skillstack.continual.cell import Cost
from skillstack.continual.method import (
    Method,
    MethodContext,
    TaskModel,
    answering_head,
    head_size,
    starting_head,
)
from skillstack.continual.methods.sequential import RATES
from skillstack.continual.tasks import SequenceTask
from skillstack.models.lora import LoraSpec
from skillstack.training.encoded import EncodedDataset, Floats
from skillstack.training.loop import train_adapter
from skillstack.training.recipe import Schedule
from skillstack.training.steps import Hooks


class OLora:
    """All tasks' updates, one above the other.

    :ivar adapter: A ``[rank * tasks, inputs]`` and B ``[outputs, rank * tasks]``, by their names.
    """

    def __init__(self, context: MethodContext) -> None:
        self.context = context
        self.adapter: Mapping[str, Floats] = {}
        self._answering: list[TaskModel] = []
        self._steps = self._rows = 0

    def learn(self, task: SequenceTask) -> None:
        """Learn in a new space; the older ones stay as they are."""
        context, slot = self.context, self.context.slot
        if self.adapter:
            slot.copy_in(self.adapter, self._spec(len(self._answering)))
        head = starting_head(context, task, bare=not self.adapter)
        # Another start for each task: the same one would begin as far from orthogonal as can be.
        slot.start_fresh(context.spec, context.recipe.seed + task.number)
        slot.copy_in(_stacked(self.adapter, slot.read_out()), self._spec(len(self._answering) + 1))
        old = context.spec.r * len(self._answering)
        hooks = Orthogonal(
            slot.named_parameters(), old, context.settings.get("lambda", METHOD.defaults["lambda"])
        )
        taken = train_adapter(
            slot,
            task.train.under(task.number),
            {task.number: head},
            context.recipe,
            Schedule.of(context.recipe, len(task.train.labels)),
            rate=context.settings.get("rate", 1.0),
            hooks=hooks,
        )
        self.adapter = slot.read_out()
        self._answering.append(answering_head(context, task, taken.heads[task.number]))
        self._steps += taken.steps
        self._rows += taken.rows

    def _spec(self, tasks: int) -> LoraSpec:
        """The shape of that many updates at once; each is scaled as it would be alone."""
        spec = self.context.spec
        if spec.rslora:
            raise ValueError("rank-stabilised updates cannot be stacked")
        return dataclasses.replace(spec, r=spec.r * tasks, alpha=spec.alpha * tasks)

    def logits(self, task: int, dataset: EncodedDataset, rows: Sequence[int] | None = None) -> Floats:
        """Logits of a task's head over the sum of all updates."""
        answering = self._answering[task]
        if not answering.bare:
            self.context.slot.copy_in(self.adapter, self._spec(len(self._answering)))
        return answering.logits(self.context.slot, dataset, rows)

    def version(self, task: int) -> int:
        """Every task adds an update that all answers pass through."""
        return len(self._answering)

    @property
    def cost(self) -> Cost:
        """All updates and heads."""
        size = sum(tensor.size for tensor in self.adapter.values()) + head_size(
            [one.head for one in self._answering]
        )
        return Cost(parameters=size, bytes=4 * size, steps=self._steps, rows=self._rows)


class Orthogonal(Hooks):
    """Holds the older updates still, and the new one orthogonal to them.

    :param old: how many of the ranks are older tasks'.
    :param strength: of the penalty.
    """

    def __init__(self, parameters: Mapping[str, torch.nn.Parameter], old: int, strength: float) -> None:
        self._a = [p for name, p in sorted(parameters.items()) if name.endswith("lora_A.weight")]
        self._b = [p for name, p in sorted(parameters.items()) if name.endswith("lora_B.weight")]
        self._old, self._strength = old, strength
        self._kept = (
            [a[:old].detach().clone() for a in self._a],
            [b[:, :old].detach().clone() for b in self._b],
        )

    def penalty(self) -> torch.Tensor | None:
        """``lambda`` times the summed squares of all products of an older row of A with a new one."""
        if not self._old or not self._strength:
            return None
        return self._strength * overlap([(a[: self._old].detach(), a[self._old :]) for a in self._a])

    def gradients(self) -> None:
        """Older updates get none, so that they do not count where gradients are clipped either."""
        for a, b in zip(self._a, self._b, strict=True):
            if a.grad is not None and b.grad is not None:
                a.grad[: self._old] = 0.0
                b.grad[:, : self._old] = 0.0

    @torch.no_grad()
    def moved(self) -> None:
        """Weight decay moves what has no gradient as well; put it back."""
        for a, b, kept_a, kept_b in zip(self._a, self._b, *self._kept, strict=True):
            a[: self._old] = kept_a
            b[:, : self._old] = kept_b


def overlap(pairs: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
    """Sum of ``||A_old A_new^T||_F^2`` over layers; 0 where all rows of both are orthogonal.

    :param pairs: of each layer A of the older tasks and of the new one, ``[ranks, inputs]``.
    """
    return torch.stack([((old @ new.T) ** 2).sum() for old, new in pairs]).sum()


def _stacked(old: Mapping[str, Floats], new: Mapping[str, Floats]) -> dict[str, Floats]:
    if not old:
        return dict(new)
    return {
        name: np.concatenate([old[name], tensor], axis=0 if name.endswith("lora_A.weight") else 1)
        for name, tensor in new.items()
    }


METHOD = Method(
    "olora",
    "O-LoRA",
    "Wang et al. 2023, https://arxiv.org/abs/2310.14152",
    OLora,
    {"lambda": (0.5, 5.0, 0.05), "rate": RATES},
)

"""The training loop of one frame, on accelerate: from a start to the candidate that dev prefers."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from skillstack.errors import MismatchError, SkillStackError
from skillstack.frames.records import Count
from skillstack.models.batching import training_batches, useful_share
from skillstack.models.features import features
from skillstack.models.heads import Head
from skillstack.models.hidden_cache import HiddenCache
from skillstack.models.pooling import pool
from skillstack.models.slot import Slot
from skillstack.training import checkpoint
from skillstack.training.candidates import Candidate, best_logistic, measure
from skillstack.training.checkpoint import Checkpoint
from skillstack.training.recipe import Recipe
from skillstack.training.schedule import Schedule

Floats = NDArray[np.float32]
#: Largest norm of the adapter's gradient.
CLIP = 1.0
#: Seconds between two checkpoints. When they are written has no influence on the result.
CHECKPOINT_SECONDS = 15.0


@dataclass(frozen=True)
class Rows:
    """Rows that a model can read, and their labels.

    :ivar cache: their lower hidden states.
    :ivar labels: one per row.
    """

    cache: HiddenCache
    labels: list[int]


@dataclass(frozen=True)
class Outcome:
    """What a training arrived at.

    :ivar chosen: the candidate that dev prefers.
    :ivar frozen: the logistic head on the bare base.
    :ivar useful_tokens: real tokens among all computed in training batches, 0 to 1.
    """

    chosen: Candidate
    frozen: Candidate
    useful_tokens: float


class Trainer:
    """One frame's training: made, run once, thrown away.

    The slot must hold the adapter that the training starts from.
    """

    def __init__(
        self,
        slot: Slot,
        train: Rows,
        dev: Rows,
        labels: int,
        recipe: Recipe,
        *,
        folder: Path,
        tell_step: Callable[[int, int, float], None] = lambda step, steps, loss: None,
        tell_candidate: Callable[[Candidate], None] = lambda candidate: None,
    ) -> None:
        """Prepare a training.

        :param labels: how many there are.
        :param folder: for checkpoints.
        :param tell_step: called with step, steps and loss.
        :param tell_candidate: called with each candidate.
        """
        self.slot, self.train, self.dev, self.labels, self.recipe = slot, train, dev, labels, recipe
        self.folder = folder
        self.schedule = Schedule.of(recipe, len(train.labels))
        self._tell_step, self._tell_candidate = tell_step, tell_candidate
        # Decoders' features differ in scale by orders of magnitude from one dimension to the next.
        self._standardise = slot.base.kind == "decoder"
        self._best: Candidate | None = None
        self._average: dict[str, torch.Tensor] = {}
        self._step = 0
        self._seen_dev: Floats | None = None
        self._epoch: tuple[int, list[list[int]]] = (-1, [])

    def run(self, untrained: Sequence[Candidate], start: Head) -> Outcome:
        """Train from the slot's adapter, or go on from the checkpoint.

        :param untrained: candidates that need no training, the frozen-linear one first.
        :param start: the head that the training starts from.
        :raises IntegrityError: if a checkpoint is damaged.
        """
        for candidate in untrained:
            self._consider(candidate)
        head = start.module(self.slot.base.device)
        parameters = self.slot.named_parameters()
        self.slot.trainable()
        optimizer, accelerator = self._optimizer(parameters, head)
        self._resume(parameters, head, optimizer)
        saved = time.monotonic()
        while self._step < self.schedule.steps:
            loss = self._one_step(self._next_rows(), parameters, head, optimizer, accelerator)
            self._tell_step(self._step, self.schedule.steps, loss)
            if self._step in self.schedule.measured:
                self._measure_current(head, f"step {self._step}")
                self.slot.trainable()
            if time.monotonic() - saved > CHECKPOINT_SECONDS and self._step < self.schedule.steps:
                self._save(parameters, head, optimizer)
                saved = time.monotonic()
        self._finish(parameters, head)
        self.slot.freeze()
        if self._best is None:
            raise ValueError("no candidate was given")
        return Outcome(self._best, untrained[0], self._useful())

    def _next_rows(self) -> list[int]:
        epoch, place = divmod(self._step, self.schedule.per_epoch)
        if self._epoch[0] != epoch:
            lengths = self.train.cache.encoded.lengths
            batches = training_batches(lengths, self.recipe.batch_size, self.recipe.seed, epoch)
            self._epoch = epoch, batches
        return self._epoch[1][place]

    def _optimizer(
        self, parameters: Mapping[str, torch.nn.Parameter], head: torch.nn.Linear
    ) -> tuple[Any, Any]:
        from accelerate import Accelerator

        base = self.slot.base
        accelerator = Accelerator(
            cpu=base.device.type == "cpu", mixed_precision="fp16" if base.dtype == torch.float16 else "no"
        )
        groups = [
            {
                "params": list(parameters.values()),
                "lr": self.recipe.learning_rate,
                "weight_decay": self.recipe.weight_decay,
            },
            {"params": list(head.parameters()), "lr": self.recipe.head_learning_rate, "weight_decay": 0.0},
        ]
        return accelerator.prepare(torch.optim.AdamW(groups)), accelerator

    def _one_step(
        self,
        rows: list[int],
        parameters: Mapping[str, torch.nn.Parameter],
        head: torch.nn.Linear,
        optimizer: Any,
        accelerator: Any,
    ) -> float:
        self._step += 1
        # Dropout depends on the step alone, so a resumed training draws what an uninterrupted one would.
        torch.manual_seed(_number(self.recipe.seed, self._step))
        rates = (self.recipe.learning_rate, self.recipe.head_learning_rate)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * self.schedule.factor(self._step)
        base = self.slot.base
        with accelerator.autocast():
            hidden, mask = self.train.cache.forward(rows)
        wanted = torch.tensor([self.train.labels[row] for row in rows], device=base.device)
        logits = head(pool(hidden, mask, base.pooling))
        loss = torch.nn.functional.cross_entropy(logits, wanted, label_smoothing=self.recipe.label_smoothing)
        if not torch.isfinite(loss):
            raise SkillStackError(
                f"The training diverged at step {self._step}: the loss is not finite.",
                "Lower --learning-rate, or hold the base at fp32.",
            )
        optimizer.zero_grad()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(list(parameters.values()), CLIP)
        optimizer.step()
        self._seen_dev = None
        if self._step >= self.schedule.average_from:
            self._add_to_average(parameters, head)
        return float(loss.detach())

    @torch.no_grad()
    def _add_to_average(self, parameters: Mapping[str, torch.nn.Parameter], head: torch.nn.Linear) -> None:
        count = self._step - self.schedule.average_from + 1
        for name, tensor in _current(parameters, head).items():
            if count == 1:
                self._average[name] = tensor.clone()
            else:
                self._average[name] += (tensor - self._average[name]) / count

    def _measure_current(self, head: torch.nn.Linear, name: str) -> None:
        self.slot.freeze()
        current = Head.from_module(head)
        count = measure(current, self._dev_features(), self.dev.labels)
        self._consider(Candidate(name, self.slot.read_out(), current, count))

    def _dev_features(self) -> Floats:
        """Dev features of the adapter as it is now; computed once for each state of it."""
        if self._seen_dev is None:
            self._seen_dev = features(self.dev.cache)
        return self._seen_dev

    def _finish(self, parameters: Mapping[str, torch.nn.Parameter], head: torch.nn.Linear) -> None:
        """Measure the average and the refitted head; the slot holds the average afterwards."""
        if self._average:
            with torch.no_grad():
                for name, tensor in _current(parameters, head).items():
                    tensor.copy_(self._average[name])
            self._seen_dev = None
            self._measure_current(head, "average")
        if self.recipe.refit and self.schedule.steps:
            self.slot.freeze()
            fitted, count = best_logistic(
                features(self.train.cache),
                self.train.labels,
                self._dev_features(),
                self.dev.labels,
                self.labels,
                standardise=self._standardise,
            )
            self._consider(Candidate("refit", self.slot.read_out(), fitted, count))

    def _consider(self, candidate: Candidate) -> None:
        """Take it if dev prefers it; of equals the later one, which has seen more."""
        self._tell_candidate(candidate)
        if self._best is None or candidate.dev.correct >= self._best.dev.correct:
            self._best = candidate

    def _useful(self) -> float:
        lengths = self.train.cache.encoded.lengths
        batches = training_batches(lengths, self.recipe.batch_size, self.recipe.seed, 0)
        return useful_share(lengths, batches)

    # checkpoints --------------------------------------------------------------------------------------

    def _save(
        self, parameters: Mapping[str, torch.nn.Parameter], head: torch.nn.Linear, optimizer: Any
    ) -> None:
        tensors: dict[str, NDArray[np.generic]] = {}
        current = _current(parameters, head)
        for name, tensor in current.items():
            tensors[f"weight/{name}"] = _array(tensor)
            moments = optimizer.state.get(tensor, {})  # empty while fp16 finds its scale
            for moment in ("exp_avg", "exp_avg_sq"):
                tensors[f"{moment}/{name}"] = _array(moments.get(moment, torch.zeros_like(tensor)))
        for name, average in self._average.items():
            tensors[f"average/{name}"] = _array(average)
        best = self._best
        state: dict[str, Any] = {"best": ""}
        if best is not None:
            state = {
                "best": best.name,
                "correct": best.dev.correct,
                "n": best.dev.n,
                "adapted": best.adapter is not None,
            }
            for name, array in (best.adapter or {}).items():
                tensors[f"best/{name}"] = array
            for name, array in best.head.tensors().items():
                tensors[f"best_head/{name}"] = array
        checkpoint.save(self.folder, Checkpoint(self._step, tensors, state))

    def _resume(
        self, parameters: Mapping[str, torch.nn.Parameter], head: torch.nn.Linear, optimizer: Any
    ) -> None:
        found = checkpoint.load(self.folder)
        if found is None:
            return
        current = _current(parameters, head)
        _check_names(found, current)
        with torch.no_grad():
            for name, tensor in current.items():
                tensor.copy_(torch.tensor(found.tensors[f"weight/{name}"]))
                optimizer.state[tensor] = {
                    "step": torch.tensor(float(found.step)),
                    "exp_avg": torch.tensor(found.tensors[f"exp_avg/{name}"], device=tensor.device),
                    "exp_avg_sq": torch.tensor(found.tensors[f"exp_avg_sq/{name}"], device=tensor.device),
                }
                if found.step >= self.schedule.average_from:
                    self._average[name] = torch.tensor(found.tensors[f"average/{name}"], device=tensor.device)
        self._step = found.step
        best_head = _part(found, "best_head/")
        self._best = Candidate(
            str(found.state["best"]),
            _part(found, "best/") if found.state["adapted"] else None,
            Head(best_head["weight"], best_head.get("bias")),
            Count(int(found.state["correct"]), int(found.state["n"])),
        )


def _part(found: Checkpoint, prefix: str) -> dict[str, Floats]:
    return {
        name.removeprefix(prefix): array.astype(np.float32)
        for name, array in found.tensors.items()
        if name.startswith(prefix)
    }


def _check_names(found: Checkpoint, current: Mapping[str, torch.Tensor]) -> None:
    for name, tensor in current.items():
        if found.tensors.get(f"weight/{name}", np.zeros(0)).shape != tuple(tensor.shape):
            raise MismatchError(
                "A checkpoint does not fit the adapter that is trained.",
                "Delete the folder `work` of the store to start this frame anew.",
            )


def _current(
    parameters: Mapping[str, torch.nn.Parameter], head: torch.nn.Linear
) -> dict[str, torch.nn.Parameter]:
    """Everything that is trained, by name; the optimizer knows these very objects."""
    named = {f"head.{name}": parameter for name, parameter in head.named_parameters()}
    return {**parameters, **named}


def _array(tensor: torch.Tensor) -> NDArray[np.generic]:
    found: NDArray[np.generic] = tensor.detach().float().cpu().numpy().copy()
    return found


def _number(seed: int, step: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{step}".encode()).digest()[:8], "little") >> 1

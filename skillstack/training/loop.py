"""The training loop of one frame: from a start to the candidate that dev prefers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from skillstack.errors import SkillStackError
from skillstack.models.features import features, training_batches, useful_share
from skillstack.models.heads import Head
from skillstack.models.slot import Slot
from skillstack.models.split import layer_checkpoints
from skillstack.training import checkpoint
from skillstack.training import checkpoint as state
from skillstack.training.candidates import FrameCandidate, best_logistic, measure
from skillstack.training.execution import RunOptions
from skillstack.training.progress import OutOfTime
from skillstack.training.recipe import Recipe, Schedule
from skillstack.training.steps import Steps, TrainingRows

Floats = NDArray[np.float32]

#: Seconds between two checkpoints. When they are written has no influence on the result.
CHECKPOINT_SECONDS = 15.0

#: Bytes that a slow disk writes in a second; how long a first checkpoint takes is guessed from it.
DISK_SPEED = 50_000_000


@dataclass(frozen=True)
class TrainingOutcome:
    """What a training arrived at.

    :ivar chosen: the candidate that dev prefers.
    :ivar frozen: the logistic head on the bare base.
    :ivar useful_tokens: real tokens among all computed in training batches, 0 to 1.
    """

    chosen: FrameCandidate
    frozen: FrameCandidate
    useful_tokens: float


class Trainer:
    """One frame's training: made, run once, thrown away.

    The slot must hold the adapter that the training starts from.
    """

    def __init__(
        self,
        slot: Slot,
        train: TrainingRows,
        dev: TrainingRows,
        labels: int,
        recipe: Recipe,
        *,
        folder: Path,
        first_layer: int = 0,
        execution: RunOptions | None = None,
        tell_step: Callable[[int, int, float], None] = lambda step, steps, loss: None,
        tell_candidate: Callable[[FrameCandidate], None] = lambda candidate: None,
        tell_memory: Callable[[int], None] = lambda rows: None,
    ) -> None:
        """Prepare a training.

        :param labels: how many there are.
        :param folder: for checkpoints.
        :param first_layer: the lowest adapted layer.
        :param execution: how it is carried out here.
        :param tell_step: called with step, steps and loss.
        :param tell_candidate: called with each candidate.
        :param tell_memory: called with the rows that pass at once from now on, when memory ran out.
        """
        self.slot, self.train, self.dev, self.labels, self.recipe = slot, train, dev, labels, recipe
        self.folder, self.first_layer = folder, first_layer
        self.execution = execution if execution is not None else RunOptions()
        self.schedule = Schedule.of(recipe, len(train.labels))
        self._tell_step, self._tell_candidate, self._tell_memory = tell_step, tell_candidate, tell_memory
        # Decoders' features differ in scale by orders of magnitude from one dimension to the next.
        self._standardise = slot.base.kind == "decoder"
        self._best: FrameCandidate | None = None
        self._average: dict[str, torch.Tensor] = {}
        self._averaged = 0
        self._updates = 0
        self._step = 0
        self._seen_dev: Floats | None = None
        self._epoch: tuple[int, list[list[int]]] = (-1, [])

    def run(self, untrained: Sequence[FrameCandidate], start: Head) -> TrainingOutcome:
        """Train from the slot's adapter, or go on from the checkpoint.

        :param untrained: candidates that need no training, the frozen-linear one first.
        :param start: the head that the training starts from.
        :raises IntegrityError: if a checkpoint is damaged.
        :raises OutOfTime: at a checkpoint, if the time limit is reached.
        :raises MissingError: if not even one row fits into memory.
        """
        for candidate in untrained:
            self._consider(candidate)
        base, deadline = self.slot.base, self.execution.deadline
        head = start.module(base.device)
        parameters = self.slot.named_parameters()
        self.slot.trainable()
        steps = Steps(base, self.train, parameters, head, self.recipe, self.execution, self._tell_memory)
        current = _current(parameters, head)
        self._resume(current, steps)
        self._synchronise(current)
        deadline.guess("checkpoint", sum(4 * 5 * p.numel() for p in current.values()) / DISK_SPEED)
        with layer_checkpoints(base, self.first_layer, wanted=self.execution.checkpoints_layers(base)):
            self._train(current, head, steps)
        rows = len(self.train.labels) + len(self.dev.labels)
        self._stop_unless(current, steps, "store", finish=rows)
        with deadline.timed("finish", rows):
            self._finish(current, head)
        self.slot.freeze()
        if self._best is None:
            raise ValueError("no candidate was given")
        return TrainingOutcome(self._best, untrained[0], self._useful())

    def _train(self, current: Mapping[str, torch.nn.Parameter], head: torch.nn.Linear, steps: Steps) -> None:
        deadline = self.execution.deadline
        saved = time.monotonic()
        while self._step < self.schedule.steps:
            measures = self._step + 1 in self.schedule.measured
            self._stop_unless(current, steps, "step", *(["measure"] if measures else []))
            with deadline.timed("step"):
                self._step += 1
                taken = steps.take(self._step, self._next_rows(), self.schedule.factor(self._step))
                self._seen_dev = None
                self._updates += taken.moved
                if taken.moved and self._step >= self.schedule.average_from:
                    self._add_to_average(current)
            deadline.gained = True
            self._tell_step(self._step, self.schedule.steps, taken.loss)
            if measures:
                with deadline.timed("measure"):
                    self._measure_current(head, f"step {self._step}")
                self.slot.trainable()
            if time.monotonic() - saved > CHECKPOINT_SECONDS and self._step < self.schedule.steps:
                self._save(current, steps)
                saved = time.monotonic()

    def _stop_unless(
        self, current: Mapping[str, torch.nn.Parameter], steps: Steps, *parts: str, **counted: float
    ) -> None:
        """End here, at a checkpoint, unless there is time for these parts and a checkpoint after them.

        :param counted: parts of which there is more than one, and how much.
        :raises OutOfTime: if there is not.
        """
        execution = self.execution
        if execution.processes.agree(lambda: execution.deadline.allows(*parts, "checkpoint", **counted)):
            return
        if self._step:
            execution.processes.first(lambda: self._save(current, steps))
        self.slot.freeze()
        raise OutOfTime

    def _next_rows(self) -> list[int]:
        epoch, place = divmod(self._step - 1, self.schedule.per_epoch)
        if self._epoch[0] != epoch:
            lengths = self.train.cache.encoded.lengths
            batches = training_batches(lengths, self.recipe.batch_size, self.recipe.seed, epoch)
            self._epoch = epoch, batches
        return self._epoch[1][place]

    @torch.no_grad()
    def _add_to_average(self, current: Mapping[str, torch.nn.Parameter]) -> None:
        self._averaged += 1
        for name, tensor in current.items():
            if self._averaged == 1:
                self._average[name] = tensor.clone()
            else:
                self._average[name] += (tensor - self._average[name]) / self._averaged

    def _measure_current(self, head: torch.nn.Linear, name: str) -> None:
        self.slot.freeze()
        current = Head.from_module(head)
        count = measure(current, self._dev_features(), self.dev.labels)
        self._consider(FrameCandidate(name, self.slot.read_out(), current, count))

    def _dev_features(self) -> Floats:
        """Dev features of the adapter as it is now; computed once for each state of it."""
        if self._seen_dev is None:
            self._seen_dev = self._features(self.dev)
        return self._seen_dev

    def _features(self, rows: TrainingRows) -> Floats:
        processes = self.execution.processes
        return processes.join(features(rows.cache, place=processes.place, places=processes.count))

    def _finish(self, current: Mapping[str, torch.nn.Parameter], head: torch.nn.Linear) -> None:
        """Measure the average and the refitted head; the slot holds the average afterwards."""
        if self._average:
            with torch.no_grad():
                for name, tensor in current.items():
                    tensor.copy_(self._average[name])
            self._seen_dev = None
            self._measure_current(head, "average")
        if self.recipe.refit and self.schedule.steps:
            self.slot.freeze()
            fitted, count = best_logistic(
                self._features(self.train),
                self.train.labels,
                self._dev_features(),
                self.dev.labels,
                self.labels,
                standardise=self._standardise,
            )
            self._consider(FrameCandidate("refit", self.slot.read_out(), fitted, count))

    def _consider(self, candidate: FrameCandidate) -> None:
        """Take it if dev prefers it; of equals the later one, which has seen more."""
        self._tell_candidate(candidate)
        if self._best is None or candidate.dev.correct >= self._best.dev.correct:
            self._best = candidate

    def _useful(self) -> float:
        lengths = self.train.cache.encoded.lengths
        batches = training_batches(lengths, self.recipe.batch_size, self.recipe.seed, 0)
        return useful_share(lengths, batches)

    # checkpoints --------------------------------------------------------------------------------------

    def _save(self, current: Mapping[str, torch.nn.Parameter], steps: Steps) -> None:
        """Write a checkpoint; of several processes the first alone does."""
        if self.execution.processes.is_first:
            kept = state.TrainingState(self._step, self._updates, self._averaged, self._average, self._best)
            with self.execution.deadline.timed("checkpoint"):
                checkpoint.save(self.folder, state.to_checkpoint(kept, current, steps))

    def _resume(self, current: Mapping[str, torch.nn.Parameter], steps: Steps) -> None:
        found = checkpoint.load(self.folder)
        if found is None:
            return
        kept = state.restore(found, current, steps, self.schedule.average_from)
        self._step, self._updates, self._averaged = kept.step, kept.updates, kept.averaged
        self._average, self._best = dict(kept.average), kept.best

    @torch.no_grad()
    def _synchronise(self, current: Mapping[str, torch.nn.Parameter]) -> None:
        """Have every process begin with the first one's weights.

        :raises SkillStackError: if another process ended, or read another checkpoint.
        """
        processes = self.execution.processes
        if processes.count == 1:
            return
        if processes.same(self._step) != self._step:
            raise SkillStackError(
                "The processes of this training see different checkpoints.",
                "They need one store: a folder that all of them can reach.",
            )
        for tensor in current.values():
            held = tensor.detach() * float(processes.is_first)
            processes.sum(held)
            tensor.copy_(held)


def _current(
    parameters: Mapping[str, torch.nn.Parameter], head: torch.nn.Linear
) -> dict[str, torch.nn.Parameter]:
    """Everything that is trained, by name; the optimizer knows these very objects."""
    named = {f"head.{name}": parameter for name, parameter in head.named_parameters()}
    return {**parameters, **named}

"""The one training loop: the steps of a schedule over rows, with a choice on dev where it makes a frame."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from skillstack.errors import SkillStackError, UsageError
from skillstack.models.features import training_batches, useful_share
from skillstack.models.heads import Head
from skillstack.models.slot import Slot
from skillstack.models.split import layer_checkpoints
from skillstack.skills.base import SkillKind, SkillTraining
from skillstack.skills.classification import KIND
from skillstack.store.records import Count
from skillstack.training import checkpoint
from skillstack.training.candidates import AVERAGE, REFIT, STEP, Choice, FrameCandidate, preferred
from skillstack.training.checkpoint import TrainingState, restore, to_checkpoint
from skillstack.training.encoded import EncodedDataset
from skillstack.training.execution import RunState
from skillstack.training.progress import OutOfTime
from skillstack.training.recipe import Recipe, Schedule
from skillstack.training.steps import Hooks, StepResult, Steps

#: Seconds between two checkpoints. When they are written has no influence on the result.
CHECKPOINT_SECONDS = 15.0

#: Bytes that a slow disk writes in a second; how long a first checkpoint takes is guessed from it.
DISK_SPEED = 50_000_000


class Loop:
    """A schedule's steps, one after the other, and the mean of the last weights.

    The mean is stochastic weight averaging (Izmailov et al. 2018, https://arxiv.org/abs/1803.05407).

    :ivar current: everything that is trained, by name.
    :ivar step: steps done.
    :ivar updates: steps that moved the weights.
    :ivar averaged: steps whose weights are in the average.
    :ivar average: mean weights, by name.
    """

    def __init__(
        self,
        steps: Steps,
        rows: EncodedDataset,
        current: Mapping[str, torch.nn.Parameter],
        recipe: Recipe,
        schedule: Schedule,
    ) -> None:
        self.steps, self.current, self.schedule = steps, current, schedule
        self._rows, self._recipe = rows, recipe
        self.step = self.updates = self.averaged = 0
        self.average: dict[str, torch.Tensor] = {}
        self._epoch: tuple[int, list[list[int]]] = (-1, [])

    def advance(self) -> StepResult:
        """Take the next step."""
        self.step += 1
        taken = self.steps.take(self.step, self._next_rows(), self.schedule.factor(self.step))
        self.updates += taken.moved
        if taken.moved and self.step >= self.schedule.average_from:
            self._add_to_average()
        return taken

    @torch.no_grad()
    def take_average(self) -> bool:
        """Put the mean in the weights' place; returns whether there is one."""
        for name, mean in self.average.items():
            self.current[name].copy_(mean)
        return bool(self.average)

    def _next_rows(self) -> list[int]:
        epoch, place = divmod(self.step - 1, self.schedule.per_epoch)
        if self._epoch[0] != epoch:
            recipe = self._recipe
            self._epoch = epoch, training_batches(self._rows.lengths, recipe.batch_size, recipe.seed, epoch)
        return self._epoch[1][place]

    @torch.no_grad()
    def _add_to_average(self) -> None:
        self.averaged += 1
        for name, tensor in self.current.items():
            if self.averaged == 1:
                self.average[name] = tensor.clone()
            else:
                self.average[name] += (tensor - self.average[name]) / self.averaged


@dataclass(frozen=True)
class TrainingCost:
    """The result of a training without choices.

    :ivar steps: optimizer steps.
    :ivar rows: rows that passed, each as often as it did.
    :ivar heads: the trained heads by their numbers.
    """

    steps: int
    rows: int
    heads: Mapping[int, Head]


def train_adapter(
    slot: Slot,
    rows: EncodedDataset,
    heads: Mapping[int, Head],
    recipe: Recipe,
    schedule: Schedule,
    *,
    rate: float = 1.0,
    hooks: Hooks | None = None,
) -> TrainingCost:
    """Train the adapter that is in the slot, and heads, to the end; the slot holds the outcome afterwards.

    :param heads: what the heads start from; those that no row has stay out.
    :param rate: what the adapter's learning rate is multiplied with.
    :param hooks: what a method adds to each step.
    :raises SkillStackError: if the loss is not finite.
    :raises UsageError: for a base in fp16.
    """
    base = slot.base
    if base.dtype == torch.float16:
        raise UsageError("Methods are not compared in fp16.", "Use --precision bf16, nf4 or fp32.")
    modules = {number: heads[number].module(base.device) for number in rows.head_numbers()}
    slot.trainable()
    adapter = slot.named_parameters()
    current = dict(adapter)
    for number, module in modules.items():
        current |= {f"head {number}.{name}": parameter for name, parameter in module.named_parameters()}
    steps = Steps(
        base,
        KIND.loss(base, rows, modules, recipe.label_smoothing),
        list(adapter.values()),
        [parameter for module in modules.values() for parameter in module.parameters()],
        recipe,
        RunState(),
        rate=rate,
        hooks=hooks,
    )
    loop = Loop(steps, rows, current, recipe, schedule)
    passed = sum(loop.advance().rows for _ in range(schedule.steps))
    loop.take_average()
    slot.freeze()
    return TrainingCost(
        loop.step, passed, {number: Head.from_module(module) for number, module in modules.items()}
    )


@dataclass(frozen=True)
class TrainingOutcome:
    """The result of a training.

    :ivar chosen: the candidate that dev prefers.
    :ivar frozen: the logistic head on the bare base.
    :ivar useful_tokens: real tokens among all computed in training batches, 0 to 1.
    :ivar measured: accuracy of each kind of candidate on rows that it had not seen; empty where only the
        chosen one and the frozen base were compared.
    """

    chosen: FrameCandidate
    frozen: FrameCandidate
    useful_tokens: float
    measured: Mapping[str, Count] = field(default_factory=dict)


class Trainer:
    """One frame's training: made, run once, thrown away.

    The slot must hold the adapter that the training starts from.
    """

    def __init__(
        self,
        slot: Slot,
        train: EncodedDataset,
        dev: EncodedDataset,
        labels: int,
        recipe: Recipe,
        *,
        kind: SkillKind[Any, Any] = KIND,
        folder: Path,
        first_layer: int = 0,
        execution: RunState | None = None,
        again: Choice | None = None,
        tell_step: Callable[[int, int, float], None] = lambda step, steps, loss: None,
        tell_candidate: Callable[[FrameCandidate], None] = lambda candidate: None,
        tell_memory: Callable[[int], None] = lambda rows: None,
    ) -> None:
        """Prepare a training.

        :param labels: how many there are.
        :param kind: of the skill, which gives what is trained beside the adapter, its loss and its measure.
        :param folder: for checkpoints.
        :param first_layer: the lowest adapted layer.
        :param execution: how it is carried out here.
        :param again: what a training on a part of the rows chose. It is made again from all rows, in as many
            steps of the same rates, and nothing is chosen: there are no dev rows.
        :param tell_step: called with step, steps and loss.
        :param tell_candidate: called with each candidate.
        :param tell_memory: called with the rows that pass at once from now on, when memory ran out.
        """
        self.slot, self.train, self.dev, self.labels, self.recipe = slot, train, dev, labels, recipe
        self._kind = kind
        self.folder, self.first_layer = folder, first_layer
        self.execution = execution if execution is not None else RunState()
        self.schedule = Schedule.of(recipe, len(train.labels) if again is None else again.rows)
        self._again, self._last = again, self.schedule.steps
        if again is not None:
            self.schedule = replace(self.schedule, rows=len(train.labels), measured=frozenset())
            self._last = again.last_step(self.schedule.steps)
        self._tell_step, self._tell_candidate, self._tell_memory = tell_step, tell_candidate, tell_memory
        self._best: FrameCandidate | None = None if again is None else again.candidate

    def run(self, untrained: Sequence[FrameCandidate], start: Head | None) -> TrainingOutcome:
        """Train from the slot's adapter, or go on from the checkpoint.

        :param untrained: candidates that need no training, the frozen-linear one first.
        :param start: the head that the training starts from, where the kind of skill has one.
        :raises IntegrityError: if a checkpoint is damaged.
        :raises OutOfTime: at a checkpoint, if the time limit is reached.
        :raises MissingError: if not even one row fits into memory.
        """
        if self._again is None:
            for candidate in untrained:
                self._consider(candidate)
        deadline = self.execution.deadline
        loop, training = self._loop(start)
        self._resume(loop)
        self._synchronise(loop)
        deadline.guess("checkpoint", sum(4 * 5 * p.numel() for p in loop.current.values()) / DISK_SPEED)
        wanted = self.execution.checkpoints_layers(self.slot.base)
        with layer_checkpoints(self.slot.base, self.first_layer, wanted=wanted):
            self._train(loop, training)
        rows = len(self.train.labels) + len(self.dev.labels)
        self._stop_unless(loop, "store", finish=rows)
        with deadline.timed("finish", rows):
            if self._again is None:
                self._finish(loop, training)
            else:
                self._best = self._made_again(self._again.candidate, loop, training)
        self.slot.freeze()
        if self._best is None:
            raise ValueError("no candidate was given")
        return TrainingOutcome(self._best, untrained[0] if untrained else self._best, self._useful())

    def _loop(self, start: Head | None) -> tuple[Loop, SkillTraining]:
        base, recipe = self.slot.base, self.recipe
        processes = self.execution.processes
        training = self._kind.training(
            base,
            self.train,
            self.dev,
            start,
            labels=self.labels,
            smoothing=recipe.label_smoothing,
            read_train=lambda: self.train.features(processes=processes),
            read_dev=lambda: self.dev.features(processes=processes),
        )
        beside = training.parameters()
        self.slot.trainable()
        adapter = self.slot.named_parameters()
        steps = Steps(
            base,
            training.loss,
            list(adapter.values()),
            list(beside.values()),
            recipe,
            self.execution,
            tell_memory=self._tell_memory,
        )
        return Loop(steps, self.train, {**adapter, **beside}, recipe, self.schedule), training

    def _train(self, loop: Loop, training: SkillTraining) -> None:
        deadline = self.execution.deadline
        saved = time.monotonic()
        while loop.step < self._last:
            measures = loop.step + 1 in self.schedule.measured
            self._stop_unless(loop, "step", *(["measure"] if measures else []))
            with deadline.timed("step"):
                taken = loop.advance()
                training.moved()
            deadline.gained = True
            self._tell_step(loop.step, self._last, taken.loss)
            if measures:
                with deadline.timed("measure"):
                    self._measure_current(training, f"{STEP}{loop.step}")
                self.slot.trainable()
            if time.monotonic() - saved > CHECKPOINT_SECONDS and loop.step < self._last:
                self._save(loop)
                saved = time.monotonic()

    def _stop_unless(self, loop: Loop, *parts: str, **counted: float) -> None:
        """End here, at a checkpoint, unless there is time for these parts and a checkpoint after them.

        :param counted: parts of which there is more than one, and how much.
        :raises OutOfTime: if there is not.
        """
        execution = self.execution
        if execution.processes.agree(lambda: execution.deadline.allows(*parts, "checkpoint", **counted)):
            return
        if loop.step:
            execution.processes.first(lambda: self._save(loop))
        self.slot.freeze()
        raise OutOfTime

    def _measure_current(self, training: SkillTraining, name: str) -> None:
        self.slot.freeze()
        found = training.measure()
        self._consider(FrameCandidate(name, self.slot.read_out(), found.head, found.dev))

    def _finish(self, loop: Loop, training: SkillTraining) -> None:
        """Measure the average and the refitted head; the slot holds the average afterwards."""
        if loop.take_average():
            training.moved()
            self._measure_current(training, AVERAGE)
        if self.recipe.refit and self.schedule.steps:
            self.slot.freeze()
            fitted = training.refit()
            if fitted is not None:
                adapter = self.slot.read_out()
                self._consider(FrameCandidate(REFIT, adapter, fitted.head, fitted.dev, fitted.penalty))

    def _made_again(self, like: FrameCandidate, loop: Loop, training: SkillTraining) -> FrameCandidate:
        """A candidate of this training's rows in the place of one of a part of them."""
        if not like.name.startswith(STEP):
            loop.take_average()
        self.slot.freeze()
        made = training.refit(like.penalty) if like.name == REFIT else training.measure()
        if made is None:
            raise ValueError("nothing was refitted")
        return replace(like, adapter=self.slot.read_out(), learned_head=made.head)

    def _consider(self, candidate: FrameCandidate) -> None:
        self._tell_candidate(candidate)
        self._best = candidate if self._best is None else preferred((self._best, candidate))

    def _useful(self) -> float:
        lengths = self.train.lengths
        batches = training_batches(lengths, self.recipe.batch_size, self.recipe.seed, 0)
        return useful_share(lengths, batches)

    # checkpoints --------------------------------------------------------------------------------------

    def _save(self, loop: Loop) -> None:
        """Write a checkpoint; of several processes the first alone does."""
        if self.execution.processes.is_first:
            kept = TrainingState(loop.step, loop.updates, loop.averaged, loop.average, self._best)
            with self.execution.deadline.timed("checkpoint"):
                checkpoint.save(self.folder, to_checkpoint(kept, loop.current, loop.steps))

    def _resume(self, loop: Loop) -> None:
        found = checkpoint.load(self.folder)
        if found is None:
            return
        kept = restore(found, loop.current, loop.steps, self.schedule.average_from)
        loop.step, loop.updates, loop.averaged = kept.step, kept.updates, kept.averaged
        loop.average, self._best = dict(kept.average), kept.best

    @torch.no_grad()
    def _synchronise(self, loop: Loop) -> None:
        """Have every process begin with the first one's weights.

        :raises SkillStackError: if another process ended, or read another checkpoint.
        """
        processes = self.execution.processes
        if processes.count == 1:
            return
        if processes.same(loop.step) != loop.step:
            raise SkillStackError(
                "The processes of this training see different checkpoints.",
                "They need one store: a folder that all of them can reach.",
            )
        for tensor in loop.current.values():
            held = tensor.detach() * float(processes.is_first)
            processes.sum(held)
            tensor.copy_(held)

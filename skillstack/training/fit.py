"""Fitting a frame: rows encoded, starts measured, the loop run, and a choice made on dev."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skillstack.models.heads import Head
from skillstack.models.lora import LoraSpec, default_targets
from skillstack.models.slot import Slot, reshaped
from skillstack.models.split import SplitModel
from skillstack.skills.registry import kind_named
from skillstack.training import checkpoint
from skillstack.training.candidates import Choice, FeatureHeads, FrameCandidate
from skillstack.training.encoded import EncodedDataset
from skillstack.training.execution import RunState
from skillstack.training.loop import Trainer, TrainingOutcome
from skillstack.training.plan import FramePlan
from skillstack.training.progress import DevMeasured, FrameStarted, Listener, MemoryShort, StepDone
from skillstack.training.recipe import Schedule

Tensors = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Start:
    """What a training starts from.

    :ivar content_id: the content it comes from.
    :ivar adapter: its tensors.
    :ivar scaling: what their product is multiplied with; None for what the new frame's is.
    :ivar head: its head, where the labels are the same and it is to be kept; else None.
    """

    content_id: str
    adapter: Tensors
    scaling: float | None = None
    head: Head | None = None


def lora_spec(plan: FramePlan) -> LoraSpec:
    """The adapter's shape that a plan asks for."""
    recipe, base = plan.recipe, plan.base
    kind = "encoder" if plan.rendering.prompt == "" else "decoder"
    first = base.layers - recipe.top_layers if recipe.top_layers else 0
    return LoraSpec(
        r=recipe.r,
        alpha=recipe.alpha,
        dropout=recipe.dropout,
        targets=recipe.targets or default_targets(kind, base.architecture),
        first_layer=max(0, first),
    )


def passes(plan: FramePlan) -> int:
    """Rows that are read before the first step, each as often as it is read at most."""
    return (len(plan.data.train) + len(plan.data.dev)) * (1 + len(plan.starts))


@dataclass(frozen=True, eq=False)
class AdapterFit:
    """What a training on dev's terms arrived at, and what it began with.

    :ivar outcome: the chosen candidate.
    :ivar start: what it started from; None for a fresh adapter.
    :ivar head: the head that it started with.
    """

    outcome: TrainingOutcome
    start: Start | None
    head: Head


def fit_frame(
    slot: Slot,
    plan: FramePlan,
    starts: Sequence[Start],
    folder: Path,
    place: tuple[int, int],
    listen: Listener,
    execution: RunState,
) -> tuple[TrainingOutcome, Start | None]:
    """Train on the training rows, and choose on the dev rows.

    :param folder: for checkpoints.
    :param place: the frame's number, from 1, and how many there are.
    """
    recipe, data = plan.recipe, plan.data
    announce(plan, len(data.train), folder, place, listen)
    frozen_alone = recipe.method == "frozen-linear"
    split = SplitModel(slot.base, 0) if frozen_alone else lower_layers(slot, plan)
    train, dev = (EncodedDataset.of(split, part, plan.rendering) for part in (data.train, data.dev))
    if frozen_alone:
        with execution.deadline.timed("prepare", passes(plan)):
            frozen = Starts(slot, plan, train, dev, execution).logistic(None)
        listen(DevMeasured(plan.name, frozen.name, frozen.dev))
        return TrainingOutcome(frozen, frozen, 1.0), None
    found = fit_adapter(slot, plan, starts, train, dev, folder, listen, execution)
    return found.outcome, found.start


def announce(plan: FramePlan, rows: int, folder: Path, place: tuple[int, int], listen: Listener) -> None:
    """Tell that the training of a frame begins, or goes on from a checkpoint.

    :param rows: that it is trained on.
    """
    resumed = checkpoint.load(folder)
    steps = Schedule.of(plan.recipe, rows).steps
    listen(FrameStarted(*place, plan.name, rows, steps, resumed.step if resumed else 0))


def lower_layers(slot: Slot, plan: FramePlan) -> SplitModel:
    """The base, cut below the lowest adapted layer where the recipe keeps the states there."""
    return SplitModel(slot.base, lora_spec(plan).first_layer if plan.recipe.cache else 0)


def fit_adapter(
    slot: Slot,
    plan: FramePlan,
    starts: Sequence[Start],
    train: EncodedDataset,
    dev: EncodedDataset,
    folder: Path,
    listen: Listener,
    execution: RunState,
    *,
    or_frozen: bool = True,
) -> AdapterFit:
    """Train an adapter and a head, from the start that dev prefers.

    :param or_frozen: whether a head on the bare base is a candidate too.
    :raises OutOfTime: at a checkpoint, if the time limit is reached.
    """
    with execution.deadline.timed("prepare", passes(plan)):
        found = Starts(slot, plan, train, dev, execution)
        frozen = found.logistic(None)
        start = found.choose(_fitting(slot, lora_spec(plan), starts), frozen)
        head, untrained = found.head(start)
    # What comes at the end is much of what came at the beginning, with one adapter.
    execution.deadline.guess("finish", execution.deadline.expected("prepare"))
    trainer = trainer_of(slot, plan, train, dev, folder, listen, execution)
    return AdapterFit(trainer.run([frozen, *untrained] if or_frozen else untrained, head), start, head)


def trainer_of(
    slot: Slot,
    plan: FramePlan,
    train: EncodedDataset,
    dev: EncodedDataset,
    folder: Path,
    listen: Listener,
    execution: RunState,
    again: Choice | None = None,
) -> Trainer:
    """The trainer of a plan's frame, which tells what it does.

    :param again: see `Trainer`.
    """
    return Trainer(
        slot,
        train,
        dev,
        len(plan.data.task.labels),
        plan.recipe,
        kind=kind_named(plan.data.task.kind, plan.data.task.name),
        folder=folder,
        first_layer=lora_spec(plan).first_layer,
        execution=execution,
        again=again,
        tell_step=lambda step, steps, loss: listen(StepDone(plan.name, step, steps, loss)),
        tell_candidate=lambda found: listen(DevMeasured(plan.name, found.name, found.dev)),
        tell_memory=lambda rows: listen(MemoryShort(plan.name, rows)),
    )


def put_in(slot: Slot, plan: FramePlan, start: Start | None) -> None:
    """Have the slot hold the adapter that a training starts from."""
    if start is None:
        slot.start_fresh(lora_spec(plan), plan.recipe.seed)
    else:
        slot.copy_in(start.adapter, lora_spec(plan))


def _fitting(slot: Slot, spec: LoraSpec, starts: Sequence[Start]) -> list[Start]:
    """The starts in the shape of the new adapter; what does not fit into it is none."""
    found = []
    for start in starts:
        scaling = spec.scaling if start.scaling is None else start.scaling
        tensors = reshaped(start.adapter, scaling, spec, slot.shapes(spec))
        if tensors is not None:
            found.append(replace(start, adapter=tensors, scaling=spec.scaling))
    return found


class Starts:
    """What a frame's training may start from, each judged on dev by a logistic regression on its features."""

    def __init__(
        self,
        slot: Slot,
        plan: FramePlan,
        train: EncodedDataset,
        dev: EncodedDataset,
        execution: RunState,
    ) -> None:
        self.slot, self.plan, self.execution = slot, plan, execution
        self._rows, self._labels = (train, dev), len(plan.data.task.labels)
        self._seen: dict[str, tuple[FeatureHeads, FrameCandidate]] = {}

    def logistic(self, start: Start | None) -> FrameCandidate:
        """The logistic head on the features of a start, or of the bare base."""
        return self._look(start)[1]

    def choose(self, starts: Sequence[Start], frozen: FrameCandidate) -> Start | None:
        """The start that dev prefers, the first of equals; None for a fresh adapter."""
        if not starts or self.plan.recipe.init == "parent":
            return starts[0] if starts else None
        best = max(starts, key=lambda start: self.logistic(start).dev.correct)
        return best if self.logistic(best).dev.correct >= frozen.dev.correct else None

    def head(self, start: Start | None) -> tuple[Head, list[FrameCandidate]]:
        """The head that training starts from, and candidates that need no training.

        The slot holds the adapter that training starts from afterwards.
        """
        recipe, words = self.plan.recipe, self.plan.rendering.label_words
        heads, candidate = self._look(start)
        put_in(self.slot, self.plan, start)
        if start is None:
            return heads.starting(recipe, words)
        if start.head is not None:
            return start.head, [candidate]
        head, by_words = heads.starting(recipe, words, candidate.adapter)
        return head, [candidate, *by_words]

    def _look(self, start: Start | None) -> tuple[FeatureHeads, FrameCandidate]:
        key = "" if start is None else start.content_id
        if key not in self._seen:
            if start is None:
                self.slot.clear()
            else:
                put_in(self.slot, self.plan, start)
            processes = self.execution.processes
            heads = FeatureHeads(
                self.slot.base, *self._rows, self._labels, lambda rows: rows.features(processes=processes)
            )
            head, count = heads.best
            name, adapter = ("frozen-linear", None) if start is None else ("start", self.slot.read_out())
            self._seen[key] = heads, FrameCandidate(name, adapter, head, count)
        return self._seen[key]

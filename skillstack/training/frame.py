"""Making a frame: rows encoded, starts measured, the loop run, and the files put into the store."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skillstack.data.sources import is_referable
from skillstack.models import adapter_config, canaries
from skillstack.models.answering import Answering
from skillstack.models.base import Base
from skillstack.models.heads import Head
from skillstack.models.lora import LoraSpec, default_targets
from skillstack.models.slot import Slot, reshaped
from skillstack.models.split import SplitModel
from skillstack.routers.features import hash_rows
from skillstack.skills.classification import LabelAnswerer
from skillstack.skills.registry import kind_named
from skillstack.store.records import FrameRecord, Skill
from skillstack.store.samples import FeatureSamples, ReferenceSamples, Samples, TextSamples
from skillstack.store.store import Store
from skillstack.training import checkpoint
from skillstack.training.baseline import keep_baseline
from skillstack.training.candidates import FeatureHeads, FrameCandidate
from skillstack.training.card import write_card
from skillstack.training.encoded import EncodedDataset
from skillstack.training.execution import RunState, environment
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


@dataclass(frozen=True)
class NewFrame:
    """A frame whose files are in the store, not yet on a stack.

    :ivar content: what it is.
    :ivar outcome: what its training arrived at.
    :ivar seconds: how long that took.
    """

    content: FrameRecord
    outcome: TrainingOutcome
    seconds: float


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


def make_frame(
    store: Store,
    slot: Slot,
    plan: FramePlan,
    starts: Sequence[Start],
    *,
    place: tuple[int, int],
    listen: Listener,
    execution: RunState | None = None,
) -> NewFrame:
    """Train a frame and put its files into the store; a killed training goes on where it was.

    :param starts: what it may start from besides nothing, the preferred one first.
    :param place: its number, from 1, and how many there are.
    :param execution: how it is carried out here. Of several processes the first one writes.
    :raises IntegrityError: if its checkpoint is damaged.
    :raises StoreError: if its files cannot be written.
    :raises OutOfTime: at a checkpoint, if the time limit is reached.
    :raises MissingError: if not even one row fits into memory.
    """
    began = time.monotonic()
    execution = execution if execution is not None else RunState()
    outcome, start = _train(slot, plan, starts, _work(store, plan.digest()), place, listen, execution)
    processes = execution.processes
    content = processes.first(lambda: _put(store, slot, plan, outcome, start))
    seconds = time.monotonic() - began
    if content is not None:
        _put_measurement(store, content, outcome, seconds, slot.base)
        keep_baseline(store, content, outcome.frozen.head)
    if processes.count > 1:
        content_id = processes.first(lambda: store.put_content(content) if content else "")
        content = store.content(processes.tell(content_id or ""))
    if content is None:
        raise ValueError("the first process gave no content")
    return NewFrame(content, outcome, seconds)


def _put_measurement(
    store: Store, content: FrameRecord, outcome: TrainingOutcome, seconds: float, base: Base
) -> None:
    store.put_measurement(
        content.behaviour(content.skills[0]),
        "training",
        {
            "chosen": outcome.chosen.name,
            "environment": environment(),
            "seconds": f"{seconds:.1f}",
            "settings": dict(base.settings),
            "useful_tokens": f"{outcome.useful_tokens:.4f}",
        },
    )


def forget_work(store: Store, plan: str) -> None:
    """Remove a finished frame's checkpoints.

    :param plan: digest of its plan.
    """
    checkpoint.clear(_work(store, plan))


def _work(store: Store, plan: str) -> Path:
    return store.root / "work" / plan


def _train(
    slot: Slot,
    plan: FramePlan,
    starts: Sequence[Start],
    folder: Path,
    place: tuple[int, int],
    listen: Listener,
    execution: RunState,
) -> tuple[TrainingOutcome, Start | None]:
    base, recipe, data = slot.base, plan.recipe, plan.data
    resumed = checkpoint.load(folder)
    steps = Schedule.of(recipe, len(data.train)).steps
    listen(FrameStarted(*place, plan.name, len(data.train), steps, resumed.step if resumed else 0))
    spec = lora_spec(plan)
    cut = recipe.cache and recipe.method != "frozen-linear"
    split = SplitModel(base, spec.first_layer if cut else 0)
    with execution.deadline.timed("prepare", passes(plan)):
        train, dev = (EncodedDataset.of(split, part, plan.rendering) for part in (data.train, data.dev))
        found = _Starts(slot, plan, spec, train, dev, execution)
        starts = _fitting(slot, spec, starts)
        frozen = found.logistic(None)
        if recipe.method == "frozen-linear":
            listen(DevMeasured(plan.name, frozen.name, frozen.dev))
            return TrainingOutcome(frozen, frozen, 1.0), None
        start = found.choose(starts, frozen)
        head, untrained = found.head(start)
    # What comes at the end is much of what came at the beginning, with one adapter.
    execution.deadline.guess("finish", execution.deadline.expected("prepare"))
    trainer = Trainer(
        slot,
        train,
        dev,
        len(data.task.labels),
        recipe,
        kind=kind_named(data.task.kind, data.task.name),
        folder=folder,
        first_layer=spec.first_layer,
        execution=execution,
        tell_step=lambda step, steps, loss: listen(StepDone(plan.name, step, steps, loss)),
        tell_candidate=lambda found: listen(DevMeasured(plan.name, found.name, found.dev)),
        tell_memory=lambda rows: listen(MemoryShort(plan.name, rows)),
    )
    return trainer.run([frozen, *untrained], head), start


def _fitting(slot: Slot, spec: LoraSpec, starts: Sequence[Start]) -> list[Start]:
    """The starts in the shape of the new adapter; what does not fit into it is none."""
    found = []
    for start in starts:
        scaling = spec.scaling if start.scaling is None else start.scaling
        tensors = reshaped(start.adapter, scaling, spec, slot.shapes(spec))
        if tensors is not None:
            found.append(replace(start, adapter=tensors, scaling=spec.scaling))
    return found


class _Starts:
    """What a frame's training may start from, each judged on dev by a logistic regression on its features."""

    def __init__(
        self,
        slot: Slot,
        plan: FramePlan,
        spec: LoraSpec,
        train: EncodedDataset,
        dev: EncodedDataset,
        execution: RunState,
    ) -> None:
        self.slot, self.plan, self.spec, self.execution = slot, plan, spec, execution
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
        if start is None:
            self.slot.start_fresh(self.spec, recipe.seed)
            return heads.starting(recipe, words)
        self.slot.copy_in(start.adapter, self.spec)
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
                self.slot.copy_in(start.adapter, self.spec)
            processes = self.execution.processes
            heads = FeatureHeads(
                self.slot.base, *self._rows, self._labels, lambda rows: rows.features(processes=processes)
            )
            head, count = heads.best
            name, adapter = ("frozen-linear", None) if start is None else ("start", self.slot.read_out())
            self._seen[key] = heads, FrameCandidate(name, adapter, head, count)
        return self._seen[key]


def _put(
    store: Store, slot: Slot, plan: FramePlan, outcome: TrainingOutcome, start: Start | None
) -> FrameRecord:
    chosen, task, base = outcome.chosen, plan.data.task, slot.base
    head = store.put_head(chosen.head.weight, chosen.head.bias)
    adapter = None
    if chosen.adapter is not None:
        spec = lora_spec(plan)
        card = write_card(
            task,
            base.identity,
            plan.rendering,
            base.pooling,
            head,
            chosen.dev,
            outcome.frozen.dev,
            plan.data.source,
        )
        config = adapter_config.dump(
            spec,
            slot.targets(spec),
            base_name=base.identity.name,
            revision=base.identity.revision,
            decoder=base.kind == "decoder",
        )
        model = adapter_config.tensors_bytes(chosen.adapter)
        adapter = store.put_adapter(plan.name, config, model, card.encode("utf-8"))
    skill = Skill(
        name=task.name,
        task=task.name,
        family=task.family,
        labels=task.labels,
        pair=task.pair,
        head=head,
        kind=task.kind,
        samples=store.put_samples(_samples(plan)),
        rendering=plan.rendering,
        metrics={"dev": chosen.dev, "frozen_linear_dev": outcome.frozen.dev},
        source=plan.data.source,
    )
    return FrameRecord(
        name=plan.name,
        adapter=adapter,
        skills=(skill,),
        base=base.identity,
        precision=base.precision,
        pooling=base.pooling,
        recipe=plan.recipe.to_record(),
        plan=plan.digest(),
        canaries=store.put_canaries(_canaries(slot, plan, chosen, skill)),
        init_from=None if start is None or chosen.adapter is None else start.content_id,
    )


def _samples(plan: FramePlan) -> Samples:
    data = plan.data
    if is_referable(data.source["name"]):
        return ReferenceSamples(data.source["name"], tuple(row.digest() for row in data.router))
    if plan.keep_texts:
        return TextSamples(data.router)
    return FeatureSamples(hash_rows(data.router).to_tensors())


def _canaries(slot: Slot, plan: FramePlan, chosen: FrameCandidate, skill: Skill) -> dict[str, object]:
    adapter = chosen.adapter
    spec = None if adapter is None else lora_spec(plan)
    answerer = LabelAnswerer("", lambda: adapter or {}, spec, chosen.head, plan.rendering, plan.name)
    part = kind_named(skill.kind, skill.name).canary(Answering(slot), answerer, pair=skill.pair)
    return canaries.record({skill.name: part})

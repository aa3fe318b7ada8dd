"""What `train` would do: frames, rows, licences, bytes and time; nothing is written or loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from skillstack.data.sources import load_task
from skillstack.errors import UsageError
from skillstack.forecast import demand
from skillstack.forecast.bases import BaseFacts, base_facts
from skillstack.forecast.lessons import Lesson, lesson, rows_taken
from skillstack.forecast.pace import Span, measure_pace, training_seconds
from skillstack.forecast.request import Request
from skillstack.models import devices
from skillstack.models.loading import pick_device
from skillstack.store.fields import check_name
from skillstack.store.store import MAIN, REFERENCE, Store
from skillstack.training.data import FrameData, choose_rows
from skillstack.training.plan import TrainingPlan, keep_frames
from skillstack.training.progress import nobody
from skillstack.training.recipe import Recipe
from skillstack.training.resolve import task_names


@dataclass(frozen=True)
class PlannedFrame:
    """A frame that a training would make or keep.

    :ivar state: ``train`` or ``keep``.
    :ivar train: rows that decide its weights; `dev` and `router` likewise.
    :ivar exact: whether the rows were counted; else they are the most that the recipe takes.
    :ivar source: ``starter``, ``folder`` or ``hub``.
    :ivar adapter_bytes: of adapter and head, at most.
    :ivar sample_bytes: of what the router learns from.
    :ivar download: bytes, about, that have to come from the hub first.
    """

    name: str
    family: str
    state: Literal["train", "keep"]
    labels: int
    train: int
    dev: int
    router: int
    exact: bool
    source: str
    licence: str
    origin: str
    adapter_bytes: int
    sample_bytes: int
    download: int


@dataclass(frozen=True)
class DryRun:
    """What a training would do.

    :ivar store: its folder; `exists` says whether it is there already.
    :ivar keep_texts: whether the store would hold texts of the tasks that do not ship with the package.
    :ivar seconds: roughly; None where nothing could be measured, or nothing is to be trained.
    """

    stack: str
    store: Path
    exists: bool
    base: BaseFacts
    device: str
    precision: str
    recipe: Recipe
    keep_texts: bool
    frames: tuple[PlannedFrame, ...]
    seconds: Span | None

    @property
    def bytes(self) -> int:
        """What the frames to be trained would add to the store and its routers, at most."""
        return sum(
            frame.adapter_bytes + frame.sample_bytes + demand.RECORDS + demand.ROUTER_STATE * (number + 1)
            for number, frame in enumerate(self.frames)
            if frame.state == "train"
        )

    @property
    def download(self) -> int | None:
        """Bytes that have to come from the hub; None where the model's size is unknown."""
        size = self.base.download
        return None if size is None else size + sum(frame.download for frame in self.frames)


def dry_run(
    request: Request,
    *,
    stack: str | None = None,
    keep_texts: bool = True,
    store: Store | None = None,
    merges: bool = False,
) -> DryRun:
    """See what a training would do.

    :param store: the store, where there is one already.
    :param merges: whether frames may be merged as they come, which takes time that nobody foretells.
    :raises UsageError: if a name or a combination cannot be meant, or the stack holds other frames.
    :raises SkillStackError: if a task or the base cannot be had.
    """
    names = task_names(request.preset, request.tasks)
    target = check_name(stack or request.preset or MAIN, "The stack")
    if target == REFERENCE:
        raise UsageError(
            "The stack 'reference' ships with the package and is for reading only.",
            "Name another stack with --stack.",
        )
    facts = base_facts(request.model)
    lessons = [lesson(name, request.data_dir) for name in names]
    for trouble in (facts.trouble, *(one.trouble for one in lessons)):
        if trouble is not None:
            raise trouble
    device = devices.describe(pick_device(request.device))
    rules = devices.rules(
        device, facts.kind or "decoder", parameters=facts.parameters, precision=request.precision
    )
    recipe, held = request.recipe(facts), rules.precision.value
    # A task of the hub that is not here yet is not fetched for this, and ends what can be compared.
    known = [None if one.download else load_task(one.name, request.data_dir) for one in lessons]
    here = (
        tuple(data for data in known[: known.index(None)] if data)
        if None in known
        else tuple(filter(None, known))
    )
    job = TrainingPlan(target, here, recipe, held, keep_texts, base_name=facts.calls_itself, merges=merges)
    chain = tuple(store.contents(target)) if store is not None else ()
    kept = len(keep_frames(job, chain, nobody))
    frames = tuple(
        _counted(facts, recipe, one, choose_rows(data, recipe), kept=number < kept, keep_texts=keep_texts)
        if data is not None
        else _guessed(facts, recipe, one, keep_texts=keep_texts)
        for number, (one, data) in enumerate(zip(lessons, known, strict=True))
    )
    return DryRun(
        target,
        request.store,
        store is not None,
        facts,
        device.kind,
        held,
        recipe,
        keep_texts,
        frames,
        _seconds(facts, recipe, frames, lessons, device.kind, rules),
    )


def _counted(
    facts: BaseFacts, recipe: Recipe, one: Lesson, data: FrameData, *, kept: bool, keep_texts: bool
) -> PlannedFrame:
    characters = sum(len(row.joined) for row in data.router) / max(1, len(data.router))
    shipped = one.source == "starter"
    return PlannedFrame(
        name=one.name,
        family=data.task.family,
        state="keep" if kept else "train",
        labels=len(data.task.labels),
        train=len(data.train),
        dev=len(data.dev),
        router=len(data.router),
        exact=True,
        source=one.source,
        licence=one.licence,
        origin=one.origin,
        adapter_bytes=_adapter(facts, recipe, len(data.task.labels)),
        sample_bytes=demand.sample_bytes(
            len(data.router), characters, shipped=shipped, keep_texts=keep_texts
        ),
        download=0,
    )


def _guessed(facts: BaseFacts, recipe: Recipe, one: Lesson, *, keep_texts: bool) -> PlannedFrame:
    from skillstack.data.presets import known_task

    train, dev = rows_taken(one, recipe)
    return PlannedFrame(
        name=one.name,
        family=known_task(one.name).family,
        state="train",
        labels=one.labels,
        train=train,
        dev=dev,
        router=recipe.router_samples,
        exact=False,
        source=one.source,
        licence=one.licence,
        origin=one.origin,
        adapter_bytes=_adapter(facts, recipe, one.labels),
        sample_bytes=demand.sample_bytes(
            recipe.router_samples, one.characters, shipped=False, keep_texts=keep_texts
        ),
        download=one.download,
    )


def _adapter(facts: BaseFacts, recipe: Recipe, labels: int) -> int:
    adapter = 0 if recipe.method == "frozen-linear" else demand.adapter_bytes(facts, recipe)
    return adapter + demand.head_bytes(facts, labels)


def _seconds(
    facts: BaseFacts,
    recipe: Recipe,
    frames: Sequence[PlannedFrame],
    lessons: Sequence[Lesson],
    device: str,
    rules: devices.Rules,
) -> Span | None:
    left = [
        (frame.train, frame.dev, frame.labels, one.characters)
        for frame, one in zip(frames, lessons, strict=True)
        if frame.state == "train"
    ]
    pace = measure_pace(facts, device, rules.arithmetic.value) if left else None
    return None if pace is None else training_seconds(facts, recipe, left, pace, rules.precision.value)

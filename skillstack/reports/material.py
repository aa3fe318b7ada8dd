"""What a report is made of: an evaluation, facts about the stack's frames, and a bench of methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from skillstack.continual.cell import BenchCell
from skillstack.continual.files import Results
from skillstack.continual.leaderboard import MethodStanding, leaderboard
from skillstack.errors import InputError, StoreError
from skillstack.evaluation.result import Evaluation
from skillstack.evaluation.statistics import Paired, paired
from skillstack.reports.verdict import Verdict, verdict
from skillstack.results import Frame
from skillstack.store.records import TAUGHT, BaseIdentity, taught
from skillstack.store.store import Store


@dataclass(frozen=True)
class FrameFacts:
    """A frame.

    :ivar content: its content's id.
    :ivar tasks: what its skills answer.
    :ivar labels: how many its skills have in all.
    :ivar parent: name of the frame before it, or None.
    :ivar init_from: name of the frame of this stack from whose adapter its training started; the content's
        id where that is no frame of the stack; None where it started fresh.
    :ivar adapter_bytes: size of its adapter's tensors on disk; 0 without an adapter.
    :ivar head_bytes: size of its heads on disk; None where one is missing.
    :ivar seconds: that its training took; None where nobody noted it.
    :ivar seed: with which its skills were taught; None where nobody noted it, or they have several.
    :ivar compressed: whether it was merged or cut from others.
    :ivar environment: versions and machine of its training.
    """

    name: str
    id: str
    content: str
    skills: tuple[str, ...]
    tasks: tuple[str, ...]
    families: tuple[str, ...]
    labels: int
    parent: str | None
    init_from: str | None
    adapter_bytes: int
    head_bytes: int | None
    seconds: float | None
    seed: int | None
    compressed: bool
    environment: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Bench:
    """A finished bench.

    :ivar standings: its methods, as its leaderboard has them.
    :ivar cells: what each of its runs gave.
    """

    standings: tuple[MethodStanding, ...]
    cells: tuple[BenchCell, ...]


@dataclass(frozen=True, eq=False)
class Material:
    """What a report is made of.

    :ivar frames: of the stack, the oldest first.
    :ivar base: the frozen model.
    :ivar command: what makes this report again.
    :ivar versions: of the packages that had a part in the figures.
    :ivar bench: of methods, if there was one.
    """

    evaluation: Evaluation
    frames: tuple[FrameFacts, ...]
    base: BaseIdentity
    command: str
    versions: Mapping[str, str]
    bench: Bench | None = None

    @property
    def compressed(self) -> bool:
        """Whether frames were merged or cut."""
        return any(frame.compressed for frame in self.frames)

    @cached_property
    def verdict(self) -> Verdict:
        """The answer in short."""
        return verdict(self.evaluation)

    @cached_property
    def losses(self) -> tuple[Paired | None, ...]:
        """By task, its own frame minus the newest adapter, same texts; None where nothing came after."""
        return tuple(
            None
            if lost is None
            else paired([(task.answers["task_aware"].right, task.answers["latest_adapter"].right)])
            for task, lost in zip(self.evaluation.tasks, self.evaluation.forgetting.per_task, strict=True)
        )


def read_bench(folder: Path) -> Bench:
    """The bench that kept its results in this folder.

    :raises InputError: if there is no finished cell, or a file cannot be read.
    """
    cells = tuple(Results(folder).cells())
    if not cells:
        raise InputError("There is no finished cell of a bench.", "Run `skillstack bench` to the end first.")
    return Bench(leaderboard(cells), cells)


def frame_facts(store: Store, frames: Sequence[Frame]) -> tuple[FrameFacts, ...]:
    """Facts about each of these frames.

    :param frames: of one stack, the oldest first.
    """
    names = {frame.content_id: frame.name for frame in frames}
    return tuple(_facts(store, frame, names) for frame in frames)


def _facts(store: Store, frame: Frame, names: Mapping[str, str]) -> FrameFacts:
    content = frame.content
    origin = content.init_from
    seeds = {taught(content, skill.name).get("seed") for skill in frame.skills}
    seed = seeds.pop() if len(seeds) == 1 else None
    measured = _measured(store, frame)
    seconds = measured.get("seconds")
    environment = measured.get("environment")
    return FrameFacts(
        name=frame.name,
        id=frame.id,
        content=frame.content_id,
        skills=tuple(skill.name for skill in frame.skills),
        tasks=tuple(skill.task for skill in frame.skills),
        families=tuple(sorted({skill.family for skill in frame.skills})),
        labels=sum(len(skill.labels) for skill in frame.skills),
        parent=frame.parent_name,
        init_from=None if origin is None else names.get(origin, origin),
        adapter_bytes=frame.adapter_bytes,
        head_bytes=_head_bytes(store, frame),
        seconds=_number(seconds),
        seed=seed if isinstance(seed, int) else None,
        compressed=TAUGHT in content.recipe,
        environment={str(k): str(v) for k, v in environment.items()} if isinstance(environment, dict) else {},
    )


def _measured(store: Store, frame: Frame) -> Mapping[str, Any]:
    """What was noted of the training; a damaged note is none, `verify` is who complains about it."""
    for skill in frame.skills:
        try:
            found = store.measurement(frame.content.behaviour(skill), "training")
        except StoreError:
            continue
        if found is not None:
            return found
    return {}


def _number(text: object) -> float | None:
    try:
        value = float(str(text))
    except ValueError:
        return None
    return value if 0 <= value < 1e12 else None


def _head_bytes(store: Store, frame: Frame) -> int | None:
    try:
        return sum(
            (store.root / "heads" / f"{head}.safetensors").stat().st_size
            for head in sorted({skill.head for skill in frame.skills if skill.head is not None})
        )
    except OSError:
        return None

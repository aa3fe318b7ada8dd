"""What `measure_compression.py` and `measure_auto_compress.py` wrote, read and checked.

Somebody may have written such a file by hand, so each figure is checked before it is shown. Shares lie
between 0 and 1.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from skillstack.errors import InputError
from skillstack.evaluation.intervals import DIGITS, Interval
from skillstack.wording import published

#: Version of the documents.
SCHEMA = 1
#: No document is larger; one of twelve tasks has some hundred thousand bytes.
MAX_BYTES = 64_000_000
_FILE = re.compile(r"(seed|order)-(.{1,80})\.json")
_MAKE = "scripts/measure_compression.py and scripts/measure_auto_compress.py write them."


@dataclass(frozen=True)
class Gap:
    """A difference of two accuracies on the same rows.

    :ivar difference: -1 to 1.
    :ivar interval: of it, 95 %, paired.
    """

    difference: float
    interval: Interval


@dataclass(frozen=True)
class Change(Gap):
    """Accuracy after minus before.

    :ivar before: of the stack as it was trained.
    :ivar after: of what became of it.
    """

    before: float
    after: float


@dataclass(frozen=True)
class TaskChange:
    """One task on its test rows.

    :ivar n: its rows.
    :ivar given: with the task given.
    :ivar routed: by the skill that the router picks.
    """

    task: str
    n: int
    given: Change
    routed: Change


@dataclass(frozen=True)
class Tested:
    """A compressed stack on test rows.

    :ivar given: mean over tasks, with the task given.
    :ivar routed: mean over tasks, routed.
    :ivar regret_before: what routing cost before.
    """

    tasks: tuple[TaskChange, ...]
    given: Change
    routed: Change
    regret_before: float
    regret_after: float

    @property
    def worst(self) -> TaskChange:
        """The task that changes for the worst, with the task given."""
        return min(self.tasks, key=lambda one: one.given.difference)


@dataclass(frozen=True)
class Outcome:
    """One compression, and what came of it; what is after is None where nothing changed.

    :ivar candidate: what was chosen; None where nothing was.
    :ivar verdict: the guard's; None where it was not asked.
    :ivar why: the same in words.
    :ivar bytes_before: of the stack's adapters.
    """

    what: Literal["family", "stack"]
    candidate: str | None
    verdict: str | None
    why: str
    frames_before: int
    frames_after: int | None
    bytes_before: int
    bytes_after: int | None
    test: Tested | None

    @property
    def share(self) -> float | None:
        """Bytes after of bytes before."""
        return None if self.bytes_after is None else self.bytes_after / self.bytes_before


@dataclass(frozen=True)
class Removal:
    """A compressed stack without one of its frames, on dev rows.

    :ivar loss: mean over tasks of routed accuracy before minus after.
    :ivar before: routed accuracy of the frame's own tasks; None without rows of them.
    :ivar after: likewise without the frame.
    :ivar redundancy: share of their lead that the others keep; None where there is none.
    """

    frame: str
    loss: float
    interval: Interval
    before: float | None
    after: float | None
    redundancy: float | None


@dataclass(frozen=True)
class Compression:
    """What compression did to the stack of one seed.

    :ivar family: the family that was compressed.
    :ivar outcomes: of that family, and of the whole stack.
    :ivar boundary: the compressed family's stack without each frame in turn; empty where nothing changed.
    :ivar undone: whether undo brought the same ids back each time.
    """

    preset: str
    seed: int
    base: str
    family: str
    outcomes: tuple[Outcome, ...]
    boundary: tuple[Removal, ...]
    undone: bool

    @property
    def title(self) -> str:
        """What a table calls it."""
        return f"seed {self.seed}, {self.preset}"


@dataclass(frozen=True)
class Step:
    """A stack after one more task.

    :ivar bytes: of its adapters.
    :ivar given: accuracy on test rows of all tasks so far, with the task given.
    :ivar routed: likewise routed; None where there was nothing to route.
    """

    task: str
    frames: int
    bytes: int
    given: float
    routed: float | None


@dataclass(frozen=True)
class Stream:
    """One order of tasks, learned twice.

    :ivar merged: with families merged as their frames came.
    :ivar plain: without; the same tasks.
    :ivar given: what merging changed at the end, with the task given.
    :ivar routed: likewise routed.
    """

    preset: str
    order: str
    seed: int
    merged: tuple[Step, ...]
    plain: tuple[Step, ...]
    given: Gap
    routed: Gap

    @property
    def title(self) -> str:
        """What a table calls it."""
        return f"order {self.order}, {self.preset}"

    @property
    def share(self) -> float | None:
        """Bytes at the end of those without merging; None where there are none."""
        return self.merged[-1].bytes / self.plain[-1].bytes if self.plain[-1].bytes else None


@dataclass(frozen=True)
class Compressions:
    """All measurements of a folder.

    :ivar seeds: what compression did, by preset and seed.
    :ivar streams: streams of tasks that were merged as they came, by preset and order.
    :ivar source: commands and versions that made the figures.
    """

    seeds: tuple[Compression, ...]
    streams: tuple[Stream, ...]
    source: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """The figures with six digits."""
        return {"seeds": _plain(self.seeds), "streams": _plain(self.streams)}


def read_compressions(folder: Path) -> Compressions:
    """Everything that the folder holds at any depth as ``seed-*.json`` and ``order-*.json``.

    :raises InputError: if there is nothing, or a file is not what its name says.
    """
    if not folder.is_dir():
        raise InputError(
            f"There is no folder {folder}.", f"Name one with measurements of compression; {_MAKE}"
        )
    seeds: list[Compression] = []
    streams: list[Stream] = []
    source: dict[str, str] = {}
    environments: dict[str, None] = {}
    for path in sorted(folder.rglob("*.json")):
        matched = _FILE.fullmatch(path.name)
        if matched is None:
            continue
        one, command, environment = _read(path, matched[1], matched[2])
        if isinstance(one, Compression):
            seeds.append(one)
        else:
            streams.append(one)
        if one.title in source:
            raise InputError(
                f"The folder {folder} holds {one.title} twice.",
                "Name a folder in which each is once, or take one of them out.",
            )
        source[one.title] = command
        environments[environment] = None
    if not source:
        raise InputError(f"The folder {folder} holds no measurement of compression.", _MAKE)
    for place, environment in enumerate(environments):
        source["measured with" if place == 0 else f"and with ({place + 1})"] = environment
    return Compressions(
        tuple(sorted(seeds, key=lambda one: (one.preset, one.seed))),
        tuple(sorted(streams, key=lambda one: (one.preset, _natural(one.order)))),
        source,
    )


def _read(path: Path, kind: str, rest: str) -> tuple[Compression | Stream, str, str]:
    """What a file holds, its command, and the versions that it was made with."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("it is too large")
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            raise ValueError("it is of another version")
        versions = ", ".join(f"{_name(key)} {_name(value)}" for key, value in document["versions"].items())
        made = _compression(document) if kind == "seed" else _stream(document, rest)
        return made, published(_name(document["command"])), versions
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"The measurement {path} cannot be read ({type(error).__name__}).",
            "Take it out of the folder, or have it measured again.",
        ) from error


def _compression(document: Mapping[str, Any]) -> Compression:
    frames = _whole(document["frames"], 1)
    return Compression(
        preset=_name(document["preset"]),
        seed=_whole(document["seed"]),
        base=_name(document["base"]),
        family=_name(document["plan"]["family"]),
        outcomes=(
            _outcome("family", document["family"], frames),
            _outcome("stack", document["stack"], frames),
        ),
        boundary=tuple(_removal(one) for one in document.get("boundary", {"removals": ()})["removals"]),
        undone=_flag(document["undone"]),
    )


def _outcome(what: Literal["family", "stack"], one: Mapping[str, Any], frames: int) -> Outcome:
    applied, guarded = _flag(one["applied"]), one["guarded"]
    if applied and (guarded is None or one["chosen"] is None):
        raise ValueError("something was done that nobody chose and no guard saw")
    return Outcome(
        what=what,
        candidate=None if one["chosen"] is None else _name(one["chosen"]),
        verdict=None if guarded is None else _name(guarded["verdict"]),
        why="" if guarded is None else _name(guarded["why"]),
        frames_before=frames,
        frames_after=_whole(one["frames"], 1) if applied else None,
        bytes_before=_whole(one["bytes"]["before"], 1),
        bytes_after=_whole(one["bytes"]["after"]) if applied else None,
        test=_tested(one["test"]) if applied else None,
    )


def _tested(test: Mapping[str, Any]) -> Tested:
    tasks = tuple(
        TaskChange(
            _name(one["task"]), _whole(one["n"], 1), _change(one["task_aware"]), _change(one["routed"])
        )
        for one in test["tasks"]
    )
    if not tasks:
        raise ValueError("no task was tested")
    return Tested(
        tasks,
        _change(test["task_aware"]),
        _change(test["routed"]),
        _difference(test["regret"]["before"]),
        _difference(test["regret"]["after"]),
    )


def _change(one: Mapping[str, Any]) -> Change:
    return Change(
        _difference(one["difference"]),
        _interval(one["interval"]),
        _figure(one["before"]),
        _figure(one["after"]),
    )


def _removal(one: Mapping[str, Any]) -> Removal:
    loss, own = one["loss"], one["own_tasks"]
    return Removal(
        frame=_name(one["frame"]),
        loss=_difference(loss["difference"]),
        interval=_interval(loss["interval"]),
        before=_figure_or_none(own["before"]),
        after=_figure_or_none(own["after"]),
        redundancy=_figure_or_none(one["redundancy"]),
    )


def _stream(document: Mapping[str, Any], order: str) -> Stream:
    gaps = document["difference"]
    found = Stream(
        preset=_name(document["preset"]),
        order=_name(order),
        seed=_whole(document["seed"]),
        merged=_steps(document["streams"]["merged"]),
        plain=_steps(document["streams"]["plain"]),
        given=_gap(gaps["task_aware"]),
        routed=_gap(gaps["routed"]),
    )
    tasks = list(document["order"])
    if not tasks or any([step.task for step in steps] != tasks for steps in (found.merged, found.plain)):
        raise ValueError("a task is missing")
    return found


def _steps(steps: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    return tuple(
        Step(
            _name(one["task"]),
            _whole(one["frames"], 1),
            _whole(one["bytes"]),
            _figure(one["task_aware"]),
            _figure_or_none(one["routed"]),
        )
        for one in steps
    )


def _gap(one: Mapping[str, Any]) -> Gap:
    """A difference that the document has in points."""
    return Gap(_difference(one["points"], 100.0), _interval(one["interval"], 100.0))


def _figure(value: Any, low: float = 0.0, high: float = 1.0) -> float:
    """A number in these bounds."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("a number is missing")
    if not low <= value <= high:  # true of what is not a number, too
        raise ValueError("a number is out of its bounds")
    return float(value)


def _figure_or_none(value: Any) -> float | None:
    return None if value is None else _figure(value)


def _difference(value: Any, scale: float = 1.0) -> float:
    """A difference of two shares, -1 to 1; the scale is 100 where the document has points."""
    return _figure(value, -scale, scale) / scale


def _interval(value: Any, scale: float = 1.0) -> Interval:
    low, high = (_difference(end, scale) for end in value)
    if low > high:
        raise ValueError("the ends of an interval are swapped")
    return Interval(low, high)


def _whole(value: Any, least: int = 0) -> int:
    """A whole number from this one on."""
    if isinstance(value, float) or not math.isfinite(_figure(value, least, 1e15)):
        raise ValueError("a whole number is missing")
    return int(value)


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a name is missing")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("yes or no is missing")
    return value


def _natural(order: str) -> Sequence[tuple[int, str]]:
    """2 before 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", order)]


def _plain(value: Any) -> Any:
    if isinstance(value, Interval):
        return [round(value.low, DIGITS), round(value.high, DIGITS)]
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return round(value, DIGITS) if isinstance(value, float) else value

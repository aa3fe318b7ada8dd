"""The folder in which measurements of compression lie, read and checked."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from skillstack.errors import InputError
from skillstack.evaluation.document import DIGITS
from skillstack.evaluation.intervals import Interval
from skillstack.evaluation.questions import published
from skillstack.reports.checked import name
from skillstack.reports.compressions import Compression, compression_of
from skillstack.reports.streams import Stream, stream_of

#: Version of the documents.
SCHEMA = 1
#: No document is larger; one of twelve tasks has some hundred thousand bytes.
MAX_BYTES = 64_000_000
_FILE = re.compile(r"(seed|order)-(.{1,80})\.json")
_MAKE = "scripts/measure_compression.py and scripts/measure_auto_compress.py write them."

T = TypeVar("T", Compression, Stream)


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
        """As `report.json` has it: shares are 0 to 1, with six digits."""
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
        kind, rest = matched.groups()
        one: Compression | Stream
        if kind == "seed":
            one, command, environment = _read(path, compression_of)
            seeds.append(one)
        else:
            one, command, environment = _read(path, partial(stream_of, order=rest))
            streams.append(one)
        if one.title in source:
            raise InputError(
                f"The folder {folder} holds {one.title} twice.",
                "Name a folder in which each is once, or take one of them out.",
            )
        source[one.title] = command
        environments[environment] = None
    if not source:
        raise InputError(f"The folder {folder} holds no measurement of compression.", f"{_MAKE}")
    for place, environment in enumerate(environments):
        source["measured with" if place == 0 else f"and with ({place + 1})"] = environment
    return Compressions(
        tuple(sorted(seeds, key=lambda one: (one.preset, one.seed))),
        tuple(sorted(streams, key=lambda one: (one.preset, _natural(one.order)))),
        source,
    )


def _read(path: Path, make: Callable[[Mapping[str, Any]], T]) -> tuple[T, str, str]:
    """What a file holds, its command, and the versions that it was made with."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("it is too large")
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            raise ValueError("it is of another version")
        versions = ", ".join(f"{name(key)} {name(value)}" for key, value in document["versions"].items())
        return make(document), published(name(document["command"])), versions
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"The measurement {path} cannot be read ({type(error).__name__}).",
            "Take it out of the folder, or have it measured again.",
        ) from error


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

"""What `train --dry-run` shows: frames, rows, licences, bytes and time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from skillstack.cli.command import Invocation
from skillstack.cli.console import pairs, table, wrapped
from skillstack.errors import StoreError
from skillstack.wording import clean_line, many, size

if TYPE_CHECKING:
    from skillstack.forecast.plan import DryRun, PlannedFrame, TrainingRequest


def show_dry_run(call: Invocation, request: TrainingRequest, keep_texts: bool, merges: bool) -> None:
    """Print what the training would do.

    :raises SkillStackError: if it could not begin.
    """
    from skillstack.forecast.plan import dry_run
    from skillstack.store.locate import find_store

    try:
        found = find_store(call.store)
        store = None if found.packaged else found.store
    except StoreError:
        if call.store is not None and (Path(call.store) / "store.json").exists():
            raise  # it is there, and cannot be read
        store = None
    planned = dry_run(request, stack=call.stack, keep_texts=keep_texts, store=store, merges=merges)
    call.answer(planned.to_json, lambda: _words(planned))


def _words(planned: DryRun) -> list[str]:
    left = [frame for frame in planned.frames if frame.state == "train"]
    kept = len(planned.frames) - len(left)
    where = clean_line(str(planned.store))
    there = where if planned.exists else f"{where}, which would be made"
    device = "the CPU" if planned.device == "cpu" else planned.device
    base = f"{planned.base.calls_itself}, {planned.precision}, on {device}"
    lines = [
        f"{planned.stack}: {many(len(left), 'frame')} to train, {kept} there already",
        *pairs([("store", there), ("base", base), ("texts", _texts(planned))]),
        "",
    ]
    heads = ["FRAME", "", "TRAIN", "DEV", "ROUTER", "FROM", "SIZE"]
    lines += table(heads, [_row(frame) for frame in planned.frames], left=(0, 1, 5), indent=0)
    if any(frame.facts.data is None for frame in planned.frames):
        lines.append("~ the maximum of the recipe; the rows are not here to be counted")
    disk = f"about {size(planned.estimate.store)} for frames and router states" if left else "nothing more"
    lines += ["", "Licences", *_licences(planned.frames), ""]
    lines += pairs([("disk", disk), ("download", _download(planned)), ("time", _time(planned))])
    return [*lines, "", "Nothing was written."]


def _row(frame: PlannedFrame) -> list[str]:
    mark = "" if frame.facts.data is not None else "~"
    return [
        frame.facts.name,
        frame.state,
        *(f"{mark}{count:,}" for count in (frame.train, frame.dev, frame.router)),
        frame.facts.source,
        size(frame.adapter_bytes + frame.sample_bytes),
    ]


def _licences(frames: tuple[PlannedFrame, ...]) -> list[str]:
    named: dict[str, list[str]] = {}
    for frame in frames:
        named.setdefault(frame.facts.licence or "not stated", []).append(frame.facts.name)
    return [
        line for licence, names in named.items() for line in wrapped(f"{', '.join(names)}: {licence}", "  ")
    ]


def _texts(planned: DryRun) -> str:
    if all(frame.facts.source == "starter" for frame in planned.frames):
        return "none is kept: these tasks ship with the package"
    return "samples are kept for the router" if planned.keep_texts else "none is kept, hashed features are"


def _download(planned: DryRun) -> str:
    if planned.estimate.download is None:
        return "a model of unknown size"
    return f"about {size(planned.estimate.download)}" if planned.estimate.download else "nothing"


def _time(planned: DryRun) -> str:
    if all(frame.state == "keep" for frame in planned.frames):
        return "none: all is there"
    return "unknown" if planned.estimate.seconds is None else f"roughly {planned.estimate.seconds.words}"

"""What `train --dry-run` shows."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from skillstack.cli import render
from skillstack.cli.diagnosis import seconds_json
from skillstack.cli.words import columns, shorten
from skillstack.errors import StoreError
from skillstack.forecast.estimate import DryRun, PlannedFrame, TrainingRequest, dry_run
from skillstack.store.locate import find_store
from skillstack.store.store import Store
from skillstack.wording import clean_line, many, size


def show_dry_run(
    request: TrainingRequest,
    store: str | None,
    stack: str | None,
    *,
    keep_texts: bool,
    as_json: bool,
    merges: bool = False,
) -> None:
    """Print what the training would do.

    :raises SkillStackError: if it could not begin.
    """
    found = _store(store)
    planned = dry_run(request, stack=stack, keep_texts=keep_texts, store=found, merges=merges)
    if as_json:
        render.document(_to_json(planned))
    else:
        render.out("\n".join(_words(planned)))


def _store(named: str | None) -> Store | None:
    try:
        found = find_store(named)
    except StoreError:
        if named is not None and (Path(named) / "store.json").exists():
            raise  # it is there, and cannot be read
        return None
    return None if found.packaged else found.store


def _words(planned: DryRun) -> list[str]:
    left = [frame for frame in planned.frames if frame.state == "train"]
    kept = len(planned.frames) - len(left)
    where = clean_line(str(planned.store))
    there = where if planned.exists else f"{where}, which would be made"
    lines = [
        f"{planned.stack}: {many(len(left), 'frame')} to train, {kept} there already",
        *_pairs(
            ("store", there),
            ("base", f"{planned.base.calls_itself}, {planned.precision}, on {_device(planned)}"),
            ("texts", _texts(planned)),
        ),
        "",
    ]
    table = [["FRAME", "", "TRAIN", "DEV", "ROUTER", "FROM", "SIZE"]]
    table += [_row(frame) for frame in planned.frames]
    lines += columns(table, right=(2, 3, 4, 6))
    if any(frame.facts.data is None for frame in planned.frames):
        lines.append("~ as many as the recipe takes; they are not here to be counted")
    lines += ["", "Licences", *_licences(planned.frames), ""]
    lines += _pairs(
        (
            "disk",
            f"about {size(planned.estimate.store)} for frames and router states" if left else "nothing more",
        ),
        ("download", _download(planned)),
        ("time", _time(planned)),
    )
    return [*lines, "", "Nothing was written."]


def _row(frame: PlannedFrame) -> list[str]:
    mark = "" if frame.facts.data is not None else "~"
    return [
        shorten(frame.facts.name, 24),
        frame.state,
        *(f"{mark}{count:,}" for count in (frame.train, frame.dev, frame.router)),
        frame.facts.source,
        size(frame.adapter_bytes + frame.sample_bytes),
    ]


def _licences(frames: tuple[PlannedFrame, ...]) -> list[str]:
    named: dict[str, list[str]] = {}
    for frame in frames:
        named.setdefault(frame.facts.licence or "not stated", []).append(frame.facts.name)
    return [line for licence, names in named.items() for line in _wrapped(f"{', '.join(names)}: {licence}")]


def _texts(planned: DryRun) -> str:
    if all(frame.facts.source == "starter" for frame in planned.frames):
        return "none is kept: these tasks ship with the package"
    return "samples are kept for the router" if planned.keep_texts else "none is kept, hashed features are"


def _device(planned: DryRun) -> str:
    return "the CPU" if planned.device == "cpu" else planned.device


def _download(planned: DryRun) -> str:
    if planned.estimate.download is None:
        return "a model of unknown size"
    return f"about {size(planned.estimate.download)}" if planned.estimate.download else "nothing"


def _time(planned: DryRun) -> str:
    if all(frame.state == "keep" for frame in planned.frames):
        return "none: all is there"
    return "unknown" if planned.estimate.seconds is None else f"roughly {planned.estimate.seconds.words}"


def _pairs(*rows: tuple[str, str]) -> list[str]:
    return [line for name, value in rows for line in _wrapped(value, f"  {name:<10}")]


def _wrapped(text: str, head: str = "  ") -> list[str]:
    return textwrap.wrap(
        clean_line(text),
        render.width(),
        initial_indent=head,
        subsequent_indent=" " * max(len(head), 4),
        break_on_hyphens=False,
    )


def _to_json(planned: DryRun) -> dict[str, Any]:
    return {
        "dry_run": True,
        "stack": planned.stack,
        "store": str(planned.store),
        "store_exists": planned.exists,
        "base": planned.base.calls_itself,
        "precision": planned.precision,
        "device": planned.device,
        "recipe": planned.recipe.to_record(),
        "keep_texts": planned.keep_texts,
        "frames": [
            {
                "name": frame.facts.name,
                "family": frame.facts.family,
                "state": frame.state,
                "labels": frame.facts.labels,
                "rows": {"train": frame.train, "dev": frame.dev, "router": frame.router},
                "exact": frame.facts.data is not None,
                "source": frame.facts.source,
                "licence": frame.facts.licence,
                "origin": frame.facts.origin,
                "adapter_bytes": frame.adapter_bytes,
                "sample_bytes": frame.sample_bytes,
                "download": frame.facts.download,
            }
            for frame in planned.frames
        ],
        "bytes": planned.estimate.store,
        "download": planned.estimate.download,
        "seconds": seconds_json(planned.estimate.seconds),
    }

"""One frame, whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from skillstack.answers import Frame
from skillstack.cli.words import accuracy, columns, pairs, short, shorten
from skillstack.errors import IntegrityError
from skillstack.store.records import Skill
from skillstack.store.store import Store
from skillstack.wording import clean_line, many, size

#: Labels that are named without --json.
LABELS = 12


def frame_json(store: Store, frame: Frame) -> dict[str, Any]:
    """As `log --json` shows it, with its place, its record and its files."""
    return {
        **frame.to_json(),
        "position": frame.position,
        "parent_name": frame.parent_name,
        "content_id": frame.content_id,
        "content": json.loads(frame.content.to_bytes()),
        "files": [{"path": path, "bytes": count} for path, count in _files(store, frame)],
    }


def init_name(store: Store, frame: Frame, frames: Sequence[Frame]) -> str:
    """Name of the frame whose adapter this one's training started from."""
    origin = frame.content.init_from
    members = frame.content.recipe.get("members")
    if isinstance(members, list):
        merged = f"{many(len(members), 'frame')} that were merged"
        return merged if len(members) > 1 else "itself, before it was cut"
    if origin is None:
        return "nothing: a fresh adapter" if frame.content.adapter else "nothing: no adapter"
    for other in frames:
        if other.content_id == origin:
            return f"{other.name} {short(origin)}"
    try:
        return f"{store.content(origin).name} {short(origin)}, which is not on this stack"
    except IntegrityError:
        return f"{short(origin)}, which is not in this store"


def frame_words(stack: str, frame: Frame, store: Store, started_from: str) -> list[str]:
    """The frame in paragraphs: place and lineage, skills, base, recipe, files."""
    content = frame.content
    lines = [clean_line(f"{frame.name}: frame {frame.position + 1} of the stack {stack}"), ""]
    parent = f"{frame.parent_name} {short(frame.parent)}" if frame.parent else "none: it is the oldest"
    lines += pairs(
        [
            ("id", frame.id),
            ("content", frame.content_id),
            ("stands on", parent),
            ("started from", started_from),
            ("base", f"{content.base.name} ({content.base.architecture}), {content.precision}"),
            ("", f"{content.base.layers} layers of {content.base.hidden_size}, {content.pooling} pooling"),
            ("weights", content.base.weights),
            ("tokenizer", content.base.tokenizer),
        ],
        indent=0,
    )
    for skill in content.skills:
        lines += ["", *_skill(skill, content.behaviour(skill))]
    lines += ["", "recipe", *_recipe(content.recipe)]
    files = _files(store, frame)
    rows = [[size(count) if count is not None else "missing", path] for path, count in files]
    total = size(sum(count or 0 for _, count in files))
    return [*lines, "", f"{many(len(files), 'file')}, {total}", *_indented(columns(rows, right=(0,)))]


def _skill(skill: Skill, behaviour: str) -> list[str]:
    labels = ", ".join(skill.labels[:LABELS])
    if len(skill.labels) > LABELS:
        labels += f", {len(skill.labels) - LABELS} more"
    reads = skill.rendering
    rows = [
        ("task", f"{skill.task} ({skill.family}{', two texts' if skill.pair else ''})"),
        ("labels", f"{len(skill.labels)}: {labels}"),
        *[(name.replace("_", " "), accuracy(count)) for name, count in sorted(skill.metrics.items())],
        ("reads", f"{reads.max_length} tokens; of longer texts {reads.truncation.replace('_', ' and ')}"),
    ]
    if skill.rendering.prompt:
        rows.append(("prompt", shorten(skill.rendering.prompt.replace("\n", "\\n"), 300)))
    rows += [(f"source {key}", value) for key, value in sorted(skill.source.items())]
    rows.append(("behaviour", behaviour))
    return [clean_line(f"skill {skill.name}"), *pairs(rows)]


def _recipe(recipe: Any) -> list[str]:
    fields = sorted(recipe.items())
    return pairs([(key, value if isinstance(value, str) else json.dumps(value)) for key, value in fields])


def _files(store: Store, frame: Frame) -> list[tuple[str, int | None]]:
    paths = [store.root / relative for relative in frame.content.files]
    sizes = [path.stat().st_size if path.is_file() else None for path in paths]
    return list(zip(frame.content.files, sizes, strict=True))


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]

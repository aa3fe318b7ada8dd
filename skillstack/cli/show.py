"""``skillstack show``: everything about one frame."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from skillstack.cli.command import Invocation, command
from skillstack.cli.console import accuracy, fields, pairs, short, shorten
from skillstack.errors import IntegrityError, UsageError
from skillstack.store.records import CLASSIFICATION
from skillstack.wording import clean_line, many, size

if TYPE_CHECKING:
    from skillstack.results import Frame
    from skillstack.store.records import Skill
    from skillstack.store.store import Store

#: Labels that are named without --json.
LABELS = 12


@command(
    "skillstack show",
    "skillstack show banking",
    "skillstack show 3f9c2a --json",
    "skillstack show banking --card",
)
@click.argument("frame", required=False)
@click.option("--card", is_flag=True, help="Print the model card of the frame's adapter folder.")
def show(call: Invocation, frame: str | None, card: bool) -> None:
    """Show everything about one frame: by name, by id (six digits or more), or the newest."""
    opened = call.open()
    frames = opened.frames()
    if frame is None and not frames:
        from skillstack.cli.welcome import empty_hint

        raise UsageError(f"The stack {opened.name!r} has no frames.", empty_hint(opened.store, opened.name))
    chosen = frames[0] if frame is None else opened.frame(frame)
    if card:
        text = opened.card(chosen.id)
        call.answer(
            lambda: {"stack": opened.name, "frame": chosen.name, "card": text}, lambda: text.rstrip("\n")
        )
        return
    call.answer(
        lambda: {"stack": opened.name, "frame": frame_json(opened.store, chosen)},
        lambda: frame_words(opened.name, chosen, opened.store, init_name(opened.store, chosen, frames)),
    )


def frame_json(store: Store, frame: Frame) -> dict[str, Any]:
    """As `log --json` shows it, with its place, its record and its files."""
    return {
        **frame.to_json(),
        **fields(frame, "position", "parent_name", "content_id"),
        "content": json.loads(frame.content.to_bytes()),
        "files": [{"path": path, "bytes": count} for path, count in _files(store, frame)],
    }


def init_name(store: Store, frame: Frame, frames: Sequence[Frame]) -> str:
    """Name of the frame whose adapter this one's training started from."""
    origin = frame.content.init_from
    members = frame.content.recipe.get("members")
    if isinstance(members, list):
        merged = f"{many(len(members), 'frame')} that were merged"
        return merged if len(members) > 1 else "itself, before it was shrunk"
    if frame.content.adapter and not frame.content.plan and "epochs" not in frame.content.recipe:
        return "an adapter that was imported"
    if origin is None:
        return "a fresh adapter" if frame.content.adapter else "no adapter"
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
            ("parent", parent),
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
    rows = [(size(count) if count is not None else "missing", path) for path, count in files]
    total = size(sum(count or 0 for _, count in files))
    return [*lines, "", f"{many(len(files), 'file')}, {total}", *pairs(rows)]


def _skill(skill: Skill, behaviour: str) -> list[str]:
    labels = ", ".join(skill.labels[:LABELS])
    if len(skill.labels) > LABELS:
        labels += f", {len(skill.labels) - LABELS} more"
    reads = skill.rendering
    rows = [
        ("task", f"{skill.task} ({skill.family}{', two texts' if skill.pair else ''})"),
        *([] if skill.kind == CLASSIFICATION else [("kind", skill.kind)]),
        *([("labels", f"{len(skill.labels)}: {labels}")] if labels else []),
        *[(name.replace("_", " "), accuracy(count)) for name, count in sorted(skill.metrics.items())],
        ("reads", f"{reads.max_length} tokens; of longer texts {reads.truncation.replace('_', ' and ')}"),
    ]
    if skill.rendering.prompt:
        rows.append(("prompt", shorten(skill.rendering.prompt.replace("\n", "\\n"), 300)))
    rows += [(f"source {key}", value) for key, value in sorted(skill.source.items())]
    rows.append(("behaviour", behaviour))
    return [clean_line(f"skill {skill.name}"), *pairs(rows)]


def _recipe(recipe: Mapping[str, Any]) -> list[str]:
    fields = sorted(recipe.items())
    return pairs([(key, value if isinstance(value, str) else json.dumps(value)) for key, value in fields])


def _files(store: Store, frame: Frame) -> list[tuple[str, int | None]]:
    paths = [store.root / relative for relative in frame.content.files]
    sizes = [path.stat().st_size if path.is_file() else None for path in paths]
    return list(zip(frame.content.files, sizes, strict=True))

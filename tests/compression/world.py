"""A small stack whose families can be compressed, and ways to do so."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from skillstack.compression.deltas import Adapter, stored
from skillstack.compression.pipeline import make_plan, workspace_for
from skillstack.compression.request import CompressionRequest, GuardConfig
from skillstack.compression.results import Compressed, Plan
from skillstack.compression.rows import Labelled, skill_rows
from skillstack.compression.workspace import Snapshot, Workspace
from skillstack.results import Frame
from skillstack.stack import Stack
from skillstack.store.records import Skill
from skillstack.store.rows import Row
from skillstack.store.samples import TextSamples
from skillstack.store.transactions import rebuild

from ..tiny import RECIPE, store_of

#: Two sentiment frames with another one between them, and one that is newer than both.
TASKS = ("imdb_sentences", "wiki_topics", "yelp_sentences", "home")
#: What a random model can pass.
WIDE = {"margin": 0.3, "level": 0.2}


def make_stack(folder: Path, tasks: tuple[str, ...] = TASKS) -> Path:
    """A store with a stack ``main`` on a tiny base; its folder is returned."""
    return store_of(folder, tasks, RECIPE)


def compress(stack: Stack, family: str = "sentiment", **options: Any) -> Compressed:
    """Compress it, on its own base, with what a random model can pass."""
    return stack.compress(family, **{**WIDE, **options})


def merge(stack: Stack, **options: Any) -> Compressed:
    """Merge its two sentiment frames."""
    found = compress(stack, method="merge", candidate="linear, rank 2", apply=True, **options)
    assert found.applied, found.guarded
    return found


def model_of(stack: Stack) -> str:
    """Where its base is."""
    return str((stack.store.root.parent / "tiny-bert").resolve())


@dataclass(frozen=True)
class Planned:
    """A plan, and what it was made with."""

    workspace: Workspace
    plan: Plan


def plan_of(stack: Stack, family: str | None = "sentiment", method: str = "rank", **options: Any) -> Planned:
    """A plan of it, with what it takes to apply a candidate."""
    limits = {name: options.pop(name, value) for name, value in WIDE.items()}
    tell = options.pop("tell", lambda name: None)
    snapshot = Snapshot(
        store=stack.store,
        name=stack.name,
        frames=tuple(reversed(stack.frames())),
        load=stack.loaded,
        derived=stack.store.root / "derived",
    )
    request = CompressionRequest(family, method, guard=GuardConfig(**limits), **options)
    workspace = workspace_for(snapshot, request)
    return Planned(workspace, make_plan(workspace, request, tell))


def skills(stack: Stack) -> dict[str, tuple[Frame, Skill]]:
    """Every skill by its name, oldest first."""
    return {skill.name: (frame, skill) for frame in reversed(stack.frames()) for skill in frame.skills}


def right(stack: Stack, name: str, part: str | Labelled, *, routed: bool) -> list[bool]:
    """Which rows of a skill, or of a part of its rows, `Stack.predict` answers rightly, by label names."""
    frame, skill = skills(stack)[name]
    labelled = skill_rows(frame, skill).part(part) if isinstance(part, str) else part
    rows: list[Row] = list(labelled.rows)
    found = stack.predict(rows, frame=None if routed else name)
    wanted = [skill.labels[label] for label in labelled.labels]
    return [one.label_name == label for one, label in zip(found, wanted, strict=True)]


def files(root: Path) -> dict[str, bytes]:
    """Every file below a folder, but locks and what can be made again."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.suffix != ".lock" and "derived" not in path.relative_to(root).parts
    }


def with_adapter(stack: Stack, name: str, adapter: Adapter) -> Stack:
    """The stack with another adapter in one of its frames."""
    contents = []
    for frame in reversed(stack.frames()):
        content = frame.content
        if frame.name == name and content.adapter is not None:
            config = json.loads(stack.store.adapter_config(content.adapter))
            layers = sorted(
                {key.removeprefix("base_model.model.").partition(".lora_")[0] for key in adapter.tensors}
            )
            config |= {"r": adapter.spec.r, "lora_alpha": adapter.spec.alpha, "target_modules": layers}
            # As another tool would write it, which checks nothing.
            model = save({name: np.asarray(one) for name, one in adapter.tensors.items()})
            ref = stack.store.put_adapter(name, json.dumps(config).encode(), model, b"# A card\n")
            content = replace(content, adapter=ref, canaries=None)
        contents.append(stack.store.put_content(content))
    expected = stack.store.tip(stack.name)
    rebuild(stack.store, stack.name, contents, transaction="other", note="other", expected=expected)
    return stack


def adapter_of(stack: Stack, name: str) -> Adapter:
    """The adapter of a frame."""
    return stored(stack.store, stack.frame(name).content)


def with_texts(stack: Stack, name: str) -> None:
    """Have the router samples of a skill be a person's own texts, which can be left out of an archive."""
    rows = skill_rows(*skills(stack)[name]).fit.rows * 4
    own = TextSamples(tuple(Row(f"{row.text} ({number})") for number, row in enumerate(rows)))
    contents = []
    for frame in reversed(stack.frames()):
        content = frame.content
        if frame.name == name:
            skill = replace(content.skills[0], samples=stack.store.put_samples(own))
            content = replace(content, skills=(skill,))
        contents.append(stack.store.put_content(content))
    expected = stack.store.tip(stack.name)
    rebuild(stack.store, stack.name, contents, transaction="texts", note="texts", expected=expected)

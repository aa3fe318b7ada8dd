"""A small stack to evaluate, and ways to see what is asked of its base."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from skillstack.evaluation.result import Evaluation
from skillstack.models.split import SplitModel
from skillstack.stack import Stack
from skillstack.store.records import FrameRecord, Skill
from skillstack.store.transactions import push

from .. import tiny

#: Two tasks of the same labels, and one of others between them.
TASKS = ("imdb_sentences", "wiki_topics", "yelp_sentences")
#: Test rows of each class in these tests.
FEW = 4
RECIPE = {**tiny.RECIPE, "router_samples": 48}


def make_stack(folder: Path) -> Path:
    """A store with a stack ``main`` of three frames on a tiny base; its folder is returned."""
    return tiny.store_of(folder, TASKS, RECIPE)


def base_of(root: Path) -> Path:
    """The folder of the base of such a store."""
    return (root.parent / "tiny-bert").resolve()


def evaluate(stack: Stack, **options: Any) -> Evaluation:
    """Evaluate it on a few rows of each class."""
    return at_base(stack, options).evaluate(**{"per_class": FEW, **options})


def probe(stack: Stack, name: str, **options: Any) -> Any:
    """Probe it with a few rows of each class."""
    return at_base(stack, options).probe(name, **{"per_class": FEW, **options})


def at_base(stack: Stack, options: dict[str, Any]) -> Stack:
    """The stack, opened with its base, or with what is taken out of the options."""
    where = {name: options.pop(name) for name in ("model", "precision", "device") if name in options}
    if stack.model is not None and not where:
        return stack
    return Stack(stack.store, stack.name, **{"model": str(base_of(stack.store.root)), **where})


def add(stack: Stack, *contents: FrameRecord) -> Stack:
    """Put frames on top of a stack."""
    for content in contents:
        tip = stack.store.tip(stack.name)
        push(stack.store, stack.name, content, transaction=content.name, note="add", expected=tip)
    return stack


def part(stack: Stack, *contents: FrameRecord) -> Stack:
    """Another stack of the same store that has these frames alone."""
    return add(Stack(stack.store, "part", model=stack.model), *contents)


def renamed(content: FrameRecord, name: str, **changes: object) -> FrameRecord:
    """A frame of one skill under another name; it answers as before."""
    skill: Skill = replace(content.skills[0], name=name, task=name, **changes)  # type: ignore[arg-type]
    return replace(content, name=name, skills=(skill,), plan="")


class Passes:
    """Counts rows that pass through the last layer of a base.

    :ivar rows: without those that prove a cut of the base right.
    """

    def __init__(self) -> None:
        self.rows = 0


@contextmanager
def counted(stack: Stack) -> Iterator[Passes]:
    """Count the rows that reach the last layer of the stack's base while the block runs."""
    passes = Passes()
    layers = stack.loaded().base.model.encoder.layer

    def hook(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output: object) -> None:
        passes.rows += len(inputs[0])

    real = SplitModel._difference

    def unseen(split: SplitModel) -> float:
        before = passes.rows
        difference = real(split)
        passes.rows = before
        return difference

    handle = layers[-1].register_forward_hook(hook)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(SplitModel, "_difference", unseen)
        yield passes
    handle.remove()


def no_base(*arguments: object) -> None:
    """Stands for the loading of a base that nobody needs."""
    raise AssertionError("the base was loaded")

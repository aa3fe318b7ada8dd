"""Real models that are made on the spot, and stacks on them: what several packages' tests share."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer, BertConfig, BertModel

from skillstack.models import sources
from skillstack.stack import Stack
from skillstack.training.candidates import FrameCandidate
from skillstack.training.loop import Trainer
from skillstack.training.recipe import Recipe

from .made import made_once

#: A training of a few steps; its rates are so high that a random model learns something.
RECIPE = {
    "samples_per_class": 12,
    "dev_samples": 32,
    "router_samples": 64,
    "max_length": 32,
    "r": 4,
    "alpha": 8,
    "top_layers": 2,
    "epochs": 2,
    "batch_size": 8,
    "learning_rate": 2e-2,
    "head_learning_rate": 1e-2,
    "checks": 1,
    "method": "skillstack",
}


def tiny_bert(folder: Path, seed: int = 0) -> Path:
    """A folder with a random encoder of four layers; the seed makes another one."""
    torch.manual_seed(seed)
    words = AutoTokenizer.from_pretrained(sources.minilm_folder())
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=4,
        num_attention_heads=4,
        max_position_embeddings=130,
        initializer_range=0.2,
    )
    folder.mkdir(parents=True)
    BertModel(config).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def last_candidate_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random models seldom gain by training; where a test needs adapters, dev is not asked."""

    def take(trainer: Trainer, candidate: FrameCandidate) -> None:
        trainer._best = candidate

    monkeypatch.setattr(Trainer, "_consider", take)


def store_of(
    folder: Path,
    tasks: Sequence[str],
    recipe: Mapping[str, Any],
    name: str = "main",
    asked: Callable[[Stack], object] = lambda stack: None,
) -> Path:
    """A store with a stack on a tiny base, an adapter in every frame; its folder is returned.

    :param name: of the stack.
    :param asked: asks the stack what many tests will ask a copy of it; what a model said is kept with it.
    """

    def make(folder: Path) -> None:
        base = tiny_bert(folder / "tiny-bert")
        with pytest.MonkeyPatch.context() as monkeypatch, single_thread():
            last_candidate_wins(monkeypatch)
            stack = Stack.open(folder / "frames", name, model=str(base), device="cpu", create=True)
            stack.train(tasks=tasks, recipe=Recipe(**recipe))
            monkeypatch.undo()
            asked(stack)

    key = (tuple(tasks), sorted(recipe.items()), name, asked.__qualname__)
    shutil.copytree(made_once("store", make, *key), folder, dirs_exist_ok=True)
    return folder / "frames"


def copied(root: Path, folder: Path, name: str = "main") -> Stack:
    """The stack of such a store in a store of its own."""
    shutil.copytree(root, folder / "frames")
    shutil.copytree(root.parent / "routers", folder / "routers")
    (folder / "tiny-bert").symlink_to((root.parent / "tiny-bert").resolve())
    return Stack.open(folder / "frames", name, model=str((folder / "tiny-bert").resolve()))


@contextlib.contextmanager
def single_thread() -> Iterator[None]:
    """Tiny models are faster so, and equal ids are promised for equal numbers of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@contextlib.contextmanager
def meanwhile(work: Callable[[], object], threads: int = 2) -> Iterator[None]:
    """Work goes on in other threads while the block runs; what it raises is raised here."""
    done = threading.Event()

    def run() -> None:
        while not done.is_set():
            work()

    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(run) for _ in range(threads)]
        try:
            yield
        finally:
            done.set()
        for one in running:
            one.result()

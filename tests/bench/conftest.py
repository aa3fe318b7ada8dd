"""A tiny base, a bench on it, and cells made by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skillstack.continual.cell import BenchCell, Cost, TaskResult
from skillstack.continual.request import BenchRequest, resolve

from ..tiny import tiny_bert

RECIPE = {
    "samples_per_class": 8,
    "dev_samples": 24,
    "router_samples": 16,
    "max_length": 32,
    "r": 2,
    "alpha": 4,
    "top_layers": 2,
    "epochs": 1,
    "max_steps": 0,
    "batch_size": 8,
    "learning_rate": 2e-2,
    "head_learning_rate": 1e-2,
}


@pytest.fixture(scope="session")
def bert(tmp_path_factory) -> Path:
    """A folder with a random encoder of four layers."""
    return tiny_bert(tmp_path_factory.mktemp("bert") / "tiny-bert")


@pytest.fixture
def ask(bert) -> Callable[..., BenchRequest]:
    """Asks for a bench of two tasks, a few rows of each."""

    def asked(*methods: str, overrides: dict[str, Any] | None = None, **changes: Any) -> BenchRequest:
        given = {
            "tasks": ("imdb_sentences", "yelp_sentences"),
            "methods": methods or ("frozen-linear",),
            "per_class": 20,
            "model": str(bert),
            "device": "cpu",
            "overrides": {**RECIPE, **(overrides or {})},
        }
        return resolve(**{**given, **changes})

    return asked


def by_hand(
    method: str, right: dict[str, str], seed: int = 42, order: str = "forward", **changes: Any
) -> BenchCell:
    """A cell whose right answers are the ones of texts such as ``1101``."""
    tasks = tuple(
        TaskResult(task, f"rows of {task}", np.array([bit == "1" for bit in bits]), 0.5)
        for task, bits in right.items()
    )
    given = {
        "method": method,
        "order": order,
        "seed": seed,
        "configuration": {"base": {"name": "tiny"}},
        "digest": "d",
        "command": "skillstack bench",
        "environment": {"python": "3"},
        "settings": {},
        "tried": (),
        "seconds": 10.0,
        "processor": 9.0,
        "evaluation_seconds": 1.0,
        "cost": Cost(parameters=10, bytes=40, texts=4, steps=5, rows=6),
        "tasks": tasks,
        "trajectory": None,
    }
    return BenchCell(**{**given, **changes})

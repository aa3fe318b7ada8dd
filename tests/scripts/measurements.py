"""Measurements of compression as their scripts write them, with invented figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from compression_results import Compressions, read_compressions

from skillstack.compression.ablation import Ablation, FrameRemoval
from skillstack.evaluation.intervals import Interval
from skillstack.evaluation.statistics import Paired
from skillstack.store.canonical import sha256

VERSIONS = {"python": "3.11.9", "numpy": "2.0"}
TASKS = ("imdb", "yelp", "cards", "trips")


def change(before: float, difference: float) -> dict[str, Any]:
    """Accuracy that changes by this, give or take a point."""
    return {
        "before": before,
        "after": round(before + difference, 6),
        "difference": difference,
        "interval": [round(difference - 0.01, 6), round(difference + 0.01, 6)],
    }


def tested(difference: float = 0.004) -> dict[str, Any]:
    """All test rows, before and after; imdb loses most."""
    tasks = [
        {
            "task": task,
            "n": 400 + 10 * place,
            "task_aware": change(0.9, difference - 0.016 * (task == "imdb")),
            "routed": change(0.88, difference),
        }
        for place, task in enumerate(TASKS)
    ]
    return {
        "tasks": tasks,
        "task_aware": change(0.9, difference - 0.004),
        "routed": change(0.88, difference),
        "regret": {"before": 0.02, "after": 0.016},
    }


def applied(candidate: str, after: int, frames: int) -> dict[str, Any]:
    """What was carried out."""
    return {
        "applied": True,
        "guarded": {
            "candidate": candidate,
            "passes": True,
            "verdict": "passes",
            "why": "no task loses 1.0 points or more (largest p 0.03)",
        },
        "chosen": candidate,
        "bytes": {"before": 1_000_000, "after": after},
        "frames": frames,
        "test": tested(),
    }


def refused(candidate: str | None = "merge") -> dict[str, Any]:
    """What the guard forbade, or was not asked."""
    guarded = {
        "candidate": candidate,
        "passes": False,
        "verdict": "cannot tell",
        "why": "too few guard rows for yelp (120 of about 310 rows)",
    }
    return {
        "applied": False,
        "guarded": guarded if candidate else None,
        "chosen": candidate,
        "bytes": {"before": 1_000_000},
    }


def boundary() -> dict[str, Any]:
    """Two frames that were removed in turn; of the second there were no rows."""

    def removal(frame: str, loss: float, before: float | None, after: float | None) -> FrameRemoval:
        found = Paired(400, 30, 10, loss, Interval(loss - 0.02, loss + 0.02), 0.001)
        kept = None if before is None else 0.25
        return FrameRemoval(frame, sha256(frame.encode()), (frame,), 9, found, (), {}, before, after, kept)

    removals = removal("cards", 0.2, 0.95, 0.15), removal("trips", -0.001, None, None)
    return Ablation("mixed8-42", sha256(b"tip"), 3, 400, 4, 0.9, 0.01, 0.05, removals, {}).to_json()


def compression(seed: int = 42, family: dict[str, Any] | None = None) -> dict[str, Any]:
    """What `measure_compression.py` writes for a seed, as far as it is read."""
    found = family or applied("anchor imdb", 412_000, 3)
    document = {
        "schema": 1,
        "command": f"python scripts/measure_compression.py --preset mixed8 --seeds {seed}",
        "preset": "mixed8",
        "seed": seed,
        "versions": VERSIONS,
        "base": "a/base",
        "tip": sha256(b"tip"),
        "frames": 4,
        "seconds": {"plan": 60.0, "second_plan": 4.0, "apply": 5.0},
        "plan": {"family": "sentiment", "candidates": []},
        "family": found,
        "undone": True,
        "stack": applied("merge sentiment, rank 2", 248_000, 3),
    }
    return document | ({"boundary": boundary()} if found["applied"] else {})


def stream(order: int = 1) -> dict[str, Any]:
    """What `measure_auto_compress.py` writes for an order."""
    tasks = TASKS if order % 2 else TASKS[::-1]

    def steps(merging: bool) -> list[dict[str, Any]]:
        found = []
        for place, task in enumerate(tasks):
            gone = int(merging and place >= order)
            found.append(
                {
                    "task": task,
                    "frames": place + 1 - gone,
                    "bytes": 600_000 * (place + 1 - gone),
                    "task_aware": round(0.95 - 0.01 * place - 0.004 * gone, 6),
                    "routed": round(0.94 - 0.015 * place - 0.002 * gone, 6) if place else None,
                    "settled": [{"merged": task if gone else None, "frames": [task], "why": "passes"}],
                    "seconds": 3.5,
                }
            )
        return found

    return {
        "schema": 1,
        "command": f"python scripts/measure_auto_compress.py --preset hard4 --orders {order}",
        "preset": "hard4",
        "order": list(tasks),
        "seed": 42,
        "versions": VERSIONS,
        "streams": {"merged": steps(True), "plain": steps(False)},
        "difference": {
            "task_aware": {"points": -0.4, "interval": [-1.2, 0.3]},
            "routed": {"points": -0.2, "interval": [-0.9, 0.5]},
        },
    }


def put(folder: Path, name: str, document: object) -> Path:
    """A document as a file."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def measured(folder: Path) -> Compressions:
    """Two seeds and two orders, written and read."""
    put(folder, "compression/mixed8-minilm/seed-42.json", compression(42))
    put(folder, "compression/mixed8-minilm/seed-123.json", compression(123, refused()))
    for order in (1, 2):
        put(folder, f"auto_compress/hard4-minilm/order-{order}.json", stream(order))
    return read_compressions(folder)

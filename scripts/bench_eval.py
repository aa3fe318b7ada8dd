"""An evaluation against the forward passes that it needs, and a second one, which needs none.

    python scripts/bench_eval.py [--store frames] [--stack reference] [--data-dir DATA] [--output FILE]

The stack's store is copied without its answers. Side by side in one run: `Stack.evaluate`, and
the bare passes: every test text once through the whole base, and once with each adapter that is asked
about it (its own, the newest, the routed one where that is another), rows sorted by length in batches of
32, as many at once as the evaluation has. Targets: at most 1.3 times their seconds; a second command at
most 3 seconds.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from measuring import ROOT, parser_of, times_of, write_result

from skillstack.evaluation.questions import ask
from skillstack.models.encoding import encode
from skillstack.models.features import features_of
from skillstack.models.split import SplitModel
from skillstack.stack import Stack
from skillstack.store.rows import Row


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--store", type=Path, default=ROOT / "frames")
    parser.add_argument("--stack", default="reference")
    parser.add_argument("--data-dir", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        store = Path(place) / "frames"
        shutil.copytree(options.store, store, ignore=shutil.ignore_patterns("predictions-*"))
        routers = options.store.parent / "routers" / options.stack
        if routers.is_dir():
            shutil.copytree(routers, Path(place) / "routers" / options.stack)
        stack = Stack.open(store, options.stack, device="cpu")
        loaded = stack.loaded()
        stack.predict("a text that wakes the model up")
        began = time.perf_counter()
        found = stack.evaluate(data_dir=options.data_dir)
        evaluation = time.perf_counter() - began
        began = time.perf_counter()
        passes = _bare(stack, loaded, options.data_dir)
        bare = time.perf_counter() - began
        command = ["-m", "skillstack", "eval", "--json", "--store", str(store)]
        command += ["--stack", options.stack]
        command += ["--data-dir", str(options.data_dir.resolve())] if options.data_dir else []
        second = times_of(command).wall
    result: dict[str, Any] = {
        "tasks": len(found.tasks),
        "texts": sum(task.n for task in found.tasks),
        "answers": found.effort.answers,
        "passes": passes,
        "seconds": {"evaluation": round(evaluation, 2), "bare": round(bare, 2), "second": round(second, 2)},
        "ratio": round(evaluation / bare, 3),
        "targets": {"ratio": 1.3, "second": 3.0},
    }
    write_result(result, options.output)
    return 0 if result["ratio"] <= 1.3 and second <= 3 else 1


def _bare(stack: Stack, loaded: Any, data_dir: Path | None) -> int:
    """Run the passes that an evaluation needs, and nothing else; returns how many texts passed."""
    frames = stack.frames()
    rows: dict[str, list[Row]] = {"": []}
    for frame in frames:
        for skill in frame.skills:
            texts = ask(skill, data_dir=data_dir).rows
            for row, route in zip(texts, stack.route(list(texts)), strict=True):
                rows[""].append(row)
                for name in {frame.name, frames[0].name, route.frame}:
                    rows.setdefault(str(name), []).append(row)
    by_name = {frame.name: frame for frame in frames}
    for name, some in rows.items():
        frame = by_name.get(name, frames[0])
        answerer = loaded.answerer(frame.content, frame.skills[0]) if name else None
        with loaded.alone(answerer) as slot:
            features_of(SplitModel(slot.base, 0), encode(slot.base, some, frame.skills[0].rendering))
    return sum(map(len, rows.values()))


if __name__ == "__main__":
    sys.exit(main())

"""How commands on a stack of a thousand frames compare with those on a stack of eight.

    python scripts/bench_store.py [--frames 1000] [--runs 7] [--store FOLDER] [--output FILE]

The frames are made up: real records, heads, adapters and router samples of small sizes, and a router state of
random coefficients on the n-grams of real texts. Each command is a process of its own, run in turn with the
same command on eight frames. The targets: `log` within a second, `route` within three times as long.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from measuring import Times, median, parser_of, times_of, write_result

from skillstack.data.sources import StarterSource
from skillstack.routers.blocks import combine, split
from skillstack.routers.calibration import NEUTRAL
from skillstack.routers.features import hash_rows
from skillstack.routers.hybrid_chain import HybridChain
from skillstack.routers.stack_router import StackRouter
from skillstack.routers.state import RouterState
from skillstack.routers.svm import LinearModel, Weighting
from skillstack.store import transactions
from skillstack.store.records import BaseIdentity, Count, FrameRecord, Node, Rendering, Skill
from skillstack.store.rows import Row
from skillstack.store.samples import TextSamples
from skillstack.store.store import Store

FEW = 8
HIDDEN = 16
BASE = BaseIdentity("0" * 64, "1" * 64, "bert", HIDDEN, 6, "made-up", "")
COMMANDS = {
    "log": ["log"],
    "route": ["route", "please block my card"],
    "stacks": ["stacks"],
    "show": ["show", "skill-0003"],
    "undo --dry-run": ["undo", "--dry-run"],
}


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--store", type=Path, help="keep the made-up stores here, or use those that are here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = options.store or Path(folder)
        stores = {count: root / f"{count}" / "frames" for count in (FEW, options.frames)}
        for count, path in stores.items():
            if not path.is_dir():
                make_store(path, count)
        result = measure(stores, options.runs)
    write_result(result, options.output)
    seconds = result["wall_seconds"][str(options.frames)]
    return 0 if seconds["log"] <= 1.0 and result["ratio"]["route"] <= 3.0 else 1


def make_store(path: Path, count: int) -> None:
    """A store whose stack ``made-up`` has this many frames of one skill each."""
    random = np.random.default_rng(0)
    store = Store.create(path)
    source = StarterSource()
    rows = [example.row for name in source.names() for example in source.load(name).train]
    texts = [rows[int(i)] for i in random.permutation(len(rows))]
    parent = None
    for number in range(count):
        parent = store.put_node(Node(store.put_content(_content(store, number, texts, random)), parent))
    transactions.move(
        store, "made-up", "push", parent, expected=None, transaction="made-up", note=f"made up {count} frames"
    )
    store.set_head_stack("made-up")
    chain = store.contents("made-up")
    router = StackRouter(store, "made-up")
    folder = router.folder(chain)
    HybridChain(_state(folder.name, count, texts, random)).save(folder)


def _content(store: Store, number: int, texts: list[Row], random: np.random.Generator) -> FrameRecord:
    name = f"skill-{number:04d}"
    tensors = random.standard_normal((4, HIDDEN)).astype(np.float32)
    adapter = store.put_adapter(name, f'{{"made":"{number}"}}'.encode(), tensors.tobytes(), name.encode())
    skill = Skill(
        name=name,
        task=name,
        family=f"family-{number % 10}",
        labels=("no", "yes"),
        pair=False,
        head=store.put_head(tensors[:2], None),
        samples=store.put_samples(
            TextSamples(tuple(texts[(number * 16 + i) % len(texts)] for i in range(16)))
        ),
        rendering=Rendering(),
        metrics={"dev": Count(90, 100), "frozen_linear_dev": Count(80, 100)},
        source={"kind": "table", "name": f"table/{name}", "digest": f"{number:064x}", "licence": ""},
    )
    return FrameRecord(name, adapter, (skill,), BASE, "fp32", "mean", {"seed": 42}, plan=f"{number:064x}")


def _state(inputs: str, skills: int, texts: list[Row], random: np.random.Generator) -> RouterState:
    sample = hash_rows(texts[: min(len(texts), skills * 16)])
    weighting = Weighting.of(sample, 0.5, 1.0)
    coefficients = random.standard_normal((len(weighting.buckets), skills), dtype=np.float32) * np.float32(
        0.1
    )
    model = LinearModel(weighting, combine(*split(coefficients)), np.full(skills, -1.0, np.float32))
    names = tuple(f"skill-{number:04d}" for number in range(skills))
    return RouterState(inputs, names, tuple(range(skills)), model, NEUTRAL)


def measure(stores: dict[int, Path], runs: int) -> dict[str, Any]:
    """Median seconds of each command on each store, and their ratio."""
    times: dict[int, dict[str, list[Times]]] = {count: {name: [] for name in COMMANDS} for count in stores}
    for number in range(runs + 1):
        for name, arguments in COMMANDS.items():
            for count, path in stores.items():
                command = ["-m", "skillstack", *arguments, "--store", str(path)]
                measured = times_of(command, OPENBLAS_NUM_THREADS="1")
                if number:  # the first round fills the disk cache
                    times[count][name].append(measured)
    middle = {
        count: {name: median(measured) for name, measured in of_store.items()}
        for count, of_store in times.items()
    }
    few, many = stores
    return {
        "runs": runs,
        "wall_seconds": {
            str(count): {name: round(found.wall, 3) for name, found in of_store.items()}
            for count, of_store in middle.items()
        },
        "processor_seconds": {
            str(count): {name: round(found.processor, 3) for name, found in of_store.items()}
            for count, of_store in middle.items()
        },
        "ratio": {
            name: round(middle[many][name].processor / middle[few][name].processor, 2) for name in COMMANDS
        },
        "wall_ratio": {name: round(middle[many][name].wall / middle[few][name].wall, 2) for name in COMMANDS},
        "targets": {"log seconds": 1.0, "route ratio": 3.0},
    }


if __name__ == "__main__":
    sys.exit(main())

"""Routing in bulk against scikit-learn, and the router's accuracy, measured side by side in one run.

Both sides are fitted on the same rows and route the same test texts, from strings to skill names, on one
thread. The baseline is a FeatureUnion of two TfidfVectorizers (word 1-2-grams; characters 3-5 within words)
with a LinearSVC. The runs alternate, and the ratio is that of the medians.

    python scripts/bench_routing.py --data-dir data --group hard8 --seeds 42 123 7
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import argparse
import gzip
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.svm import LinearSVC

from skillstack.data.splits import router_rows
from skillstack.data.task import Example
from skillstack.routers.base import SkillSamples
from skillstack.routers.features import hash_rows
from skillstack.routers.hybrid_chain import HybridChain
from skillstack.routers.hybrid_svm import HybridSVM
from skillstack.store.rows import Row

GROUPS = {
    "hard8": [
        "imdb", "yelp_polarity", "rotten_tomatoes", "sst2", "amazon_polarity", "agnews", "yahoo", "dbpedia",
    ],
    "starter8": [
        f"starter/{name}"
        for name in (
            "imdb_sentences", "yelp_sentences", "amazon_sentences", "wiki_topics",
            "banking", "travel", "home", "work",
        )
    ],
}  # fmt: skip


@dataclass(frozen=True)
class Task:
    """A task's rows; of the test rows the labels do not matter here."""

    name: str
    family: str
    train: list[Example]
    test: list[Row]


def read_task(folder: Path) -> Task:
    family = json.loads((folder / "task.json").read_text(encoding="utf-8"))["family"]
    train, test = (_read_rows(folder / f"{split}.jsonl.gz") for split in ("train", "test"))
    return Task(folder.name, family, train, [example.row for example in test])


def _read_rows(path: Path) -> list[Example]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        values = [json.loads(line) for line in file]
    return [Example(Row(v["text"], v.get("text_pair")), v["label"]) for v in values]


def baseline(c: float) -> Pipeline:
    union = FeatureUnion(
        [
            ("words", TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)),
            ("characters", TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)),
        ]
    )
    return make_pipeline(union, LinearSVC(C=c, class_weight="balanced", random_state=0))


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def accuracy(found: Sequence[str | None], tasks: Sequence[Task]) -> dict[str, float]:
    right = [task.name for task in tasks for _ in task.test]
    family = {task.name: task.family for task in tasks}
    hits = [a == b for a, b in zip(found, right, strict=True)]
    kin = [a is not None and family[a] == family[b] for a, b in zip(found, right, strict=True)]
    return {"task": 100 * sum(hits) / len(hits), "family": 100 * sum(kin) / len(kin)}


def measure(tasks: Sequence[Task], seed: int, samples: int, repeats: int) -> dict[str, object]:
    kept = {task.name: router_rows(task.train, samples, seed, task.name) for task in tasks}
    skills = [SkillSamples(t.name, i, hash_rows(kept[t.name])) for i, t in enumerate(tasks)]
    start = time.perf_counter()
    best = HybridSVM.fit(skills)
    fit_s = time.perf_counter() - start
    chain, zero = HybridChain(best.state), HybridChain(best.state, threshold=0.0)
    test = [row for task in tasks for row in task.test]
    texts = [row.joined for row in test]
    calibration = best.state.calibration
    report: dict[str, object] = {
        "seed": seed,
        "hybrid_svm": accuracy([r.skill for r in best.route(test)], tasks),
        "hybrid_chain": accuracy([r.skill for r in chain.route(test)], tasks),
        "hybrid_chain_at_0.0": accuracy([r.skill for r in zero.route(test)], tasks),
        "threshold": chain.threshold,
        "temperature": calibration.temperature,
        "out_of_fold": {"correct": calibration.correct, "n": calibration.n},
        "fit_seconds": fit_s,
        "state_bytes": _state_bytes(best),
        "texts": len(test),
        "characters": sum(map(len, texts)),
    }
    if repeats:
        report["rival"] = _race(chain, test, tasks, kept, repeats)
    return report


def _race(
    chain: HybridChain,
    test: list[Row],
    tasks: Sequence[Task],
    kept: dict[str, tuple[Row, ...]],
    repeats: int,
) -> dict[str, object]:
    texts = [row.joined for row in test]
    pipeline = baseline(1.0).fit(
        [row.joined for rows in kept.values() for row in rows], [n for n, rows in kept.items() for _ in rows]
    )
    ours, theirs = [], []
    for _ in range(repeats):
        ours.append(seconds(lambda: chain.route(test)))
        theirs.append(seconds(lambda: pipeline.predict(texts)))
    return {
        **accuracy(list(pipeline.predict(texts)), tasks),
        "our_texts_per_second": len(texts) / statistics.median(ours),
        "rival_texts_per_second": len(texts) / statistics.median(theirs),
        "ratio": statistics.median(theirs) / statistics.median(ours),
    }


def _state_bytes(router: HybridSVM) -> int:
    with tempfile.TemporaryDirectory() as name:
        router.save(Path(name))
        return sum(path.stat().st_size for path in Path(name).iterdir())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of task folders")
    parser.add_argument("--group", choices=sorted(GROUPS), default="hard8")
    parser.add_argument("--seeds", type=int, nargs="+", default=[42])
    parser.add_argument("--samples", type=int, default=256, help="training rows per task")
    parser.add_argument(
        "--repeats", type=int, default=3, help="timed runs of each side; 0 for accuracy alone"
    )
    given = parser.parse_args()
    tasks = [read_task(given.data_dir / name) for name in GROUPS[given.group]]
    runs = []
    for number, seed in enumerate(given.seeds):
        # The race is run once: its ratio does not depend on the seed.
        runs.append(measure(tasks, seed, given.samples, given.repeats if number == 0 else 0))
        print(f"seed {seed}: {json.dumps(runs[-1])}", file=sys.stderr, flush=True)
    document = {"group": given.group, "samples_per_task": given.samples, "runs": runs}
    if given.repeats:
        print(f"ratio {runs[0]['rival']['ratio']:.2f}")  # type: ignore[index]
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()

"""Measure `skillstack learn` on tables of one's own against what people would do instead.

    python scripts/measure_own_tables.py --data-dir DATA --output results/own_tables.json

Tables of 100 to 5,000 rows are drawn from labelled texts, three times each. `learn` gets every row
(`--test-size 0`), and so do its baselines: TF-IDF of words and pairs of words with logistic regression, and
logistic regression on the embeddings of the same base, each with the penalty that five folds prefer. All
answer the same texts, which none of them saw. The file holds each run's answers, so that a difference has a
paired interval; runs that it holds already are not measured again.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from measuring import command, say
from numpy.typing import NDArray

from skillstack.evaluation.statistics import paired
from skillstack.training.execution import environment

#: Sources, and how many of their labels a table has; 0 for all.
SOURCES = {"banking77": 7, "hwu64": 12, "clinc150": 15, "agnews": 0, "yahoo": 0, "amazon": 0}
#: Label of texts that belong to no class.
OUT_OF_SCOPE = {"clinc150": 150}
SIZES = (100, 300, 1000, 5000)
TEST_ROWS = 1000
BASELINES = ("tfidf", "embedding")


@dataclass(frozen=True)
class Table:
    """Rows to learn from and rows to answer.

    :ivar name: of the source.
    :ivar size: rows to learn from that were asked for.
    :ivar seed: that drew them.
    """

    name: str
    size: int
    seed: int
    train: tuple[tuple[str, str], ...]
    test: tuple[tuple[str, str], ...]


def main() -> int:
    options = _parser().parse_args()
    found = json.loads(options.output.read_text(encoding="utf-8")) if options.output.is_file() else {}
    runs: list[dict[str, Any]] = found.get("runs", [])
    done = {(run["table"], run["size"], run["seed"]) for run in runs}
    sizes = [int(size) for size in options.sizes.split(",")]
    for name in options.tables.split(",") if options.tables else SOURCES:
        for size in sizes:
            for seed in range(options.seeds):
                table = draw(options.data_dir, name, size, seed)
                if (name, size, seed) in done or len(table.train) < size * 0.9:
                    continue
                say(f"{name}, {size} rows, seed {seed}")
                runs.append(_run(table, options.method))
                summary = {
                    "command": command(_parser(), options),
                    "environment": environment(),
                    "summary": summarise(runs),
                    "runs": runs,
                }
                options.output.parent.mkdir(parents=True, exist_ok=True)
                text = json.dumps(summary, indent=1, ensure_ascii=False) + "\n"
                options.output.write_text(text, encoding="utf-8")
    for line in summarise(runs):
        print(json.dumps(line))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--tables", default="", help="sources, comma-separated; all by default")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--method", default="auto")
    parser.add_argument("--output", type=Path, default=Path("results/own_tables.json"))
    return parser


def draw(data: Path, name: str, size: int, seed: int) -> Table:
    """A table of some rows of a source, and texts of its own test split with the same labels."""
    labels = json.loads((data / name / "task.json").read_text(encoding="utf-8"))["label_names"]
    random = np.random.default_rng(seed)
    kept = [label for label in range(len(labels)) if label != OUT_OF_SCOPE.get(name)]
    if SOURCES[name]:
        kept = sorted(random.permutation(kept)[: SOURCES[name]].tolist())
    train, test = (
        [row for row in _rows(data / name / f"{split}.jsonl.gz") if row["label"] in kept]
        for split in ("train", "test")
    )
    chosen = [train[place] for place in random.permutation(len(train))[:size].tolist()]
    counts = {label: sum(row["label"] == label for row in chosen) for label in kept}
    known = {label for label, count in counts.items() if count > 1}
    asked = [test[place] for place in random.permutation(len(test))[:TEST_ROWS].tolist()]

    def named(rows: list[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
        return tuple((row["text"], labels[row["label"]]) for row in rows if row["label"] in known)

    return Table(name, size, seed, named(chosen), named(asked))


def _rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _run(table: Table, method: str) -> dict[str, Any]:
    gold = [label for _, label in table.test]
    answers, sure, learned = _learn(table, method)
    right = {"skillstack": [int(a == b) for a, b in zip(answers, gold, strict=True)]}
    seconds = {"skillstack": learned["seconds"]}
    for baseline in BASELINES:
        began = time.perf_counter()
        found = (tfidf if baseline == "tfidf" else embedding)(table)
        seconds[baseline] = round(time.perf_counter() - began, 1)
        right[baseline] = [int(a == b) for a, b in zip(found, gold, strict=True)]
    return {
        "table": table.name,
        "size": table.size,
        "seed": table.seed,
        "rows": len(table.train),
        "labels": len({label for _, label in table.train}),
        "chosen": learned["chosen"],
        "ece": round(calibration_error(np.array(sure), np.array(right["skillstack"])), 4),
        "seconds": seconds,
        "right": {name: "".join(map(str, values)) for name, values in right.items()},
    }


def _learn(table: Table, method: str) -> tuple[list[str], list[float], dict[str, Any]]:
    """The answers of a new frame, how sure it is of each, and what was learned."""
    with tempfile.TemporaryDirectory() as folder:
        train, test, store = (Path(folder) / name for name in ("train.csv", "test.csv", "frames"))
        for path, rows in ((train, table.train), (test, table.test)):
            with path.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([("text", "label"), *rows])
        where = ("--store", str(store), "--stack", "own", "--json")
        began = time.perf_counter()
        how = ("--test-size", "0", "--model", "minilm", "--method", method)
        learned = json.loads(_skillstack("learn", "own", str(train), *how, *where))
        seconds = round(time.perf_counter() - began, 1)
        lines = _skillstack("predict", "--input", str(test), "--frame", "own", *where).splitlines()
    found = [json.loads(line) for line in lines]
    return (
        [line["label_name"] for line in found],
        [line["probability"] for line in found],
        {"seconds": seconds, "chosen": learned["frame"]["skills"][0]["method"]},
    )


def _skillstack(*arguments: str) -> str:
    command = [sys.executable, "-m", "skillstack", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return done.stdout


def tfidf(table: Table) -> list[str]:
    """Words and pairs of words, weighted by TF-IDF, with logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    train = vectors.fit_transform([text for text, _ in table.train])
    return _logistic(
        train, [label for _, label in table.train], vectors.transform([t for t, _ in table.test])
    )


def embedding(table: Table) -> list[str]:
    """Embeddings of the built-in base, with logistic regression."""
    from skillstack.models.encoding import encode
    from skillstack.models.features import features_of
    from skillstack.models.loading import load_base
    from skillstack.models.split import SplitModel
    from skillstack.store.records import Rendering
    from skillstack.store.rows import Row

    split = SplitModel(load_base("minilm", precision="fp32", device="cpu"), 0)
    train, test = (
        features_of(split, encode(split.base, [Row(text) for text, _ in rows], Rendering()))
        for rows in (table.train, table.test)
    )
    return _logistic(train, [label for _, label in table.train], test)


def _logistic(train: Any, labels: list[str], test: Any) -> list[str]:
    """Logistic regression whose penalty five folds prefer."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    fewest = min(labels.count(label) for label in set(labels))
    folds = StratifiedKFold(max(2, min(5, fewest)), shuffle=True, random_state=0)
    search = GridSearchCV(LogisticRegression(max_iter=1000), {"C": [0.1, 1.0, 10.0, 100.0]}, cv=folds)
    return [str(label) for label in search.fit(train, labels).predict(test)]


def calibration_error(sure: NDArray[np.float64], right: NDArray[np.int64]) -> float:
    """Expected calibration error over ten groups of equally many answers, the least sure first."""
    order = np.argsort(sure, kind="stable")
    groups = [group for group in np.array_split(order, 10) if len(group)]
    return float(
        sum(abs(sure[group].mean() - right[group].mean()) * len(group) for group in groups) / len(sure)
    )


def summarise(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By table and size, accuracies in percent and the paired difference to the better baseline."""
    lines = []
    for name, size in dict.fromkeys((run["table"], run["size"]) for run in runs):
        mine = [run for run in runs if (run["table"], run["size"]) == (name, size)]
        right = {
            who: [np.array(list(map(int, run["right"][who])), dtype=np.bool_) for run in mine]
            for who in ("skillstack", *BASELINES)
        }
        accuracy = {who: float(np.mean([run.mean() for run in found])) for who, found in right.items()}
        best = max(BASELINES, key=lambda who: accuracy[who])
        found = paired(list(zip(right["skillstack"], right[best], strict=True)))
        lines.append(
            {
                "table": name,
                "size": size,
                "runs": len(mine),
                **{who: round(100 * value, 1) for who, value in accuracy.items()},
                "best_baseline": best,
                "difference": [
                    round(100 * value, 1)
                    for value in (found.difference, found.interval.low, found.interval.high)
                ],
                "ece": round(100 * float(np.mean([run["ece"] for run in mine])), 1),
                "seconds": round(float(np.mean([run["seconds"]["skillstack"] for run in mine])), 1),
                "chosen": [run["chosen"] for run in mine],
            }
        )
    return lines


if __name__ == "__main__":
    raise SystemExit(main())

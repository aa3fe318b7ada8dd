"""Write the README's tables of measured figures from the files in `results/`.

python scripts/update_readme.py [--check]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MEASURED = "<!-- measured -->\n", "<!-- /measured -->"
TIMED = "<!-- timed -->\n", "<!-- /timed -->"
HEAD = (
    "| tasks and base | seeds | each text by its own frame | linear head on the frozen base "
    "| by the frame that the router picks | router: task, family |\n|---|---|---|---|---|---|\n"
)


def main() -> int:
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    new = _put(_put(text, MEASURED, table()), TIMED, timed())
    if "--check" in sys.argv:
        return 0 if new == text else 1
    readme.write_text(new, encoding="utf-8")
    return 0


def _put(text: str, marks: tuple[str, str], content: str) -> str:
    before, rest = text.split(marks[0], 1)
    return before + marks[0] + content + marks[1] + rest.split(marks[1], 1)[1]


def timed() -> str:
    """The Markdown table of speeds, each a ratio of two things measured side by side in one run."""
    bench = ROOT / "results" / "bench"
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in bench.glob("*.json")}
    routing = {
        group: found[f"routing_{group}"]["runs"][0]["rival"]["ratio"] for group in ("hard8", "starter8")
    }
    rows = [
        ("training hard8, against PEFT and the Trainer", f"{found['training']['ratio']:.1f} times as fast"),
        (
            "routing hard8's test texts, against scikit-learn's pipeline",
            f"{routing['hard8']:.1f} times as fast",
        ),
        ("routing starter8's short ones, likewise", f"{routing['starter8']:.1f} times as fast"),
        (
            "2,000 rows over 8 frames, against PEFT's `set_adapter` row by row",
            f"{found['predict']['mixed_to_peft']:.1f} times as fast",
        ),
        (
            "the same, against one frame for all rows",
            f"{found['predict']['mixed_to_one_frame']:.2f} of the throughput",
        ),
        (
            "`eval` of hard8, against the bare forward passes that it needs",
            f"{found['eval']['ratio']:.2f} of the time",
        ),
        (
            "swapping a frame in, against reading its file",
            f"{found['swap']['ratios']['swap_to_safetensors_read']:.1f} times as long",
        ),
        (
            "`route` with 1,000 frames, against 8 frames",
            f"{found['store']['ratio']['route']:.1f} times as long",
        ),
        (
            "`skillstack route` from a cold start, against `python -c 'import numpy'`",
            f"{found['cold_start']['ratio']['route']:.1f} times as long",
        ),
    ]
    return "| what | measured |\n|---|---|\n" + "".join(f"| {what} | {value} |\n" for what, value in rows)


def table() -> str:
    """The table's Markdown; accuracies in per cent, means over tasks and seeds."""
    return HEAD + "".join(
        _row(path.stem, json.loads(path.read_text(encoding="utf-8")))
        for path in sorted((ROOT / "results").glob("*8*.json"), key=lambda path: path.stem)
    )


def _row(name: str, result: dict) -> str:
    mean, router = result["mean"], result["router"]
    rows = sum(task["n"] for task in result["runs"][0]["tasks"])
    what = f"{result['preset']}, {result['model']} ({rows:,} test texts)"
    seeds = ", ".join(str(run["seed"]) for run in result["runs"])
    rival = "not measured" if mean["frozen_linear"] is None else f"{mean['frozen_linear']:.1f}"
    return (
        f"| [{what}](results/{name}.json) | {seeds} | {mean['task_aware']:.1f} | {rival} "
        f"| {mean['routed']:.1f} | {router['task']:.1f}, {router['family']:.1f} |\n"
    )


if __name__ == "__main__":
    sys.exit(main())

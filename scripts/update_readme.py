"""Write the README's table of measured figures from the files in `results/`.

python scripts/update_readme.py [--check]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- measured -->\n", "<!-- /measured -->"
HEAD = (
    "| tasks and base | seeds | each text by its own frame | linear head on the frozen base "
    "| by the frame that the router picks | router: task, family |\n|---|---|---|---|---|---|\n"
)


def main() -> int:
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    new = before + BEGIN + table() + END + after
    if "--check" in sys.argv:
        return 0 if new == text else 1
    readme.write_text(new, encoding="utf-8")
    return 0


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

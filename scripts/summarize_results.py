"""Write the tables of measured figures in README.md and docs/results.md from the files in `results/`.

    python scripts/summarize_results.py [--check]

The tables of methods are made from the cells that `skillstack bench` kept, and the speeds from what the
`scripts/bench_*.py` wrote. With --check nothing is written; the status says whether the pages are up to date.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from skillstack.continual import registry
from skillstack.continual.files import LEADERBOARD, Results
from skillstack.continual.leaderboard import OURS, MethodStanding, leaderboard, to_json
from skillstack.wording import between, points, seconds, size

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    status = 0
    for path, tables in PAGES.items():
        text = new = (ROOT / path).read_text(encoding="utf-8")
        for name, table in tables.items():
            new = _put(new, name, table())
        if "--check" in sys.argv:
            status |= new != text
        else:
            (ROOT / path).write_text(new, encoding="utf-8")
    return status


def _put(text: str, name: str, content: str) -> str:
    """The text with this between the marks of this name."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, rest = text.split(begin, 1)
    return before + begin + content + end + rest.split(end, 1)[1]


def measured() -> str:
    """The Markdown table of what tells most, each row with the file that it comes from."""
    bench = ROOT / "results" / "methods" / "hard8-minilm"
    found = {(one.method, one.order): one for one in leaderboard([*Results(bench).cells()])}
    ours, sequential, joint = (found[name, "forward"] for name in (OURS, "sequential", "joint"))
    assert ours.routed is not None
    training = json.loads((ROOT / "results" / "bench" / "training.json").read_text(encoding="utf-8"))
    shares, gains = zip(*(_grown(order) for order in (1, 2)), strict=True)
    rows = [
        (
            "eight tasks in a row, each kept as a frame",
            f"{points(ours.accuracy)} % right [{between(ours.interval)}] with the task given, "
            f"{points(ours.routed)} % where the router picks",
            "methods/hard8-minilm",
        ),
        (
            "the same with one adapter that goes on from task to task",
            f"{points(sequential.accuracy)} %: {_against(sequential)} points",
            "methods/hard8-minilm",
        ),
        (
            "the same with one model that is taught all tasks at once",
            f"{points(joint.accuracy)} %: {_against(joint)} points",
            "methods/hard8-minilm",
        ),
        (
            "the time that PEFT and the Trainer take for those tasks",
            f"{training['ratio']:.1f} times that of SkillStack",
            "bench/training.json",
        ),
        (
            "twelve tasks merged as they come, in two orders",
            f"{' and '.join(shares)} of the adapters' bytes, {' and '.join(gains)} points",
            "auto_compress/hard12-minilm",
        ),
    ]
    lines = (f"| {what} | {value} | [{Path(file).name}](results/{file}) |\n" for what, value, file in rows)
    return "| what | measured | results |\n|---|---|---|\n" + "".join(lines)


def _grown(order: int) -> tuple[str, str]:
    """A stack that merged as it grew, against one that did not: its share of the bytes, and its accuracy."""
    file = ROOT / "results" / "auto_compress" / "hard12-minilm" / f"order-{order}.json"
    found = json.loads(file.read_text(encoding="utf-8"))
    merged, plain = (found["streams"][name][-1]["bytes"] for name in ("merged", "plain"))
    difference = found["difference"]["task_aware"]
    gain, low, high = (
        points(value / 100, sign=True) for value in (difference["points"], *difference["interval"])
    )
    return f"{100 * merged / plain:.0f} %", f"{gain} [{low} to {high}]"


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


def methods() -> str:
    """The Markdown of all benches: a table for each sequence of tasks, and what the router makes of it."""
    folders = sorted(path for path in (ROOT / "results" / "methods").iterdir() if path.is_dir())
    parts = [_bench(folder) for folder in sorted(folders, key=lambda path: _place(path.name))]
    return "\n".join([*parts, _small_model()])


def _small_model() -> str:
    """A language model of 135 million parameters, which `scripts/measure_quality.py` measured."""
    found = json.loads((ROOT / "results" / "hard8-smollm2.json").read_text(encoding="utf-8"))
    texts = sum(task["n"] for task in found["runs"][0]["tasks"])
    return (
        f"On SmolLM2-135M-Instruct, hard8, seed {found['runs'][0]['seed']}, {texts:,} test texts "
        "([results](../results/hard8-smollm2.json)):\n"
        f"{found['mean']['task_aware']:.1f} by a text's own frame, {found['mean']['routed']:.1f} routed.\n"
    )


def _place(name: str) -> tuple[int, str]:
    known = ("hard8-minilm", "hard12-minilm", "starter8-minilm")
    return (known.index(name) if name in known else len(known)), name


def _bench(folder: Path) -> str:
    cells = [*Results(folder).cells()]
    standings = leaderboard(cells)
    if json.loads((folder / LEADERBOARD).read_text(encoding="utf-8")) != to_json(standings):
        raise SystemExit(f"{folder / LEADERBOARD} is not that of its cells: run the bench again.")
    preset, _, model = folder.name.partition("-")
    seeds = ", ".join(str(seed) for seed in sorted({cell.seed for cell in cells}))
    texts = f"{standings[0].n:,} test texts of {len(cells[0].tasks)} tasks"
    lines = [
        f"**{preset}**, {model}, {texts}, seeds {seeds} ([results](../results/methods/{folder.name})):",
        "",
    ]
    lines += [
        "| method | runs | accuracy | against SkillStack | forgotten | kept per task | processor time |"
    ]
    lines += ["|---|---|---|---|---|---|---|"]
    lines += [_standing(one) for one in standings]
    routed = [
        f"{_name(one)}: {points(one.routed)} % routed, so {points(one.regret)} points of regret; a text's "
        f"own skill is picked for {points(one.at_home)} %."
        for one in standings
        if one.routed is not None and one.regret is not None and one.at_home is not None
    ]
    return "\n".join([*lines, "", *routed]) + "\n"


def _standing(one: MethodStanding) -> str:
    return (
        f"| {_name(one)} | {len(one.runs)} | {points(one.accuracy)} "
        f"[{between(one.interval)}] | {_against(one)} "
        f"| {'–' if one.forgetting is None else points(one.forgetting)} "
        f"| {size(round(one.bytes_per_task))}{_texts(one)} "
        f"| {'–' if one.processor is None else seconds(one.processor)} |"
    )


def _against(one: MethodStanding) -> str:
    """How far it is from SkillStack's frames, with an interval; a dash for these themselves."""
    found = one.difference
    if found is None:
        return "–"
    return f"{points(found.difference, sign=True)} [{between(found.interval, sign=True)}]"


def _texts(one: MethodStanding) -> str:
    return f" and {size(round(one.texts_per_task))} of texts" if one.texts_per_task else ""


def _name(one: MethodStanding) -> str:
    return registry.method(one.method).title + ("" if one.order == "forward" else f", {one.order} order")


#: The pages, and what stands between which marks of theirs.
PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "README.md": {"measured": measured},
    "docs/results.md": {"methods": methods, "timed": timed},
}

if __name__ == "__main__":
    sys.exit(main())

"""What reproduces a report: the command, seeds, versions, the base and digests."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path, PureWindowsPath
from typing import Any

from skillstack.evaluation.questions import SEED, EvaluationConfig
from skillstack.evaluation.statistics import RESAMPLES
from skillstack.reports.material import Material

_PACKAGES = ("skillstack", "torch", "transformers", "numpy", "scikit-learn", "tokenizers", "matplotlib")


def command_line(*words: str, options: Mapping[str, object]) -> str:
    """The command with these options as it is typed.

    :param options: by flag. One that is None or False is left out, one that is True stands alone, and a
        sequence is given item by item. Of a path the last part alone is told, for privacy's sake.
    """
    typed = list(words)
    for flag, value in options.items():
        if isinstance(value, bool) or value is None:
            typed += [flag] if value else []
            continue
        for one in value if isinstance(value, (list, tuple)) else (value,):
            typed += [flag, last_part(one) if isinstance(one, Path) else str(one)]
    return shlex.join(typed)


def report_command(
    stack: str,
    config: EvaluationConfig,
    *,
    bench_cells: str | Path | None = None,
    router: str = "hybrid_chain",
    precision_change: str | None = None,
) -> str:
    """The command that makes a report again; rows that were in memory it names as they were called."""
    tables = {name: table if isinstance(table, Path) else table.path for name, table in config.tables.items()}
    options = {
        "--stack": stack,
        "--eval-samples-per-class": "all" if config.per_class is None else config.per_class,
        "--data-dir": None if config.data_dir is None else last_part(config.data_dir),
        "--test": [f"{name}={last_part(table)}" for name, table in tables.items()],
        "--task": list(config.only),
        "--no-matrix": not config.matrix,
        "--bench-cells": None if bench_cells is None else last_part(bench_cells),
        "--router": None if router == "hybrid_chain" else router,
        "--precision-change": precision_change,
    }
    return command_line("skillstack", "report", options=options)


def last_part(path: str | Path) -> str:
    """The name of a file or folder without those above it, however its system writes paths."""
    return PureWindowsPath(path).name or "."


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that had a part in the figures; none of them is imported."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def provenance(material: Material) -> dict[str, Any]:
    """For the JSON report; `provenance_rows` has the same in words."""
    e, base = material.evaluation, material.base
    return {
        "command": material.command,
        "stack": e.stack,
        "tip": e.tip,
        "router": e.router,
        "base": {
            "name": base.name,
            "revision": base.revision,
            "architecture": base.architecture,
            "weights": base.weights,
            "tokenizer": base.tokenizer,
            "precision": e.precision,
        },
        "seeds": {
            "test_sample": SEED,
            "bootstrap": 0,
            "resamples": RESAMPLES,
            "training": {frame.name: frame.seed for frame in material.frames},
        },
        "texts": {task.skill: task.texts for task in e.tasks},
        "versions": dict(material.versions),
        "trained_with": _environments(material),
    }


def provenance_rows(material: Material) -> list[tuple[str, str]]:
    """What reproduces a figure, as names and values."""
    found = provenance(material)
    base, seeds = found["base"], found["seeds"]
    rows = [
        ("command", found["command"]),
        ("stack", f"{found['stack']}, tip {found['tip']}"),
        ("router", found["router"]),
        ("base", f"{base['name']} ({base['architecture']}, {base['precision']})"),
        ("base revision", base["revision"]),
        ("base weights", base["weights"]),
        ("base tokenizer", base["tokenizer"]),
        ("seeds", f"training {_seeds(seeds['training'])}; test sample {seeds['test_sample']}"),
        ("intervals", f"95 %; bootstrap of {seeds['resamples']:,} draws, seed {seeds['bootstrap']}"),
        ("versions", _joined(found["versions"])),
        *[("trained with", _joined(one)) for one in found["trained_with"]],
        *[(f"texts of {task}", digest) for task, digest in found["texts"].items()],
    ]
    return [(name, value) for name, value in rows if value]


def _seeds(by_frame: Mapping[str, int | None]) -> str:
    seeds = sorted({seed for seed in by_frame.values() if seed is not None})
    return ", ".join(map(str, seeds)) or "not known"


def _joined(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _environments(material: Material) -> list[dict[str, str]]:
    """On what the frames were trained, each once."""
    found: list[dict[str, str]] = []
    for frame in material.frames:
        if frame.environment and frame.environment not in found:
            found.append(dict(frame.environment))
    return found

"""A small sound task folder that the tests damage in one way each."""

import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

ROWS = [
    {"text": "The soup was cold.", "label": 0},
    {"text": "Nobody came to our table.", "label": 0},
    {"text": "A wonderful evening.", "label": 1},
    {"text": "Best noodles in town.", "label": 1},
]
RECORD = {"name": "dinner", "kind": "single", "family": "sentiment", "label_names": ["bad", "good"]}


def write_rows(file: Path, rows: Iterable[Any]) -> None:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    file.write_bytes(gzip.compress(text.encode()) if file.suffix == ".gz" else text.encode())


@pytest.fixture
def make_task(tmp_path: Path) -> Callable[..., Path]:
    """Writes the task `dinner`, or what is given instead, and returns the data folder."""

    def make(
        record: dict[str, Any] | None = None,
        train: Iterable[Any] = ROWS,
        test: Iterable[Any] = ROWS,
        name: str = "dinner",
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "task.json").write_text(json.dumps(RECORD | {"name": name} | (record or {})))
        write_rows(folder / "train.jsonl.gz", train)
        write_rows(folder / "test.jsonl.gz", test)
        return tmp_path

    return make

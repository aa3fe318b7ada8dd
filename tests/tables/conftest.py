"""Tables made on the spot."""

import csv
import gzip
import json
from pathlib import Path

import pytest


def save(path: Path, columns, rows) -> Path:
    """Write a table the way other tools do, in the format that its ending says."""
    ending = path.name.removesuffix(".gz").rsplit(".", 1)[1]
    if ending == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        cells = list(zip(*rows, strict=True)) or [()] * len(columns)
        pq.write_table(pa.table([pa.array(c, pa.string()) for c in cells], names=list(columns)), path)
        return path
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="utf-8", newline="") as file:
        if ending in ("csv", "tsv"):
            writer = csv.writer(file, delimiter="\t" if ending == "tsv" else ",")
            writer.writerow(columns)
            writer.writerows(rows)
        else:
            for row in rows:
                file.write(json.dumps(dict(zip(columns, row, strict=True))) + "\n")
    return path


@pytest.fixture
def tickets(tmp_path):
    """60 support tickets of three kinds: an id, a subject, a text and a kind."""
    rows = [
        (f"{n:04}", f"ticket {n % 7}", f"my {thing} number {n} does not work as it should", kind)
        for n in range(20)
        for thing, kind in (("card", "bank"), ("train", "travel"), ("phone", "home"))
    ]
    return save(tmp_path / "tickets.csv", ("id", "subject", "body", "Category"), rows)

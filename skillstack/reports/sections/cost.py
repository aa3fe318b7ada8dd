"""What the stack costs: bytes, seconds, answers."""

from __future__ import annotations

from skillstack.reports.material import Material
from skillstack.reports.section import Section
from skillstack.reports.table import Cell, Table, count, name_column, number_column, text
from skillstack.wording import many, seconds, size


def cost_section(material: Material) -> Section:
    """Bytes and training seconds by frame, and what the evaluation needed."""
    frames = material.frames
    columns = (
        name_column("frame"),
        number_column("adapter", "adapter_bytes"),
        number_column("heads", "head_bytes"),
        number_column("training", "seconds"),
        number_column("seed", "seed"),
    )
    rows = [
        (
            text(frame.name),
            _bytes(frame.adapter_bytes),
            _bytes(frame.head_bytes),
            _seconds(frame.seconds),
            count(frame.seed),
        )
        for frame in frames
    ]
    adapters = sum(frame.adapter_bytes for frame in frames)
    heads = [frame.head_bytes for frame in frames]
    seconds = [frame.seconds for frame in frames]
    rows.append(
        (
            text("all frames"),
            _bytes(adapters),
            _bytes(sum(value for value in heads if value is not None) if None not in heads else None),
            _seconds(sum(value for value in seconds if value is not None) if None not in seconds else None),
            Cell((None,), ""),
        )
    )
    e = material.evaluation
    per_text = e.effort.answers / max(sum(task.n for task in e.tasks), 1)
    words = (
        f"The evaluation needs {many(e.effort.answers, 'answer')}, {per_text:.1f} a text"
        + (", most of them for every frame on every task." if e.matrix is not None else ".")
        + " Answers are kept beside the store: what was answered once is not asked again."
    )
    note = "Training: wall time as noted when the frame was trained, on the machine it was trained on."
    return Section(
        "cost", "Cost", (words,), tables=(Table("cost", "Cost by frame", columns, tuple(rows), note),)
    )


def _bytes(value: int | None) -> Cell:
    return Cell((value,), "–" if value is None else size(value))


def _seconds(value: float | None) -> Cell:
    return Cell((None if value is None else round(value, 6),), "–" if value is None else seconds(value))

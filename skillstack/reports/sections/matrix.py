"""Every frame on every task: redundancy and transfer."""

from __future__ import annotations

from skillstack.evaluation.result import Matrix
from skillstack.reports.material import Material
from skillstack.reports.plots.heat import matrix_plot
from skillstack.reports.section import Section
from skillstack.reports.table import Table, name_column, number_column, share, text


def matrix_section(material: Material) -> Section | None:
    """The task × frame heat map, where every frame was asked about every task."""
    matrix = material.evaluation.matrix
    if matrix is None:
        return None
    homes = {frame.name: frame.skills for frame in material.frames}
    tables = [
        _table(matrix, "matrix", "A frame's adapter under the task's own head, %", matrix.own_head),
    ]
    crossed = any(
        value is not None and skill not in homes.get(frame, ())
        for frame, row in zip(matrix.frames, matrix.frame_head, strict=True)
        for skill, value in zip(matrix.tasks, row, strict=True)
    )
    if crossed:
        title = "A frame as it is, with its own head, on tasks of the same labels, %"
        tables.append(_table(matrix, "matrix_frames", title, matrix.frame_head))
    return Section(
        "matrix",
        "Every frame on every task",
        (
            "Off the outlined cells, a high figure says that a frame's adapter would serve another task as "
            "well: a candidate for merging. The outlined cells are the stack's own answers.",
        ),
        (matrix_plot(matrix, [homes.get(name, ()) for name in matrix.frames]),),
        tuple(tables),
        shown=2,
    )


def _table(matrix: Matrix, key: str, title: str, values: tuple[tuple[float | None, ...], ...]) -> Table:
    columns = (
        name_column("frame"),
        name_column("family"),
        *[number_column(task, task) for task in matrix.tasks],
    )
    rows = tuple(
        (text(frame), text(family), *[share(value) for value in row])
        for frame, family, row in zip(matrix.frames, matrix.families, values, strict=True)
    )
    return Table(key, title, columns, rows)

"""The stack itself."""

from __future__ import annotations

from skillstack.reports.material import Material
from skillstack.reports.plots.chain import chain_plot
from skillstack.reports.section import Section
from skillstack.reports.table import Cell, Table, count, name_column, number_column, text
from skillstack.wording import size


def chain_section(material: Material) -> Section:
    """The stack as a picture, and its frames with their ids."""
    named = all(frame.skills == (frame.name,) for frame in material.frames)
    columns = (
        name_column("frame"),
        name_column("family"),
        *([] if named else [name_column("skills")]),
        number_column("labels", "labels"),
        name_column("parent"),
        name_column("started from", "init_from"),
        number_column("adapter", "adapter_bytes"),
        name_column("id"),
    )
    rows = tuple(
        (
            text(frame.name),
            text(", ".join(frame.families)),
            *([] if named else [text(", ".join(frame.skills))]),
            count(frame.labels),
            text(frame.parent),
            Cell((frame.init_from,), "fresh" if frame.init_from is None else frame.init_from[:24]),
            Cell((frame.adapter_bytes,), size(frame.adapter_bytes) if frame.adapter_bytes else "head alone"),
            Cell((frame.id,), frame.id[:12]),
        )
        for frame in reversed(material.frames)
    )
    return Section(
        "stack",
        "The stack",
        plots=(chain_plot(material.evaluation.stack, material.frames),),
        tables=(Table("frames", "Frames, the newest first", columns, rows),),
    )

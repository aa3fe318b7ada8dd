"""A report, from its material to its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from skillstack.reports import folder as folders
from skillstack.reports.document import dumps, report_json
from skillstack.reports.material import Material
from skillstack.reports.page import page
from skillstack.reports.plots.drawing import drawn
from skillstack.reports.sections.all import sections
from skillstack.reports.table import to_csv
from skillstack.reports.text import text
from skillstack.reports.verdict import Verdict, verdict


@dataclass(frozen=True)
class Written:
    """A report that was written.

    :ivar folder: where.
    :ivar page: the file to open.
    :ivar files: all of them, relative to the folder.
    :ivar verdict: the answer in short.
    """

    folder: Path
    page: Path
    files: tuple[str, ...]
    verdict: Verdict


def report_files(material: Material) -> dict[str, bytes]:
    """The files of a report by their paths; the same material gives the same bytes."""
    found = sections(material)
    plots = {plot.key: drawn(plot) for section in found for plot in section.plots}
    files = {
        folders.PAGE: page(material, found, plots),
        folders.TEXT: text(material, found),
        folders.DOCUMENT: dumps(report_json(material)),
    }
    files |= {f"{folders.TABLES}/{t.key}.csv": to_csv(t) for section in found for t in section.tables}
    pictures = {f"{folders.PLOTS}/{key}.svg": one.svg for key, one in plots.items()}
    pictures |= {f"{folders.PLOTS}/{key}.pdf": one.pdf for key, one in plots.items()}
    return {name: content.encode("utf-8") for name, content in files.items()} | pictures


def write_report(material: Material, folder: Path) -> Written:
    """Write a report into a folder, wholly or not at all; an older one there makes room.

    :raises UsageError: if something else lies there.
    :raises StoreError: if the disk refuses.
    """
    files = report_files(material)
    folders.write_folder(folder, files)
    return Written(folder, folder / folders.PAGE, tuple(sorted(files)), verdict(material.evaluation))

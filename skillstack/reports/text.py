"""The report as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from skillstack.reports.material import Material
from skillstack.reports.page import QUESTION
from skillstack.reports.provenance import provenance_rows
from skillstack.reports.section import Section
from skillstack.reports.table import markdown, to_markdown
from skillstack.reports.verdict import verdict
from skillstack.reports.words import clean_line
from skillstack.wording import many


def text(material: Material, sections: Sequence[Section]) -> str:
    """The Markdown; its pictures lie in ``plots/``."""
    e, found = material.evaluation, verdict(material.evaluation)
    texts = sum(task.n for task in e.tasks)
    asked = "" if e.per_class is None else f", at most {e.per_class} of each label"
    lines = [
        f"# {markdown(e.stack)}: report",
        "",
        markdown(f"{many(len(e.tasks), 'task')}, {many(texts, 'test text')}{asked}."),
        markdown(f"{e.base} at {e.precision}; {e.router}."),
        "",
        f"**{markdown(QUESTION)}** {markdown(found.headline)}",
        "",
        *[f"- {markdown(sentence)}" for sentence in found.sentences],
    ]
    for section in sections:
        lines += ["", f"## {markdown(section.title)}"]
        for paragraph in section.words:
            lines += ["", markdown(paragraph)]
        for plot in section.plots:
            lines += [
                "",
                f"![{markdown(plot.alternative)}](plots/{plot.key}.svg)",
                "",
                f"*{markdown(plot.caption)}*",
            ]
        for table in section.tables:
            lines += ["", f"**{markdown(table.title)}**", "", to_markdown(table)]
            if table.note:
                lines += ["", markdown(table.note)]
        if section.source:
            lines += ["", *_rows(list(section.source.items()))]
    lines += ["", "## What reproduces it", "", *_rows(provenance_rows(material))]
    return "\n".join(lines) + "\n"


def _rows(rows: Sequence[tuple[str, str]]) -> list[str]:
    return [f"- {markdown(name)}: `{_code(value)}`" for name, value in rows]


def _code(value: str) -> str:
    return clean_line(value).replace("`", "'")

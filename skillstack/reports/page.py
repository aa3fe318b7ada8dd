"""A page of sections as one HTML file, as Markdown, and as the files of a folder.

The HTML loads nothing, and opens from a disk without a network.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from skillstack import wording
from skillstack.reports.drawing import Drawn, Plot, drawn, inline
from skillstack.reports.folder import DOCUMENT, PAGE, PLOTS, TABLES, TEXT
from skillstack.reports.table import ReportTable, clean_line, markdown, to_csv, to_markdown
from skillstack.reports.verdict import QUESTION, Tile, Verdict

_TEMPLATE, _STYLE = "page.html.j2", "page.css"


@dataclass(frozen=True)
class Section:
    """A section of a page: what it says, shows and holds, and what reproduces it.

    :ivar key: its anchor.
    :ivar words: paragraphs.
    :ivar plots: in the order in which they are shown.
    :ivar tables: the same.
    :ivar shown: how many of the tables are shown at once; the others are folded in.
    :ivar source: what made its figures, where that is another command than the page's.
    :ivar measured: whether its figures come out of a measurement, which a command reproduces.
    """

    key: str
    title: str
    words: tuple[str, ...] = ()
    plots: tuple[Plot, ...] = ()
    tables: tuple[ReportTable, ...] = ()
    shown: int = 1
    source: Mapping[str, str] = field(default_factory=dict)
    measured: bool = True


@dataclass(frozen=True)
class Page:
    """What a page says.

    :ivar kind: what it is, in a few words.
    :ivar title: what it is about.
    :ivar facts: what is to be known first.
    :ivar sections: in the order in which they are read.
    :ivar provenance: what reproduces its figures, as names and values.
    :ivar promise: what comes of that.
    :ivar verdict: the answer in short, where the page gives one.
    :ivar tiles: the figures that stand beside it.
    """

    kind: str
    title: str
    facts: tuple[str, ...]
    sections: tuple[Section, ...]
    provenance: tuple[tuple[str, str], ...]
    promise: str
    verdict: Verdict | None = None
    tiles: tuple[Tile, ...] = ()


def page_files(page: Page, document: Mapping[str, Any]) -> dict[str, bytes]:
    """The files of a page by their paths; the same page gives the same bytes.

    :param document: the JSON that stands beside it.
    """
    plots = {plot.key: drawn(plot) for section in page.sections for plot in section.plots}
    texts = {PAGE: html(page, plots), TEXT: page_markdown(page), DOCUMENT: _dumps(document)}
    for section in page.sections:
        texts |= {f"{TABLES}/{table.key}.csv": to_csv(table) for table in section.tables}
    files = {name: content.encode("utf-8") for name, content in texts.items()}
    for key, one in plots.items():
        files |= {f"{PLOTS}/{key}.svg": one.svg, f"{PLOTS}/{key}.pdf": one.pdf}
    return files


def html(page: Page, plots: Mapping[str, Drawn]) -> str:
    """The page as HTML.

    :param plots: those of its sections, by key.
    """
    from jinja2 import Environment
    from markupsafe import Markup

    def finalize(value: Any) -> Any:
        # What is markup was made here; everything else may hold anything, and is escaped after this.
        return wording.clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(autoescape=True, finalize=finalize, trim_blocks=True, lstrip_blocks=True)
    made = environment.from_string(_read(_TEMPLATE)).render(
        style=Markup(_read(_STYLE)),
        question=QUESTION,
        page=page,
        svg={key: Markup(inline(one)) for key, one in plots.items()},
        many=wording.many,
    )
    return f"{made}\n"


def page_markdown(page: Page) -> str:
    """The page as Markdown; its pictures lie in ``plots/``."""
    lines = [f"# {markdown(page.title)}: report", "", markdown(f"{page.kind}: {' · '.join(page.facts)}")]
    if page.verdict is not None:
        lines += ["", f"**{markdown(QUESTION)}** {markdown(page.verdict.headline)}", ""]
        lines += [f"- {markdown(sentence)}" for sentence in page.verdict.sentences]
    for section in page.sections:
        lines += ["", f"## {markdown(section.title)}"]
        for paragraph in section.words:
            lines += ["", markdown(paragraph)]
        for plot in section.plots:
            lines += ["", f"![{markdown(plot.alternative)}]({PLOTS}/{plot.key}.svg)"]
            lines += ["", f"*{markdown(plot.caption)}*"]
        for table in section.tables:
            lines += ["", f"**{markdown(table.title)}**", "", to_markdown(table)]
            if table.note:
                lines += ["", markdown(table.note)]
        if section.source:
            lines += ["", *_listed(list(section.source.items()))]
    lines += ["", "## What reproduces it", "", *_listed(page.provenance)]
    return "\n".join(lines) + "\n"


def _listed(rows: Sequence[tuple[str, str]]) -> list[str]:
    return [f"- {markdown(name)}: `{_code(value)}`" for name, value in rows]


def _code(value: str) -> str:
    return clean_line(value).replace("`", "'")


def _dumps(document: Mapping[str, Any]) -> str:
    """The document as text, in ASCII: any encoding carries it, and no terminal acts on it."""
    return json.dumps(document, indent=1, allow_nan=False).replace("\x7f", "\\u007f") + "\n"


def _read(name: str) -> str:
    return resources.files("skillstack.reports").joinpath(name).read_text(encoding="utf-8")

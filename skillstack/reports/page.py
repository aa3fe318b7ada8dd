"""The report as one HTML file: it loads nothing, and opens from a disk without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from skillstack import wording
from skillstack.reports.material import Material
from skillstack.reports.plots.drawing import Drawn
from skillstack.reports.provenance import provenance_rows
from skillstack.reports.section import Section
from skillstack.reports.svg import inline
from skillstack.reports.tiles import tiles
from skillstack.reports.verdict import verdict

_TEMPLATE, _STYLE = "page.html.j2", "page.css"
QUESTION = "Does this stack help, and how sure are you?"


def page(material: Material, sections: Sequence[Section], drawn: Mapping[str, Drawn]) -> str:
    """The page.

    :param drawn: the sections' plots, by key.
    """
    from jinja2 import Environment
    from markupsafe import Markup

    def finalize(value: Any) -> Any:
        # What is markup was made here; everything else may hold anything, and is escaped after this.
        return wording.clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(autoescape=True, finalize=finalize, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(_read(_TEMPLATE))
    e = material.evaluation
    return (
        template.render(
            style=Markup(_read(_STYLE)),
            question=QUESTION,
            evaluation=e,
            verdict=verdict(e),
            tiles=tiles(e, compressed=material.compressed),
            sections=sections,
            svg={key: Markup(inline(one)) for key, one in drawn.items()},
            rows=provenance_rows(material),
            texts=sum(task.n for task in e.tasks),
            many=wording.many,
        )
        + "\n"
    )


def _read(name: str) -> str:
    return resources.files("skillstack.reports").joinpath(name).read_text(encoding="utf-8")

"""A plot's SVG as a part of the page: in the page's colours and letters, light or dark."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from skillstack.reports.plots.drawing import COLOURS, Drawn

_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b")
_LETTERS = re.compile(r"'DejaVu Sans'(, *[^;]*)?")


def inline(drawn: Drawn) -> str:
    """The SVG element for the page.

    Colours become the page's variables, ids are the plot's own (a page holds several), and what would hold
    beyond the drawing is left out.
    """
    root = ElementTree.fromstring(drawn.svg)
    _prune(root)
    key = drawn.plot.key
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        _rewrite(element, key)
    for name in ("width", "height", "version", "id"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-label", drawn.plot.alternative)
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)


def _prune(root: ElementTree.Element) -> None:
    """Without metadata and styles, and without comments, which may hold names."""
    for parent in list(root.iter()):
        for child in list(parent):
            tag = str(child.tag).removeprefix(_SVG)
            empty = tag == "defs" and (len(child) == 0 or all(str(c.tag) == f"{_SVG}style" for c in child))
            if tag in ("metadata", "style") or empty:
                parent.remove(child)


def _rewrite(element: ElementTree.Element, key: str) -> None:
    target = element.attrib.pop(_HREF, None)
    if target is not None:
        element.set("href", f"#{key}-{target.removeprefix('#')}")
    if "id" in element.attrib:
        element.set("id", f"{key}-{element.get('id')}")
    if "clip-path" in element.attrib:
        element.set("clip-path", str(element.get("clip-path")).replace("url(#", f"url(#{key}-"))
    style = element.get("style")
    if style is not None:
        element.set("style", _LETTERS.sub("var(--letters)", _COLOUR.sub(_variable, style)))


def _variable(found: re.Match[str]) -> str:
    return f"var(--{COLOURS[found[0].lower()]})"

"""Reads a report's page as a browser would, strictly."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}


class HtmlPage(HTMLParser):
    """Elements with their attributes, the text, and the tables; fails where tags do not match.

    :ivar tables: by id, rows of cells, each a text and the value of its data element.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.tables: dict[str, list[list[tuple[str, float | None]]]] = {}
        self._open: list[str] = []
        self._table: str | None = None
        self._cell: list[str] | None = None
        self._value: float | None = None
        self.feed(html)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self._table = dict(attrs)["id"].removeprefix("table-")
            self.tables[self._table] = []
        if self._table is not None:
            if tag == "tr":
                self.tables[self._table].append([])
            if tag in ("td", "th"):
                self._cell, self._value = [], None
            if tag == "data":
                self._value = float(dict(attrs)["value"])

    def handle_endtag(self, tag):
        assert self._open.pop() == tag
        if tag in ("td", "th") and self._cell is not None:
            self.tables[self._table][-1].append(("".join(self._cell).strip(), self._value))
            self._cell = None
        if tag == "table":
            self._table = None

    def handle_data(self, data):
        if self._open and self._open[-1] != "style":
            self.text.append(data)
        if self._cell is not None:
            self._cell.append(data)

    def numbers(self, table: str) -> list[list[float | None]]:
        """The values of a table's rows, without its header and its first column."""
        return [[value for _, value in row[1:]] for row in self.tables[table][1:]]

"""Rows in memory as a table: lists, a pandas or polars data frame, an Arrow table, a data set.

None of these libraries is imported: their objects are known by what they can do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from skillstack.data.batches import BatchBuilder, Format, TableBatch
from skillstack.data.encodings import check_encoding
from skillstack.data.own_table import TableTask, load_table
from skillstack.data.parquet import text_of
from skillstack.data.tables import BATCH_ROWS, Table, open_table
from skillstack.errors import InputError
from skillstack.store.fields import check_name
from skillstack.store.rows import Row, check_row, values_of

#: Missing values that are no floats, by the name of their type: those of pandas.
_MISSING = ("NAType", "NaTType")


@dataclass(frozen=True)
class TableOptions:
    """Which columns of a table are meant, and what becomes of its rows.

    :ivar text: name of the text column; by default it is found, or an error says why not. Likewise ``label``.
    :ivar pair: name of the column of second texts; none unless it is named.
    :ivar test_size: share of the rows that is held back to test with.
    :ivar max_per_class: training rows per class; by default 200.
    :ivar drop_labels: labels whose rows are left out.
    :ivar drop_rare: whether labels of too few rows are left out; otherwise they are an error.
    :ivar keep_texts: whether the store keeps the router's sample texts, or hashed features alone.
    :ivar encoding: that of a text file, such as "cp1252"; by default it is what the file's bytes show.
    """

    text: str | None = None
    pair: str | None = None
    label: str | None = None
    test_size: float = 0.2
    max_per_class: int | None = None
    drop_labels: Sequence[str] = ()
    drop_rare: bool = False
    keep_texts: bool = True
    encoding: str | None = None

    def __post_init__(self) -> None:
        """See that the encoding is one.

        :raises UsageError: if it is none.
        """
        if self.encoding is not None:
            check_encoding(self.encoding)


@dataclass(frozen=True)
class MemoryTable(Table):
    """A table in memory.

    :ivar cells: the cells of each column, as texts.
    :ivar known: columns that are known for what they are, by ``text``, ``pair`` and ``label``.
    """

    cells: tuple[list[str], ...] = field(default=(), repr=False)
    known: Mapping[str, str] = field(default_factory=dict)

    def batches(
        self, stream: BinaryIO | None = None, size: int = BATCH_ROWS, *, lenient: bool = False
    ) -> Iterator[TableBatch]:
        """All rows but the empty ones, at most ``size`` at a time."""
        gathered = BatchBuilder(self.columns, size)
        for number, row in enumerate(zip(*self.cells, strict=True), start=1):
            if gathered.add(row, number):
                yield gathered.batch()
        yield from gathered.rest()


def load_rows(
    name: str, family: str, data: Any, labels: Any = None, options: TableOptions | None = None
) -> TableTask:
    """The task that a person's rows teach.

    :param data: as `table_of` takes it; likewise ``labels``.
    :raises UsageError: if a name or number cannot be meant, or more than one column could.
    :raises InputError: if the rows cannot be used.
    """
    chosen = options if options is not None else TableOptions()
    check_name(name, "The task name")
    table = table_of(data, labels, chosen.encoding)
    columns: Mapping[str, str] = table.known if isinstance(table, MemoryTable) else {}
    return load_table(
        table,
        name,
        family,
        text=chosen.text or columns.get("text"),
        pair=chosen.pair or columns.get("pair"),
        label=chosen.label or columns.get("label"),
        test_size=chosen.test_size,
        max_per_class=chosen.max_per_class,
        drop_labels=chosen.drop_labels,
        drop_rare=chosen.drop_rare,
    )


def table_of(data: Any, labels: Any = None, encoding: str | None = None) -> Table:
    """The table that a person gives.

    :param data: the path of a file; a data frame, an Arrow table or a data set; or texts, or `Row` objects.
    :param labels: of each text, its label; where ``data`` has columns they stand in one of them.
    :param encoding: of a text file, if it is known.
    :raises InputError: if it is none of these, texts and labels do not fit together, or one is no text.
    """
    if labels is not None:
        return _listed(data, labels)
    if isinstance(data, Table):
        return data
    if isinstance(data, (str, Path)):
        return open_table(Path(data), encoding=encoding)
    names = getattr(data, "column_names", None)  # of data sets and Arrow tables; data frames have ``columns``
    names = getattr(data, "columns", None) if not isinstance(names, list) else names
    if names is None or not hasattr(data, "__getitem__"):
        if isinstance(data, tuple) and len(data) == 2:
            return _listed(*data)
        raise InputError(
            f"A value of the type {type(data).__name__} is no table of labelled rows.",
            "Give a file, a data frame, a data set, or texts with their labels.",
        )
    names = list(names)
    if len(set(map(str, names))) < len(names):
        raise InputError("Two columns of the table share a name.", "Give each its own name.")
    columns = {
        str(name): cells_of(values_of(data[name], "a column"), _label_name(data, name)) for name in names
    }
    return _table(f"the {type(data).__name__}", columns)


def _listed(texts: Any, labels: Any) -> Table:
    if isinstance(texts, (str, Path)):
        raise InputError(
            "Labels are given beside a single text or path.",
            "Give a list of texts, or the table's path alone.",
        )
    rows, own = values_of(texts, "texts"), values_of(labels, "labels")
    if len(rows) != len(own):
        raise InputError(
            f"There are {len(rows):,} texts and {len(own):,} labels.", "Give each text one label."
        )
    checked = []
    for number, row in enumerate(rows, start=1):
        try:
            checked.append(check_row(row.text, row.text_pair) if isinstance(row, Row) else check_row(row))
        except InputError as error:
            raise InputError(f"Row {number}: {error.message}", error.hint) from None
    for number, label in enumerate(own, start=1):
        if isinstance(label, (list, tuple, dict, set)):
            raise InputError(
                f"The label of row {number} is a {type(label).__name__}.", "Give one label each."
            )
    columns = {"text": [row.text for row in checked]}
    known = {"text": "text", "label": "label"}
    if any(row.has_pair for row in checked):
        columns["text_pair"] = [row.text_pair or "" for row in checked]
        known["pair"] = "text_pair"
    return _table("the list", {**columns, "label": cells_of(own)}, known)


def _table(name: str, columns: dict[str, list[str]], known: Mapping[str, str] | None = None) -> Table:
    if not columns or not next(iter(columns.values())):
        raise InputError(f"There are no rows in {name}.", "Give rows with a text and a label.")
    # Its columns have names, as those of Parquet have, so that no row is taken for a header.
    cells = tuple(columns.values())
    return MemoryTable(Path(name), Format("parquet"), tuple(columns), cells=cells, known=known or {})


def cells_of(values: list[Any], named: Callable[[Any], Any] | None = None) -> list[str]:
    """Values as cells of a table, as texts; a missing one is empty.

    :param named: what tells the name that a value stands for.
    """
    return [_text(named(value) if named is not None and value is not None else value) for value in values]


def _text(value: Any) -> str:
    if type(value).__name__ in _MISSING:
        return ""
    return text_of(value.item() if hasattr(value, "item") and hasattr(value, "dtype") else value)


def _label_name(data: Any, column: Any) -> Callable[[Any], Any] | None:
    """What tells the name of a label that a data set holds as a number; None for any other column."""
    features = getattr(data, "features", None)
    feature = features.get(column) if isinstance(features, dict) else None
    found: Callable[[Any], Any] | None = getattr(feature, "int2str", None)
    return found

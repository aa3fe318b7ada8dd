"""Tables of text in files: CSV, TSV, JSON lines and Parquet, read as streams, and their columns found."""

from __future__ import annotations

from skillstack.tables.batch import Batch
from skillstack.tables.columns import Columns, TextColumns, find_columns, find_text
from skillstack.tables.formats import Format, format_of
from skillstack.tables.rules import Reason
from skillstack.tables.table import Table, open_table
from skillstack.tables.writing import Cell, free_names, table_writer

__all__ = [
    "Batch",
    "Cell",
    "Columns",
    "Format",
    "Reason",
    "Table",
    "TextColumns",
    "find_columns",
    "find_text",
    "format_of",
    "free_names",
    "open_table",
    "table_writer",
]

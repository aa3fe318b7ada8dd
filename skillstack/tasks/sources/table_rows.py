"""The usable rows of a table as examples, and the hashes that decide what becomes of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from skillstack.errors import InputError
from skillstack.frames.rows import Row, check_row
from skillstack.tables import Columns, Table
from skillstack.tasks.sampling import sample_hash
from skillstack.tasks.sources.choice import Choice, Ledger, Settled
from skillstack.tasks.task import Example


class TableRows:
    """The usable rows of a table, read anew by each method, and how many rows there are.

    :ivar rows: rows read, empty ones included.
    :ivar empty: rows without a text.
    :ivar unlabelled: rows with a text and no label.
    """

    def __init__(self, table: Table, columns: Columns, seed: int, name: str) -> None:
        self._table, self._columns, self._seed, self._name = table, columns, seed, name
        self._index = {label: place for place, label in enumerate(columns.labels)}
        self.rows = self.empty = self.unlabelled = 0

    def noted(self) -> Settled:
        """Each of them once, by its hashes.

        :raises InputError: if a text cannot be used; it names the line.
        """
        ledger = Ledger()
        for example in self.examples():
            ledger.add(self._key(example.row), _place(example.row), example.label)
        return ledger.settle()

    def chosen(self, choice: Choice) -> tuple[list[Example], list[Example]]:
        """The rows to train with and those held back, each once, in the order of their hashes."""
        train: dict[int, Example] = {}
        test: dict[int, Example] = {}
        for example in self.examples():
            key = self._key(example.row)
            if key in choice.train:
                train.setdefault(key, example)
            elif key in choice.test:
                test.setdefault(key, example)
        return [train[key] for key in sorted(train)], [test[key] for key in sorted(test)]

    def examples(self) -> Iterator[Example]:
        """Each usable row, as it comes.

        :raises InputError: if a text cannot be used; it names the line.
        """
        self.rows = self.empty = self.unlabelled = 0
        text, label = (self._table.columns.index(c) for c in (self._columns.text, self._columns.label))
        pair = self._table.columns.index(self._columns.pair) if self._columns.pair is not None else None
        for batch in self._table.batches():
            self.rows += len(batch.rows) + batch.empty
            self.empty += batch.empty
            for cells, line in zip(batch.rows, batch.lines, strict=True):
                second = cells[pair] if pair is not None else None
                if not cells[text].strip() or (second is not None and not second.strip()):
                    self.empty += 1
                elif not cells[label].strip():
                    self.unlabelled += 1
                else:
                    yield self._example(cells[text], second, cells[label].strip(), line)

    def _example(self, text: str, second: str | None, label: str, line: int) -> Example:
        where = f"{self._table.path}, line {line}"
        try:
            row = check_row(text, second)
        except InputError as error:
            raise InputError(f"{where}: {error.message}", error.hint) from None
        if label not in self._index:
            raise InputError(f"{self._table.path} changed while it was read.", "Run the command again.")
        return Example(row, self._index[label])

    def _key(self, row: Row) -> int:
        return _number(sample_hash(row, self._seed, self._name))


def _number(digest: str) -> int:
    """The first 64 bits of a hash: enough to tell rows apart, and little enough to hold millions."""
    return int(digest[:16], 16)


def _place(row: Row) -> int:
    """Where a row stands between 0 and 2^64; below the share of the test part, it is held back.

    Another hash than that of the splits (:func:`skillstack.tasks.splits.split_hash`), which divide the rest.
    """
    texts = row.text if row.text_pair is None else f"{row.text}\0{row.text_pair}"
    return _number(hashlib.sha256(f"test\0{texts}".encode()).hexdigest())

"""Which columns of a table hold texts and labels, and which labels there are; never a guess."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any

from skillstack.data.headers import (
    MAX_LABEL_CHARACTERS,
    MAX_LABELS,
    TEXT_NAME,
    Profile,
    Reason,
    as_number,
    assumed_header,
    check_header,
    find_label,
    find_longest,
)
from skillstack.data.tables import Table
from skillstack.errors import InputError, UsageError, did_you_mean

#: More different numbers with fractions than this are measured, not named.
MAX_FRACTIONS = 20


def read_labels(column: Profile, least: int = 2) -> tuple[str, ...]:
    """The labels: the different values, sorted; by size if all of them are numbers.

    :param least: how many there have to be: two to learn from, one to be asked about.
    :raises InputError: if they are no classes: too few, more than 1,000, or the values of a quantity.
    """
    what = f"The label column {column.name[:80]!r}"
    hint = "Name another column with --label-column."
    if column.long:
        raise InputError(
            f"{what} holds values of more than {MAX_LABEL_CHARACTERS} characters, as texts have.", hint
        )
    count = f"more than {MAX_LABELS:,}" if column.uncounted else f"{len(column.values):,}"
    if column.numeric and column.fractional and (column.uncounted or len(column.values) > MAX_FRACTIONS):
        raise InputError(
            f"{what} holds {count} different numbers with fractions, as a regression target does.",
            "Only classes can be learned: put the numbers in a few ranges, or name another --label-column.",
        )
    if column.uncounted:
        kind = "a regression target or an id column" if column.numeric else "an id column or free text"
        raise InputError(f"{what} has {count} different values; it looks like {kind}.", hint)
    if len(column.values) < least:
        has = f"only the value {min(column.values)[:80]!r}" if column.values else "no values"
        raise InputError(f"{what} has {has}; there is nothing to tell apart.", "Two classes are needed.")
    if column.numeric:
        return tuple(sorted(column.values, key=lambda value: (as_number(value) or 0.0, value)))
    return tuple(sorted(column.values))


PAIR_NAME = "text_pair"


@dataclass(frozen=True)
class TextColumns:
    """Where the texts of a table stand.

    :ivar text: name of the column.
    :ivar pair: name of the column of second texts, or None.
    :ivar reasons: why, one for each.
    :ivar assumed: the first row, where it is only assumed to be a header; else empty.
    """

    text: str
    pair: str | None
    reasons: tuple[Reason, ...]
    assumed: tuple[str, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class Columns(TextColumns):
    """Where texts and labels of a table stand.

    :ivar label: name of the label column.
    :ivar labels: its different values, stripped and sorted; by size if all of them are numbers.
    :ivar rows: rows of the table that are not empty.
    :ivar characters: characters of all texts.
    """

    label: str
    labels: tuple[str, ...]
    rows: int
    characters: int

    def to_json(self) -> dict[str, Any]:
        """As JSON holds it."""
        value = asdict(self)
        value["assumed"] = list(self.assumed)
        return {**value, "labels": list(self.labels), "reasons": [asdict(r) for r in self.reasons]}


def find_columns(
    table: Table,
    text: str | None = None,
    pair: str | None = None,
    label: str | None = None,
    *,
    known: Collection[str] = (),
) -> Columns:
    """Where texts and labels stand; reads the table once.

    The label column is the one that is called so, else the only one with 2 to 200 values that repeat. The
    text column is the one whose cells are longest on average among the rest.

    :param text: name of the text column, if it is known.
    :param pair: name of the column of second texts; none is used unless it is named.
    :param label: name of the label column, if it is known.
    :param known: labels that are known already, if they are; the table may hold one of them alone.
    :raises UsageError: if a name is unknown, or more than one column could be meant.
    :raises InputError: if the table has no header, or its labels are none.
    """
    reasons = _named(table, text=text, pair=pair, label=label)
    named = bool(reasons)
    profiles, rows = _profiles(table)
    _check_rows(table, rows)
    if text is None or label is None:
        check_header(
            table, [p for name, p in profiles.items() if name not in (text, pair, label)], named=named
        )
    if label is None:
        others = [p for name, p in profiles.items() if name not in (text, pair)]
        reasons["label"] = find_label(table, others, known)
        label = reasons["label"].column
    labels = read_labels(profiles[label], least=1 if known else 2)
    if text is None:
        others = [p for name, p in profiles.items() if name not in (label, pair)]
        reasons["text"] = find_longest(table, others)
        text = reasons["text"].column
    return Columns(
        text=text,
        pair=pair,
        reasons=tuple(reasons[role] for role in ("text", "pair", "label") if role in reasons),
        label=label,
        labels=labels,
        rows=rows,
        characters=profiles[text].characters + (profiles[pair].characters if pair else 0),
        assumed=assumed_header(table) if not named else (),
    )


def find_text(table: Table, text: str | None = None, pair: str | None = None) -> TextColumns:
    """Where the texts stand, of a table without labels: the column ``text``, else the one that is longest.

    ``text_pair`` beside ``text`` holds second texts, as in JSON lines. Broken rows are passed over.

    :raises UsageError: if a name is unknown, or more than one column could be meant.
    :raises InputError: if the table has no header.
    """
    if text is None and TEXT_NAME in table.columns and pair != TEXT_NAME:
        text = TEXT_NAME
        if pair is None and PAIR_NAME in table.columns:
            pair = PAIR_NAME
    reasons = _named(table, text=text, pair=pair)
    named = bool(reasons)
    if text is None:
        profiles, rows = _profiles(table, lenient=True)
        _check_rows(table, rows)
        others = [profile for name, profile in profiles.items() if name != pair]
        check_header(table, others, named=named)
        reasons["text"] = find_longest(table, others)
        text = reasons["text"].column
    return TextColumns(
        text,
        pair,
        tuple(reasons[role] for role in ("text", "pair") if role in reasons),
        assumed=assumed_header(table) if not named else (),
    )


def _named(table: Table, **names: str | None) -> dict[str, Reason]:
    """The reasons of the columns that were named."""
    reasons: dict[str, Reason] = {}
    for role, name in names.items():
        if name is None:
            continue
        if name not in table.columns:
            raise UsageError(
                f"{table.path} has no column {name[:80]!r} for --{role}-column.",
                did_you_mean(name, table.columns),
            )
        for other in reasons.values():
            if other.column == name:
                raise UsageError(
                    f"--{other.role}-column and --{role}-column both name {name[:80]!r}.",
                    "Name two different columns.",
                )
        reasons[role] = Reason(role, name, "named")
    return reasons


def _profiles(table: Table, *, lenient: bool = False) -> tuple[dict[str, Profile], int]:
    profiles = {name: Profile(name) for name in table.columns}
    adders = [profile.add for profile in profiles.values()]
    rows = 0
    for batch in table.batches(lenient=lenient):
        rows += len(batch.rows) - len(batch.errors)
        for place, row in enumerate(batch.rows):
            if place in batch.errors:
                continue
            for add, cell in zip(adders, row, strict=True):
                add(cell)
    return profiles, rows


def _check_rows(table: Table, rows: int) -> None:
    if not rows:
        raise InputError(f"{table.path} has a header, but no rows.", "Give a table with rows.")

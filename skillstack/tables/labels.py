"""From the values of a label column to the labels of a task."""

from __future__ import annotations

from skillstack.errors import InputError
from skillstack.tables.profile import MAX_LABEL_CHARACTERS, MAX_LABELS, Profile, as_number

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

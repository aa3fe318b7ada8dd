"""Router samples kept as references: digests of rows that ship with the package, instead of texts."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from skillstack.errors import IntegrityError
from skillstack.frames.rows import Row
from skillstack.tasks.sources.starter import StarterSource

_PREFIX = "starter/"


def is_referable(source: str) -> bool:
    """Whether rows of this source (:attr:`SourceInfo.name`) ship with the package."""
    return source.startswith(_PREFIX) and source.removeprefix(_PREFIX) in StarterSource().names()


def resolve(source: str, digests: Iterable[str]) -> tuple[Row, ...]:
    """The rows of these digests (:meth:`Row.digest`), in their order.

    Rows are found among the train rows of the starter task, whose digests are computed anew.

    :param source: "starter/" and the name of a starter task.
    :raises IntegrityError: if the source is no starter task, or a row is not there.
    """
    if not is_referable(source):
        raise IntegrityError(
            f"Router samples refer to {source[:80]!r}, which does not ship with this version.",
            "Install the version that wrote them, or train again with samples kept as text.",
        )
    rows = _rows_by_digest(source.removeprefix(_PREFIX))
    found = []
    for digest in digests:
        if digest not in rows:
            raise IntegrityError(
                f"Router samples refer to the row {digest[:12]} of {source}, which is not there.",
                "The record or the installed starter data was altered; install the package again.",
            )
        found.append(rows[digest])
    return tuple(found)


@lru_cache(maxsize=16)
def _rows_by_digest(name: str) -> dict[str, Row]:
    return {example.row.digest(): example.row for example in StarterSource().load(name).train}

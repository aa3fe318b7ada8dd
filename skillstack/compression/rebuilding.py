"""A smaller stack put in the place of the one that it was made from."""

from __future__ import annotations

from collections.abc import Sequence

from skillstack.compression.present import Subject
from skillstack.store import transactions
from skillstack.store.canonical import sha256
from skillstack.store.store import Store


def put_in_place(
    store: Store,
    subject: Subject,
    ids: Sequence[str],
    *,
    verb: str,
    note: str,
    transaction: str | None = None,
) -> str | None:
    """Make the stack hold just these contents, as one transaction; returns its new tip.

    :param ids: of contents in the store, oldest first.
    :param verb: what was done; it tells the transaction from others with the same outcome.
    :param transaction: that this step belongs to; by default one of its own.
    :raises BusyError: if the stack was changed meanwhile.
    :raises StoreError: if the stack is read-only or the disk fails; nothing has changed then.
    """
    tip = subject.frames[-1].id
    own = transaction or sha256("\n".join([verb, tip, *ids]).encode())
    return transactions.rebuild(store, subject.name, ids, transaction=own, note=note, expected=tip)

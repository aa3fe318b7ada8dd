"""Bringing a stack into a store: its files first, then the history line, then the tip."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from skillstack.errors import StoreError, UsageError
from skillstack.frames import atomic, transactions, withheld
from skillstack.frames.cargo import Cargo, Item
from skillstack.frames.locks import training_lock
from skillstack.frames.names import check_name
from skillstack.frames.store import REFERENCE, Store

#: How the transaction of an import begins.
TRANSACTION = "import:"


@dataclass(frozen=True)
class Imported:
    """A stack that was brought in.

    :ivar stack: its name here.
    :ivar tip: id of its newest node.
    :ivar frames: how many frames it has.
    :ivar new: whether it was not here already.
    :ivar written: files that were not here already.
    :ivar texts: rows of sample texts that came along.
    :ivar kept_back: rows of sample texts that did not, and are not here either.
    :ivar router: whether the router's state came along and fits.
    :ivar current: whether commands mean it when none is named.
    """

    stack: str
    tip: str
    frames: int
    new: bool
    written: int
    texts: int
    kept_back: int
    router: bool
    current: bool = False


def check_new_name(name: str, hint: str) -> str:
    """This name, if a stack that is brought in may have it.

    :raises UsageError: if it is no name, or the one of the stack that ships with the package.
    """
    if check_name(name, "The stack") == REFERENCE:
        raise UsageError(f"The name {REFERENCE!r} is kept for the stack that ships with the package.", hint)
    return name


def place(
    source: Store,
    cargo: Cargo,
    measured: Sequence[Item],
    store: Store,
    name: str,
    *,
    router: Mapping[Path, bytes],
    note: str,
    hint: str,
) -> Imported:
    """Copy a chain from one store to another, and make it a stack there. Again, it changes nothing.

    :param measured: measurements to copy; those that are here stay.
    :param router: files of the router's state, by the place where they belong.
    :param note: what the history says.
    :param hint: what to do when the name is taken.
    :raises UsageError: if another stack has the name.
    :raises StoreError: if the store is for reading only, or the disk refuses; no stack has changed then.
    """
    check_new_name(name, hint)
    store.check_writable()
    if store.tip(name) not in (None, cargo.tip):
        raise UsageError(f"There is a stack {name!r} in {store.root} already, and it is another one.", hint)
    with training_lock(store.root, name):
        written = _write(source, cargo, measured, store, router)
        new = store.tip(name) is None
        if new:
            transaction = f"{TRANSACTION}{uuid.uuid4().hex}"
            transactions.move(
                store, name, "push", cargo.tip, expected=None, transaction=transaction, note=note
            )
    return Imported(
        stack=name,
        tip=cargo.tip,
        frames=len(cargo.chain),
        new=new,
        written=written,
        texts=sum(texts.rows for texts in cargo.texts),
        kept_back=sum(t.rows for t in cargo.kept_back if store.is_withheld(f"samples/{t.digest}")),
        router=bool(router),
    )


def check_room(store: Store, size: int) -> None:
    """Refuse at once what the disk has no room for.

    :param size: bytes that would be written.
    :raises StoreError: if there is less.
    """
    free = shutil.disk_usage(store.root).free
    if size > free:
        raise StoreError(
            f"The disk is full: {size:,} bytes are needed at {store.root}, and {free:,} are free.",
            "Free some space and run the command again.",
        )


def _write(
    source: Store, cargo: Cargo, measured: Sequence[Item], store: Store, router: Mapping[Path, bytes]
) -> int:
    written = 0
    with atomic.Batch() as batch:
        for texts in cargo.kept_back:
            place = f"samples/{texts.digest}"
            if not (store.root / place).is_file():
                record = withheld.to_bytes(texts.digest, texts.rows)
                batch.add(store.root / f"{place}{withheld.SUFFIX}", record)
        new = [item for item in measured if not (store.root / item.path).is_file()]
        for items in (*cargo.stages, new):
            for item in items:
                path = store.root / item.path
                written += not path.is_file()
                # Written again where it is there and altered: the digest says which of the two is right.
                batch.add(path, source.read_checked(item.path, item.digest))
            batch.settle()
        for texts in cargo.texts:
            atomic.remove_file(store.root / f"samples/{texts.digest}{withheld.SUFFIX}")
        for path, data in router.items():
            written += not path.is_file()
            batch.add(path, data)
        batch.settle()
    return written

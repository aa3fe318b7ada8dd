"""Finding the store and the stack that a command means."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from skillstack.errors import StoreError
from skillstack.store.fields import check_name
from skillstack.store.marker import MARKER
from skillstack.store.store import REFERENCE, Store


@dataclass(frozen=True)
class Found:
    """A store and how it was found.

    :ivar store: the store.
    :ivar packaged: whether it is the copy inside the package, used because there is no other.
    """

    store: Store
    packaged: bool = False


def find_store(
    explicit: str | None = None,
    *,
    create: bool = False,
    here: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Found:
    """The store: the explicit one, ``SKILLSTACK_STORE``, the nearest ``frames/store.json`` here or above.

    Without any, ``./frames`` is made if ``create``, and else the packaged reference store is used.

    :raises StoreError: if the named one does not exist (and may not be made), or cannot be read.
    """
    environ = os.environ if environ is None else environ
    here = (here or Path.cwd()).resolve()
    named = explicit or environ.get("SKILLSTACK_STORE")
    if named:
        root = Path(named).expanduser()
        # People name the project folder as often as the store inside it.
        if not (root / MARKER).exists() and (root / "frames" / MARKER).exists():
            root = root / "frames"
        return Found(Store.create(root) if create else Store.open(root))
    for folder in (here, *here.parents):
        if (folder / "frames" / MARKER).is_file():
            return Found(Store.open(folder / "frames"))
    if create:
        return Found(Store.create(here / "frames"))
    packaged = packaged_store()
    if packaged is None:
        raise StoreError("There is no store here.", "Train something first, or pass --store.")
    return Found(packaged, packaged=True)


def store_folder(explicit: str | None = None) -> Path:
    """The store that a command would change: where it is, or where it would be made. Nothing is made."""
    try:
        found = find_store(explicit)
        if not found.packaged:
            return found.store.root
    except StoreError:
        pass
    return Path(explicit or os.environ.get("SKILLSTACK_STORE") or Path.cwd() / "frames").expanduser()


def store_to_add_to(explicit: str | None = None) -> Store:
    """The store that a command would change. One that is not there yet is made by `Store.create`, not here.

    :raises StoreError: if the one that is there cannot be read.
    """
    root = store_folder(explicit)
    if (root / MARKER).exists():
        return Store.open(root)
    return Store(root, (root.resolve().parent if root.name == "frames" else root) / "routers")


def packaged_store() -> Store | None:
    """The reference store of this installation, for reading only; None where it was left out.

    It lies inside the package, or, where the installation points at a clone, at the clone's top.
    """
    package = Path(__file__).resolve().parents[1]
    for root in (package / "reference" / "frames", package.parent / "frames"):
        if (root / MARKER).is_file() and (root / "stacks" / REFERENCE).is_file():
            return Store.open(root, read_only=True)
    return None


def holding(found: Found, stack: str) -> Found:
    """The store that holds a stack: this one, or the copy inside the package for the reference stack.

    No other stack can have that name, so whoever says it means that one, whatever store is here.
    """
    if stack == REFERENCE and stack not in found.store.stacks():
        packaged = packaged_store()
        if packaged is not None:
            return Found(packaged, packaged=True)
    return found


def choose_stack(store: Store, explicit: str | None = None, environ: Mapping[str, str] | None = None) -> str:
    """The stack: the explicit one, ``SKILLSTACK_STACK``, the current one, the only one, ``reference``.

    While a store's first training is under way, no stack is the current one yet. Of the copy inside the
    package only ``reference`` is meant: in a clone that is the store in which people train as well.

    :raises UsageError: if the name is none.
    """
    environ = os.environ if environ is None else environ
    named = explicit or environ.get("SKILLSTACK_STACK")
    if named:
        return check_name(named, "The stack")
    if store.read_only:
        return REFERENCE
    current = store.head_stack()
    if current is not None:
        return current
    stacks = store.stacks()
    return stacks[0] if len(stacks) == 1 else REFERENCE

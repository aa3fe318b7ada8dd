"""Whole stacks: listed, chosen, copied, renamed, deleted, brought in from a file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from skillstack.errors import StoreError
from skillstack.routers.stack_router import StackRouter
from skillstack.store.fields import check_name
from skillstack.store.files import Patience, no_patience
from skillstack.store.locate import choose_stack, find_store, holding
from skillstack.store.stacks import is_deleted
from skillstack.store.store import MAIN, REFERENCE, Store

if TYPE_CHECKING:
    from skillstack.store.bundle_reader import Imported


@dataclass(frozen=True)
class StackInfo:
    """A stack as `stacks` lists it.

    :ivar name: its name.
    :ivar frames: how many frames it has.
    :ivar tip: id of the newest, or None.
    :ivar current: whether commands mean it when none is named.
    :ivar read_only: whether it ships with the package.
    :ivar deleted: whether it was deleted or renamed; `Stack.undo` brings it back.
    """

    name: str
    frames: int
    tip: str | None
    current: bool
    read_only: bool
    deleted: bool = False


def stacks(store: str | Path | None = None, *, deleted: bool = False) -> list[StackInfo]:
    """The stacks of a store, by name.

    :param deleted: list those too that were deleted or renamed and can be brought back.
    :raises StoreError: if there is no such store.
    """
    found = find_store(str(store) if store is not None else None)
    current = choose_stack(found.store)
    names = [REFERENCE] if found.packaged else found.store.stacks()
    gone = {name for name in names if is_deleted(found.store, name)}
    return [
        StackInfo(
            name=name,
            frames=sum(1 for _ in found.store.chain(name)),
            tip=found.store.tip(name),
            current=name == current,
            read_only=name == REFERENCE or found.store.read_only,
            deleted=name in gone,
        )
        for name in names
        if deleted or name not in gone
    ]


def use(name: str, store: str | Path | None = None) -> str:
    """Make a stack the current one; returns its name.

    :raises UsageError: if there is no such stack.
    :raises StoreError: if the store is for reading only.
    """
    found = find_store(str(store) if store is not None else None)
    found.store.set_head_stack(found.store.check_stack(name))
    return name


def import_stack(path: str | Path, *, name: str | None = None, store: str | Path | None = None) -> Imported:
    """Bring a stack in from a file that `Stack.export` wrote; the store is made where there is none.

    Everything is checked before anything is written. A stack that is here already is left as it is. As after
    `Stack.train` and `Stack.learn`, it is the current stack then.

    :param name: its name here; by default the one that it had.
    :raises UsageError: if another stack has the name.
    :raises IntegrityError: if the file is damaged, or no bundle of a stack.
    :raises StoreError: if a newer version made it, or the store cannot be written.
    """
    from skillstack.store.bundle_reader import check_new_name, check_room, open_bundle, place

    with open_bundle(Path(path)) as (bundle, contents):
        hint = "Give it another name with --as."
        wanted = check_new_name(name or bundle.manifest.stack, hint)
        to = find_store(str(store) if store is not None else None, create=True).store
        check_room(to, bundle.size)
        router = StackRouter(to, wanted)
        fitting = router.fitting(contents.chain, bundle.router())
        imported = place(
            bundle,
            contents,
            bundle.measured(),
            to,
            wanted,
            router={to.routers / wanted / file: data for file, data in fitting.items()},
            note=f"import {bundle.manifest.stack}",
            hint=hint,
        )
    if to.head_stack() != wanted:
        to.set_head_stack(wanted)
    return replace(imported, current=True)


def copy(old: str, new: str, store: str | Path | None = None, *, patience: Patience = no_patience) -> str:
    """Give the frames of a stack a second name; returns the tip.

    The reference stack inside the package is copied into a store here, which is made where there is none.

    :param patience: with a training of a stack of the new name; by default none.
    :raises UsageError: if there is no such stack, it is empty, or the new name is taken.
    :raises StoreError: if the store cannot be written.
    """
    from skillstack.store import stacks as renaming
    from skillstack.store.bundle import bundle_contents, measurements
    from skillstack.store.bundle_reader import check_new_name, place

    found = holding(find_store(str(store) if store is not None else None), old)
    tip = found.store.tip(found.store.check_stack(old))
    to, hint = found.store, "Choose another name."
    if found.packaged and tip is not None:
        check_new_name(new, hint)
        to = find_store(str(store) if store is not None else None, create=True).store
        contents = bundle_contents(found.store, tip)
        router = _router_files(found.store, old, to, new)
        measured = measurements(found.store, contents)
        note = f"copy the stack {old}"
        place(
            found.store, contents, measured, to, new, router=router, note=note, hint=hint, patience=patience
        )
        if to.head_stack() is None:
            to.set_head_stack(new)
        return tip
    return renaming.copy(to, old, new, router=_router_files(to, old, to, new), patience=patience)


def rename(old: str, new: str, store: str | Path | None = None) -> str:
    """Give a stack another name; returns the tip. `Stack.undo` takes it back under either name.

    :raises UsageError: if there is no such stack, it is empty, or the new name is taken.
    :raises StoreError: if the store or the stack is for reading only.
    """
    from skillstack.store import stacks as renaming

    to = find_store(str(store) if store is not None else None).store
    to.check_stack(old)
    return renaming.rename(to, old, new, router=_router_files(to, old, to, new))


def delete(name: str, store: str | Path | None = None) -> str:
    """Take a stack from the list; returns the tip that it had. `Stack.undo` brings it back.

    :raises UsageError: if there is no such stack, or it is empty.
    :raises StoreError: if the store or the stack is for reading only.
    """
    from skillstack.store import stacks as renaming

    return renaming.delete(find_store(str(store) if store is not None else None).store, name)


def _router_files(store: Store, old: str, to: Store, new: str) -> dict[Path, bytes]:
    """The files of a stack's router by the places where a stack of another name looks for them."""
    check_name(new, "The stack")
    chain = store.contents(old)
    if not chain:
        return {}
    files = StackRouter(store, old).files(chain, fit=False)
    return {to.routers / new / file: data for file, data in files.items()}


def stack_to_add_to(store: str | Path | None, stack: str | None, *, own_base: bool) -> tuple[str, bool]:
    """The stack that a skill is added to, and whether it is to be made first, a copy of the reference one.

    :param own_base: whether a base was named, so that a stack of another base is no place for it.
    """
    try:
        found = find_store(str(store) if store is not None else None)
    except StoreError:
        return check_name(stack or MAIN, "The stack"), False
    chosen = choose_stack(found.store, stack)
    if chosen != REFERENCE:
        return chosen, False
    taken = not found.packaged and found.store.tip(MAIN) is not None
    return MAIN, found.store.tip(REFERENCE) is not None and not taken and not own_base

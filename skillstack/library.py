"""The stacks of a store: listed, chosen, copied, renamed, deleted, carried, checked and tidied."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from skillstack.errors import StoreError
from skillstack.routers.stack_router import StackRouter, needed_states, router_file_check, unneeded_states
from skillstack.store import stacks as whole
from skillstack.store.fields import check_name
from skillstack.store.files import Patience, no_patience
from skillstack.store.locate import Found, choose_stack, find_store, holding
from skillstack.store.store import REFERENCE, Store

if TYPE_CHECKING:
    from skillstack.store.bundle_reader import Imported
    from skillstack.store.bundle_writer import Exported
    from skillstack.store.gc import Garbage
    from skillstack.store.verify import Verification


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


class Library:
    """The stacks of a store.

    >>> Library("frames").copy("reference", "mine")  # doctest: +SKIP

    :param store: its folder; by default ``SKILLSTACK_STORE``, the nearest ``frames/`` here or above, or the
        reference stack inside the package.
    """

    def __init__(self, store: str | Path | None = None) -> None:
        self._folder = str(store) if store is not None else None

    def _found(self) -> Found:
        return find_store(self._folder)

    def _made(self) -> Store:
        """The store, which is made where there is none."""
        return find_store(self._folder, create=True).store

    @property
    def store(self) -> Store:
        """The store.

        :raises StoreError: if there is none.
        """
        return self._found().store

    def list(self, *, deleted: bool = False) -> list[StackInfo]:
        """The stacks, by name.

        :param deleted: list those too that were deleted or renamed and can be brought back.
        :raises StoreError: if there is no such store.
        """
        found = self._found()
        store, current = found.store, choose_stack(found.store)
        names = [REFERENCE] if found.packaged else store.stacks()
        gone = {name for name in names if whole.is_deleted(store, name)}
        return [
            StackInfo(
                name=name,
                frames=sum(1 for _ in store.chain(name)),
                tip=store.tip(name),
                current=name == current,
                read_only=name == REFERENCE or store.read_only,
                deleted=name in gone,
            )
            for name in names
            if deleted or name not in gone
        ]

    def use(self, name: str) -> str:
        """Make a stack the current one; returns its name.

        :raises UsageError: if there is no such stack.
        :raises StoreError: if the store is for reading only.
        """
        store = self.store
        store.set_head_stack(store.check_stack(name))
        return name

    def copy(self, old: str, new: str, *, patience: Patience = no_patience) -> str:
        """Give the frames of a stack a second name; returns the tip.

        The reference stack inside the package is copied into a store here, which is made where there is none.

        :param patience: with a training of a stack of the new name; by default none.
        :raises UsageError: if there is no such stack, it is empty, or the new name is taken.
        :raises StoreError: if the store cannot be written.
        """
        found = holding(self._found(), old)
        tip = found.store.tip(found.store.check_stack(old))
        if not found.packaged or tip is None:
            router = _router_files(found.store, old, found.store, new)
            return whole.copy(found.store, old, new, router=router, patience=patience)
        from skillstack.store.bundle import bundle_contents, measurements
        from skillstack.store.bundle_reader import check_new_name, place

        hint = "Choose another name."
        check_new_name(new, hint)
        to = self._made()
        contents = bundle_contents(found.store, tip)
        place(
            found.store,
            contents,
            measurements(found.store, contents),
            to,
            new,
            router=_router_files(found.store, old, to, new),
            note=f"copy the stack {old}",
            hint=hint,
            patience=patience,
        )
        if to.head_stack() is None:
            to.set_head_stack(new)
        return tip

    def rename(self, old: str, new: str) -> str:
        """Give a stack another name; returns the tip. `Stack.undo` takes it back under either name.

        :raises UsageError: if there is no such stack, it is empty, or the new name is taken.
        :raises StoreError: if the store or the stack is for reading only.
        """
        store = self.store
        store.check_stack(old)
        return whole.rename(store, old, new, router=_router_files(store, old, store, new))

    def delete(self, name: str) -> str:
        """Take a stack from the list; returns the tip that it had. `Stack.undo` brings it back.

        :raises UsageError: if there is no such stack, or it is empty.
        :raises StoreError: if the store or the stack is for reading only.
        """
        return whole.delete(self.store, name)

    def import_stack(self, path: str | Path, *, name: str | None = None) -> Imported:
        """Bring a stack in from a file that `export_stack` wrote; the store is made where there is none.

        Everything is checked before anything is written. A stack that is here already is left as it is. As
        after `Stack.train` and `Stack.learn`, it is the current stack then.

        :param name: its name here; by default the one that it had.
        :raises UsageError: if another stack has the name.
        :raises IntegrityError: if the file is damaged, or no bundle of a stack.
        :raises StoreError: if a newer version made it, or the store cannot be written.
        """
        from skillstack.store.bundle_reader import check_new_name, check_room, open_bundle, place

        with open_bundle(Path(path)) as (bundle, contents):
            hint = "Give it another name with --as."
            wanted = check_new_name(name or bundle.manifest.stack, hint)
            to = self._made()
            check_room(to, bundle.size)
            fitting = StackRouter(to, wanted).fitting(contents.chain, bundle.router())
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

    def export_stack(self, name: str, path: str | Path, *, with_texts: bool = False) -> Exported:
        """Write a stack into one file, which `import_stack` reads; the same stack gives the same bytes.

        :param with_texts: whether the router's sample texts go along. Without them the router routes as it
            is, and cannot be fitted anew on the other side.
        :raises UsageError: if there is no such stack, or it is empty.
        :raises IntegrityError: if one of its files is missing or altered.
        :raises StoreError: if the disk refuses, or something else lies at the path.
        """
        store = holding(self._found(), name).store
        return export_from(store, store.check_stack(name), path, with_texts=with_texts)

    def verify(self) -> Verification:
        """Check every file of the store; nothing is loaded. `Stack.verify` asks the frames as well."""
        return verify_files(self.store)

    def gc(self, *, dry_run: bool = True, expire_now: bool = False) -> Garbage:
        """Find, and unless ``dry_run`` remove, what no stack of the store needs.

        :param expire_now: do not keep two weeks of undo.
        """
        from skillstack.store.gc import collect

        store = self.store
        return collect(store, dry_run=dry_run, expire_now=expire_now, rebuildable=unneeded_states(store))


def export_from(store: Store, name: str, path: str | Path, *, with_texts: bool) -> Exported:
    """Write a stack of a store into one file: `Library.export_stack`."""
    from skillstack.store.bundle_writer import export

    chain = store.contents(name)
    files = StackRouter(store, name).files(chain) if chain else {}
    router = {file.name: data for file, data in files.items()}
    return export(store, name, Path(path), with_texts=with_texts, router=router)


def verify_files(store: Store) -> Verification:
    """Check every file of a store: `Library.verify`."""
    from skillstack.store.verify import verify

    try:
        needed = needed_states(store)
    except StoreError:
        needed = None  # verify says what is damaged
    return verify(store, other_files=router_file_check(needed))


def _router_files(store: Store, old: str, to: Store, new: str) -> dict[Path, bytes]:
    """The files of a stack's router by the places where a stack of another name looks for them."""
    check_name(new, "The stack")
    chain = store.contents(old)
    if not chain:
        return {}
    files = StackRouter(store, old).files(chain, fit=False)
    return {to.routers / new / file: data for file, data in files.items()}

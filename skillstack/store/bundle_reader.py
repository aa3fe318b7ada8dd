"""A bundle, read as the store that it came from, and checked before anything is believed.

What is refused: entries that are encrypted, links, doubled or of an unknown path; sizes that the bundle's
own size cannot explain; bytes without the promised digest; files that the chain does not name, or too few.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import stat
import uuid
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from skillstack.errors import IntegrityError, StoreError, UsageError
from skillstack.store import canonical, files, removal, tensors, transactions
from skillstack.store.bundle import (
    MANIFEST,
    BundleContents,
    BundleFile,
    Manifest,
    bundle_contents,
    check_path,
)
from skillstack.store.fields import check_name
from skillstack.store.files import Patience, as_store_error, no_patience, training_lock
from skillstack.store.learned import read_learned
from skillstack.store.samples import REDACTED_SUFFIX, redaction_bytes, redaction_path
from skillstack.store.states import read_state
from skillstack.store.store import MAX_FILE, REFERENCE, Store

#: A stack of a thousand frames has some eight thousand files.
MAX_ENTRIES = 200_000
MAX_MANIFEST = 64 << 20

#: How much larger than the bundle its content may be; for bundles that somebody packed again, deflated.
MAX_RATIO = 20
_HINT = "Get the bundle again, or export it anew; nothing was written."
_PIECE = 1 << 20

#: How the transaction of an import begins.
TRANSACTION = "import:"


@dataclass(frozen=True)
class BundleStore(Store):
    """A bundle as a store to read from. `open_bundle` makes one.

    :ivar archive: the open zip archive.
    :ivar manifest: what it says of itself.
    :ivar redacted: rows of the redacted sample texts, by the digest of their set.
    """

    archive: zipfile.ZipFile = field(kw_only=True)
    manifest: Manifest = field(kw_only=True)
    redacted: Mapping[str, int] = field(kw_only=True)

    def read(self, relative: str) -> bytes:
        """A file of the bundle.

        :raises IntegrityError: if it is not there or cannot be unpacked.
        """
        return b"".join(_pieces(self.archive, relative))

    def is_redacted(self, relative: str) -> bool:
        """Whether samples were left out of the bundle."""
        record = redaction_path(relative)
        return record is not None and relative.partition("/")[2] in self.redacted

    def redacted_rows(self, digest: str) -> int:
        """How many rows a set of samples has that was left out."""
        return self.redacted[digest]

    def router(self) -> dict[str, bytes]:
        """The files of the router's state by their names; none where the bundle has none."""
        paths = [e.path for e in self.manifest.entries if e.path.startswith("router/")]
        return {path.partition("/")[2]: self.read(path) for path in paths}

    def measured(self) -> tuple[BundleFile, ...]:
        """The measurements in the bundle."""
        entries = self.manifest.entries
        return tuple(BundleFile(e.path, e.sha256) for e in entries if e.path.startswith("evaluations/"))

    @property
    def size(self) -> int:
        """Bytes of all files together, unpacked."""
        return sum(entry.size for entry in self.manifest.entries)


@contextlib.contextmanager
def open_bundle(path: Path) -> Iterator[tuple[BundleStore, BundleContents]]:
    """A bundle and what its chain consists of, after every check there is.

    :raises IntegrityError: if it is no bundle of a stack, damaged, or not what an export writes.
    :raises StoreError: if it cannot be read, or a newer version made it.
    """
    with contextlib.ExitStack() as opened:
        try:
            archive = opened.enter_context(zipfile.ZipFile(path))
            _check_entries(archive, path)
            record = _read_manifest(archive)
            _check_files(archive, record)
            redacted = {texts.digest: texts.rows for texts in record.redacted}
            bundle = BundleStore(path, path, True, archive=archive, manifest=record, redacted=redacted)
            contents = _check_chain(bundle)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError) as error:
            raise _refused(f"{path} is no whole zip archive: {str(error)[:120].rstrip('.')}") from None
        except OSError as error:
            raise as_store_error(error, path, "read") from error
        yield bundle, contents


def _refused(message: str) -> IntegrityError:
    return IntegrityError(f"{message}.", _HINT)


def _check_entries(archive: zipfile.ZipFile, path: Path) -> None:
    """Refuse what no export writes, from the bundle's directory alone."""
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise _refused(f"{path} holds {len(entries):,} files; at most {MAX_ENTRIES:,} are read")
    seen: set[str] = set()
    for entry in entries:
        name = entry.filename
        if entry.orig_filename != name:
            raise _refused(f"{path} holds the odd name {entry.orig_filename[:80]!r}")
        if name.endswith("/"):
            raise _refused(f"{path} holds the folder {name[:80]!r}, which is no file of a stack")
        if name in seen:
            raise _refused(f"{path} holds {name} twice")
        seen.add(name)
        if entry.flag_bits & 0x1:
            raise _refused(f"{path} is encrypted")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise _refused(f"{path} holds {name} as a link or device")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _refused(f"{path} is packed by a method that is not read here")
        if entry.file_size > MAX_FILE:
            raise _refused(f"{path} holds {name}, which is implausibly large")
    total, size = sum(entry.file_size for entry in entries), path.stat().st_size
    if total > MAX_RATIO * size + _PIECE:
        raise _refused(f"{path} of {size:,} bytes unpacks to {total:,}, which no stack does")


def _read_manifest(archive: zipfile.ZipFile) -> Manifest:
    names = set(archive.namelist())
    if MANIFEST not in names:
        raise IntegrityError(
            f"{archive.filename} has no {MANIFEST}: it is no bundle of a stack.",
            "`skillstack export` makes one.",
        )
    if archive.getinfo(MANIFEST).file_size > MAX_MANIFEST:
        raise _refused(f"{archive.filename} has a manifest that is implausibly large")
    data = b"".join(_pieces(archive, MANIFEST))
    record = Manifest.from_bytes(data, what=f"{archive.filename}/{MANIFEST}")
    # Only now, as a newer version may hold files of other names.
    for name in sorted(names - {MANIFEST}):
        check_path(name)
    promised = [entry.path for entry in record.entries]
    if len(set(promised)) < len(promised) or {*promised, MANIFEST} != names:
        odd = sorted(names.symmetric_difference({*promised, MANIFEST}))
        raise _refused(f"{archive.filename} does not hold what its manifest names{_such_as(odd)}")
    return record


def _check_files(archive: zipfile.ZipFile, record: Manifest) -> None:
    """Unpack every file, piece by piece, and compare size and digest."""
    for entry in record.entries:
        if archive.getinfo(entry.path).file_size != entry.size:
            raise _refused(f"{archive.filename} holds {entry.path} in another size than it says")
        digest = hashlib.sha256()
        for piece in _pieces(archive, entry.path):
            digest.update(piece)
        if digest.hexdigest() != entry.sha256:
            raise _refused(f"{archive.filename} holds {entry.path} altered: its digest is another one")


def _pieces(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    try:
        left = archive.getinfo(name).file_size
    except KeyError:
        raise _refused(f"{archive.filename} lacks {name}") from None
    with archive.open(name) as file:
        while piece := file.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise _refused(f"{archive.filename} holds more of {name} than it says")
            yield piece
    if left:
        raise _refused(f"{archive.filename} holds less of {name} than it says")


def _check_chain(bundle: BundleStore) -> BundleContents:
    """Read the chain from tip to root, and have exactly the files that it names, each of its format."""
    try:
        contents = bundle_contents(bundle, bundle.manifest.tip)
        needed = {item.path: item.digest for item in contents.items}
        found = {e.path: e.sha256 for e in bundle.manifest.entries if not _is_extra(e.path)}
        if needed != found:
            odd = sorted(needed.items() ^ found.items())
            raise _refused(f"{bundle.root} does not hold what its chain needs{_such_as(p for p, _ in odd)}")
        if {texts.digest for texts in contents.redacted} != set(bundle.redacted):
            raise _refused(f"{bundle.root} names samples as left out that its chain does not know")
        _check_formats(bundle, contents)
    except IntegrityError as error:
        raise IntegrityError(error.message, _HINT) from None
    return contents


def _check_formats(bundle: BundleStore, contents: BundleContents) -> None:
    for item in contents.items:
        folder = item.path.partition("/")[0]
        if folder == "canaries":
            bundle.canaries(item.digest)
        elif item.path.endswith("adapter_model.safetensors"):
            tensors.load(bundle.read(item.path), what=str(bundle.root / item.path))
    if bundle.manifest.format != contents.format:
        raise _refused(f"{bundle.root} says format {bundle.manifest.format} and holds {contents.format}")
    for _, content in contents.chain:
        for skill in content.skills:
            if skill.state is not None:
                read_state(bundle, skill.state)
            if skill.learned is not None:
                read_learned(bundle, skill.learned)
            if skill.head is None:
                continue
            shape = bundle.head(skill.head)["weight"].shape
            if shape != (len(skill.labels), content.base.hidden_size):
                raise _refused(f"{bundle.root} has a head of shape {shape} for {len(skill.labels)} labels")
    for entry in bundle.manifest.entries:
        folder, _, name = entry.path.partition("/")
        if folder == "evaluations":
            if name.partition("-")[0] not in contents.behaviours:
                raise _refused(f"{bundle.root} holds {entry.path}, a measurement of something else")
            canonical.unseal(bundle.read(entry.path), what=entry.path)


def _is_extra(path: str) -> bool:
    return path.startswith(("evaluations/", "router/"))


def _such_as(names: Iterable[str]) -> str:
    first = next(iter(names), None)
    return f", such as {first[:120]}" if first else ""


@dataclass(frozen=True)
class Imported:
    """A stack that was brought in.

    :ivar stack: its name here.
    :ivar tip: id of its newest node.
    :ivar frames: how many frames it has.
    :ivar new: whether it was not here already.
    :ivar written: files that were not here already.
    :ivar texts: rows of sample texts that came along.
    :ivar redacted: rows of sample texts that did not, and are not here either.
    :ivar router: whether the router's state came along and fits.
    :ivar current: whether commands mean it when none is named.
    """

    stack: str
    tip: str
    frames: int
    new: bool
    written: int
    texts: int
    redacted: int
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
    contents: BundleContents,
    measured: Sequence[BundleFile],
    store: Store,
    name: str,
    *,
    router: Mapping[Path, bytes],
    note: str,
    hint: str,
    patience: Patience = no_patience,
) -> Imported:
    """Copy a chain from one store to another, and make it a stack there. Again, it changes nothing.

    :param measured: measurements to copy; those that are here stay.
    :param router: files of the router's state, by the place where they belong.
    :param note: what the history says.
    :param hint: what to do when the name is taken.
    :param patience: with a training of a stack of this name.
    :raises UsageError: if another stack has the name.
    :raises StoreError: if the store is for reading only, or the disk refuses; no stack has changed then.
    """
    check_new_name(name, hint)
    store.check_writable()
    if store.tip(name) not in (None, contents.tip):
        raise UsageError(f"There is a stack {name!r} in {store.root} already, and it is another one.", hint)
    with training_lock(store.root, name, patience):
        written = _write(source, contents, measured, store, router)
        new = store.tip(name) is None
        if new:
            transaction = f"{TRANSACTION}{uuid.uuid4().hex}"
            transactions.move(
                store, name, "push", contents.tip, expected=None, transaction=transaction, note=note
            )
    return Imported(
        stack=name,
        tip=contents.tip,
        frames=len(contents.chain),
        new=new,
        written=written,
        texts=sum(texts.rows for texts in contents.texts),
        redacted=sum(t.rows for t in contents.redacted if store.is_redacted(f"samples/{t.digest}")),
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
    source: Store,
    contents: BundleContents,
    measured: Sequence[BundleFile],
    store: Store,
    router: Mapping[Path, bytes],
) -> int:
    written = 0
    store.admit(contents.format)
    with files.FileBatch() as batch:
        for texts in contents.redacted:
            place = f"samples/{texts.digest}"
            if not (store.root / place).is_file():
                record = redaction_bytes(texts.digest, texts.rows)
                batch.add(store.root / f"{place}{REDACTED_SUFFIX}", record)
        new = [item for item in measured if not (store.root / item.path).is_file()]
        for items in (*contents.stages, new):
            for item in items:
                path = store.root / item.path
                written += not path.is_file()
                # Written again where it is there and altered: the digest says which of the two is right.
                batch.add(path, source.read_checked(item.path, item.digest))
            batch.settle()
        for texts in contents.texts:
            removal.remove_file(store.root, store.root / f"samples/{texts.digest}{REDACTED_SUFFIX}")
        for path, data in router.items():
            written += not path.is_file()
            batch.add(path, data)
        batch.settle()
    return written

"""States: what a skill knows beside an adapter and a head, such as statistics, an index or a playbook.

A state is a folder ``states/<digest>/`` of ``state.json``, canonical JSON, and of safetensors files. Its
``manifest.json`` lists both with digests and sizes, and the folder is named by the digest of the manifest, so
that the name proves every file. The manifest is written last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from skillstack.errors import IntegrityError, StoreError
from skillstack.store import canonical, fields, files
from skillstack.store.canonical import check_digest, sha256

if TYPE_CHECKING:
    from skillstack.store.store import Store
    from skillstack.store.tensors import Tensors

#: Version of ``manifest.json`` and ``state.json``. To raise it: keep the reader of the old number.
FORMAT = 1
FOLDER = "states"
MANIFEST = "manifest.json"
VALUES = "state.json"
TENSORS = ".safetensors"

#: Files of one state at most, and bytes of its ``state.json``.
MAX_FILES, MAX_VALUES = 64, 256 << 20


@dataclass(frozen=True)
class StateFile:
    """A file of a state.

    :ivar name: ``state.json``, or a name that ends in ``.safetensors``.
    :ivar sha256: digest of its bytes.
    :ivar bytes: how many.
    """

    name: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class StateRef:
    """A state of the store, as a record names it.

    :ivar files: its files besides the manifest, sorted by name.
    """

    files: tuple[StateFile, ...]

    @property
    def manifest(self) -> bytes:
        """The bytes of ``manifest.json``."""
        return canonical.dumps({"format": FORMAT, **fields.plain(self)})

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest, which names the folder."""
        return sha256(self.manifest)

    @property
    def bytes(self) -> int:
        """Size of the files together."""
        return sum(file.bytes for file in self.files)

    def digests(self) -> dict[str, str]:
        """By the path relative to the store, the digest of each file."""
        folder = f"{FOLDER}/{self.digest}"
        found = {f"{folder}/{file.name}": file.sha256 for file in self.files}
        return {**found, f"{folder}/{MANIFEST}": self.digest}


@dataclass(frozen=True, eq=False)
class State:
    """What is in a state.

    :ivar type: what it is, by which a kind of skill knows how to read it.
    :ivar values: strings, integers, booleans, lists and objects.
    :ivar tensors: by the name of a file without its ending, tensors by their names.
    """

    type: str
    values: Mapping[str, Any] = field(default_factory=dict)
    tensors: Mapping[str, Tensors] = field(default_factory=dict)


def put_state(store: Store, state: State) -> StateRef:
    """Keep a state; an equal one is found again.

    :raises ValueError: if a value has no canonical form, a number is not finite, or a name is none.
    :raises StoreError: if the store is for reading only, or the disk refuses.
    """
    from skillstack.store import tensors  # brings numpy, which records do without

    store.check_writable()
    record = {"format": FORMAT, "type": state.type, "values": fields.plain(state.values)}
    data = {VALUES: canonical.dumps(record)}
    data |= {f"{stem}{TENSORS}": tensors.dump(named) for stem, named in state.tensors.items()}
    ref = StateRef(tuple(StateFile(name, sha256(data[name]), len(data[name])) for name in sorted(data)))
    parse_ref(fields.plain(ref))
    _values(data[VALUES], VALUES)
    for name, content in (*data.items(), (MANIFEST, ref.manifest)):
        files.write_new(store.root / FOLDER / ref.digest / name, content)
    return ref


def read_state(store: Store, ref: StateRef) -> State:
    """A state, each file of which was checked.

    :raises IntegrityError: if a file is missing or altered, or holds something else.
    :raises StoreError: if a newer version wrote it.
    """
    from skillstack.store import tensors  # brings numpy, which records do without

    folder = f"{FOLDER}/{ref.digest}"
    store.read_checked(f"{folder}/{MANIFEST}", ref.digest)
    data = {file.name: read_file(store, ref, file) for file in ref.files}
    what = str(store.root / folder)
    kind, values = _values(data.pop(VALUES), f"{what}/{VALUES}")
    named = {
        name.removesuffix(TENSORS): tensors.load(content, what=f"{what}/{name}")
        for name, content in data.items()
    }
    return State(kind, values, named)


def read_file(store: Store, ref: StateRef, file: StateFile) -> bytes:
    """The bytes of one file of a state, whose size is looked at before they are read.

    :raises IntegrityError: if they are missing or altered.
    """
    relative = f"{FOLDER}/{ref.digest}/{file.name}"
    path = store.root / relative
    if path.is_file() and path.stat().st_size != file.bytes:
        raise IntegrityError(
            f"{path} was altered: it has not the {file.bytes:,} bytes that its manifest promises.",
            "Restore it from a copy of the store.",
        )
    return store.read_checked(relative, file.sha256)


def check_files(store: Store, digest: str) -> Iterator[tuple[str, StoreError | None]]:
    """Each file of a state's folder, by its path relative to the store, with what is wrong with it, or None.

    :param digest: names the folder.
    """
    from skillstack.store import tensors  # brings numpy, which records do without

    manifest = f"{FOLDER}/{digest}/{MANIFEST}"
    try:
        check_digest(digest, "A state")
        ref = _from_manifest(store.read_checked(manifest, digest), str(store.root / manifest))
    except StoreError as error:
        yield manifest, error
        return
    yield manifest, None
    for file in ref.files:
        relative = f"{FOLDER}/{digest}/{file.name}"
        what = str(store.root / relative)
        try:
            data = read_file(store, ref, file)
            if file.name == VALUES:
                _values(data, what)
            else:
                tensors.load(data, what=what)
        except StoreError as error:
            yield relative, error
        else:
            yield relative, None


def parse_ref(value: object) -> StateRef:
    """A reference from a record.

    :raises ValueError: if it is none.
    :raises IntegrityError: if a digest of it is none.
    """
    v = fields.fields_of(StateRef, value)
    found = fields.sequence(v["files"], _file)
    names = [file.name for file in found]
    if names != sorted(set(names)) or VALUES not in names or len(names) > MAX_FILES:
        raise ValueError(f"a state of {VALUES} and other files, each once and sorted, expected")
    return StateRef(found)


def _file(value: object) -> StateFile:
    v = fields.fields_of(StateFile, value)
    file = StateFile(fields.name(v["name"]), fields.digest(v["sha256"]), fields.integer(v["bytes"]))
    if file.name != VALUES and not file.name.endswith(TENSORS):
        raise ValueError(f"{file.name!r} is no file of a state")
    if file.name == VALUES and file.bytes > MAX_VALUES:
        raise ValueError(f"{VALUES} is implausibly large")
    return file


def _from_manifest(data: bytes, what: str) -> StateRef:
    value = _versioned(data, what)
    return fields.reading(what, lambda: parse_ref(value))


def _values(data: bytes, what: str) -> tuple[str, dict[str, Any]]:
    value = _versioned(data, what)

    def read() -> tuple[str, dict[str, Any]]:
        v = fields.keys(value, {"type", "values"})
        return fields.name(v["type"]), fields.mapping(v["values"], lambda item: item)

    return fields.reading(what, read)


def _versioned(data: bytes, what: str) -> fields.Json:
    return fields.versioned(canonical.loads(data, what=what), FORMAT, what)

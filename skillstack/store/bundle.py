"""What a bundle holds: every file that a stack needs, with the digest that it must have; and its manifest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from skillstack.errors import IntegrityError, StoreError
from skillstack.store import canonical, fields
from skillstack.store.canonical import sha256
from skillstack.store.records import ADAPTER_FILES, FrameRecord
from skillstack.store.samples import TextSamples, redaction_path
from skillstack.store.store import Store

#: The newest format that is read; 2 is one with frame records of format 2. To raise it: keep the reader of
#: the old number, and write the lowest that holds what is in the bundle.
FORMAT = 2
MANIFEST = "manifest.json"
#: What a manifest calls the redacted texts; the format is older than the word.
_REDACTED = "kept_back"

#: The only paths that a bundle may hold besides the manifest.
_PATHS = re.compile(
    r"(nodes|contents|canaries)/[0-9a-f]{64}\.json"
    r"|(heads|learned)/[0-9a-f]{64}\.safetensors"
    r"|states/[0-9a-f]{64}/((manifest|state)\.json|[a-z0-9][a-z0-9._-]{0,51}\.safetensors)"
    r"|samples/[0-9a-f]{64}"
    r"|adapters/[a-z0-9][a-z0-9._-]{0,63}-[0-9a-f]{12}/"
    r"(adapter_config\.json|adapter_model\.safetensors|README\.md)"
    r"|evaluations/[0-9a-f]{64}-[a-z0-9][a-z0-9._-]{0,63}\.json"
    r"|router/state\.(json|safetensors)"
)

#: Folders of records, each of which may name what lies in those before it.
_RECORDS = ("contents", "nodes")


@dataclass(frozen=True)
class BundleFile:
    """A file of a store.

    :ivar path: relative to the store.
    :ivar digest: SHA-256 that its bytes must have.
    """

    path: str
    digest: str


@dataclass(frozen=True)
class BundleTexts:
    """A set of sample texts.

    :ivar digest: its digest.
    :ivar rows: how many rows it has.
    """

    digest: str
    rows: int


@dataclass(frozen=True)
class BundleContents:
    """The files of a chain, in an order in which they can be written one by one.

    What a record names comes before the record: files of contents, contents, nodes from the oldest to the
    newest. `stages` divides them where a crash must find the one before complete.

    :ivar tip: id of the newest node.
    :ivar chain: contents with their ids, of the oldest node first.
    :ivar items: the files, each once; samples that are redacted are not among them.
    :ivar texts: sets of sample texts among them.
    :ivar redacted: sets of sample texts that are not.
    """

    tip: str
    chain: tuple[tuple[str, FrameRecord], ...]
    items: tuple[BundleFile, ...]
    texts: tuple[BundleTexts, ...]
    redacted: tuple[BundleTexts, ...]

    @cached_property
    def stages(self) -> tuple[tuple[BundleFile, ...], ...]:
        """The items that may be written together: files of contents, then contents, then nodes.

        Among nodes the order is left to the disk: only a tip makes their chain matter.
        """
        folders = [item.path.partition("/")[0] for item in self.items]
        ranks = [_RECORDS.index(folder) + 1 if folder in _RECORDS else 0 for folder in folders]
        return tuple(
            tuple(item for item, at in zip(self.items, ranks, strict=True) if at == rank)
            for rank in range(len(_RECORDS) + 1)
        )

    @property
    def format(self) -> int:
        """The newest format of its frame records."""
        return max((content.format for _, content in self.chain), default=1)

    @cached_property
    def behaviours(self) -> frozenset[str]:
        """Digests by which measurements of these frames are found."""
        return frozenset(content.behaviour(skill) for _, content in self.chain for skill in content.skills)


def bundle_contents(store: Store, tip: str, *, with_texts: bool = True) -> BundleContents:
    """The files of which the chain of a node consists. Records and samples are read and checked.

    :param with_texts: whether sample texts are part of it.
    :raises IntegrityError: if a record or sample set is missing or damaged.
    """
    chain = list(store.walk(tip))[::-1]
    contents = {node.content: store.content(node.content) for _, node in chain}
    items: dict[str, BundleFile] = {}
    texts: dict[str, BundleTexts] = {}
    redacted: dict[str, BundleTexts] = {}
    for content in contents.values():
        for item in content_items(content):
            samples = _texts(store, item)
            if samples is None:
                items[item.path] = item
            elif with_texts and not store.is_redacted(item.path):
                items[item.path] = item
                texts[samples.digest] = samples
            else:
                redacted[samples.digest] = samples
    records = [BundleFile(f"contents/{content_id}.json", content_id) for content_id in contents]
    records += [BundleFile(f"nodes/{node_id}.json", node_id) for node_id, _ in chain]
    return BundleContents(
        tip=tip,
        chain=tuple((node.content, contents[node.content]) for _, node in chain),
        items=(*items.values(), *records),
        texts=tuple(texts.values()),
        redacted=tuple(redacted.values()),
    )


def content_items(content: FrameRecord) -> tuple[BundleFile, ...]:
    """The files that a content names, with their digests."""
    digests: dict[str, str] = {}
    adapter = content.adapter
    if adapter is not None:
        for name, digest in zip(ADAPTER_FILES, (adapter.config, adapter.model, adapter.card), strict=True):
            digests[f"adapters/{adapter.folder}/{name}"] = digest
    for skill in content.skills:
        if skill.state is not None:
            digests |= skill.state.digests()
    # Every other file is named by its digest.
    return tuple(
        BundleFile(path, digests.get(path) or path.rpartition("/")[2].partition(".")[0])
        for path in content.files
    )


def _texts(store: Store, item: BundleFile) -> BundleTexts | None:
    """What a file holds of people's texts, or None where it holds none."""
    if redaction_path(item.path) is None:
        return None
    if store.is_redacted(item.path):
        return BundleTexts(item.digest, store.redacted_rows(item.digest))
    samples = store.samples(item.digest)
    return BundleTexts(item.digest, len(samples.rows)) if isinstance(samples, TextSamples) else None


def measurements(store: Store, contents: BundleContents) -> tuple[BundleFile, ...]:
    """The measurements of these frames that a folder's store has, checked, in order of their names.

    :raises IntegrityError: if one is damaged.
    """
    found: list[BundleFile] = []
    for path in sorted((store.root / "evaluations").glob("*.json")):
        behaviour, _, kind = path.stem.partition("-")
        if behaviour in contents.behaviours:
            store.measurement(behaviour, kind)
            relative = f"evaluations/{path.name}"
            found.append(BundleFile(relative, sha256(store.read(relative))))
    return tuple(found)


@dataclass(frozen=True)
class Entry:
    """A file in a bundle.

    :ivar path: where it lies in the bundle and in a store.
    :ivar sha256: digest of its bytes.
    :ivar size: how many.
    """

    path: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """The manifest of a bundle.

    :ivar stack: name of the stack.
    :ivar tip: id of its newest node.
    :ivar entries: its files.
    :ivar redacted: sample texts that its contents name and that it does not hold.
    :ivar format: the newest format of its frame records, and with it that of the bundle.
    """

    stack: str
    tip: str
    entries: tuple[Entry, ...]
    redacted: tuple[BundleTexts, ...]
    format: int = 1

    def to_bytes(self) -> bytes:
        """A sealed record."""
        record = fields.plain(self)
        record[_REDACTED] = record.pop("redacted")
        return canonical.seal(record)

    @classmethod
    def from_bytes(cls, data: bytes, *, what: str) -> Manifest:
        """Read a sealed record.

        :raises IntegrityError: if it is damaged, or names a path that no bundle may hold.
        :raises StoreError: if a newer version wrote it.
        """
        value: dict[str, Any] = canonical.unseal(data, what=what)
        if type(value.get("format")) is int and value["format"] > FORMAT:
            raise StoreError(
                f"{what} has format {value['format']}; this version reads up to {FORMAT}.",
                "Update skillstack.",
            )
        return fields.reading(what, lambda: _manifest(value))


def check_path(path: str) -> str:
    """This path, if a bundle may hold it.

    :raises IntegrityError: if it leads elsewhere or is of no known kind.
    """
    if _PATHS.fullmatch(path) is None:
        raise IntegrityError(
            f"The bundle holds {path[:80]!r}, which is no file of a stack.", "Do not trust this bundle."
        )
    return path


def _manifest(value: dict[str, Any]) -> Manifest:
    fields.keys(value, {"format", "stack", "tip", "entries", _REDACTED})
    if value["format"] not in range(1, FORMAT + 1):
        raise ValueError(f"format {value['format']} is unknown")
    return Manifest(
        format=fields.integer(value["format"]),
        stack=fields.name(value["stack"]),
        tip=fields.digest(value["tip"]),
        entries=fields.sequence(value["entries"], _entry),
        redacted=fields.sequence(value[_REDACTED], _texts_from),
    )


def _entry(value: object) -> Entry:
    v = fields.fields_of(Entry, value)
    return Entry(check_path(fields.string(v["path"])), fields.digest(v["sha256"]), fields.integer(v["size"]))


def _texts_from(value: object) -> BundleTexts:
    v = fields.fields_of(BundleTexts, value)
    return BundleTexts(fields.digest(v["digest"]), fields.integer(v["rows"]))

"""What a stack consists of: every file that must travel with it, and the digest that it must have."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from skillstack.frames import withheld
from skillstack.frames.digests import sha256
from skillstack.frames.records import ADAPTER_FILES, Content
from skillstack.frames.samples import TextSamples
from skillstack.frames.store import Store

#: Folders of records, each of which may name what lies in those before it.
_RECORDS = ("contents", "nodes")


@dataclass(frozen=True)
class Item:
    """A file of a store.

    :ivar path: relative to the store.
    :ivar digest: SHA-256 that its bytes must have.
    """

    path: str
    digest: str


@dataclass(frozen=True)
class Texts:
    """A set of sample texts.

    :ivar digest: its digest.
    :ivar rows: how many rows it has.
    """

    digest: str
    rows: int


@dataclass(frozen=True)
class Cargo:
    """The files of a chain, in an order in which they can be written one by one.

    What a record names comes before the record: files of contents, contents, nodes from the oldest to the
    newest. `stages` divides them where a crash must find the one before complete.

    :ivar tip: id of the newest node.
    :ivar chain: contents with their ids, of the oldest node first.
    :ivar items: the files, each once; samples that are kept back are not among them.
    :ivar texts: sets of sample texts among them.
    :ivar kept_back: sets of sample texts that are not.
    """

    tip: str
    chain: tuple[tuple[str, Content], ...]
    items: tuple[Item, ...]
    texts: tuple[Texts, ...]
    kept_back: tuple[Texts, ...]

    @cached_property
    def stages(self) -> tuple[tuple[Item, ...], ...]:
        """The items that may be written together: files of contents, then contents, then nodes.

        Among nodes the order is left to the disk: only a tip makes their chain matter.
        """
        folders = [item.path.partition("/")[0] for item in self.items]
        ranks = [_RECORDS.index(folder) + 1 if folder in _RECORDS else 0 for folder in folders]
        return tuple(
            tuple(item for item, at in zip(self.items, ranks, strict=True) if at == rank)
            for rank in range(len(_RECORDS) + 1)
        )

    @cached_property
    def behaviours(self) -> frozenset[str]:
        """Digests by which measurements of these frames are found."""
        return frozenset(content.behaviour(skill) for _, content in self.chain for skill in content.skills)


def cargo_of(store: Store, tip: str, *, with_texts: bool = True) -> Cargo:
    """What the chain of a node consists of. Records and samples are read and checked.

    :param with_texts: whether sample texts are part of it.
    :raises IntegrityError: if a record or sample set is missing or damaged.
    """
    chain = list(store.walk(tip))[::-1]
    contents = {node.content: store.content(node.content) for _, node in chain}
    items: dict[str, Item] = {}
    texts: dict[str, Texts] = {}
    kept_back: dict[str, Texts] = {}
    for content in contents.values():
        for item in content_items(content):
            samples = _texts(store, item)
            if samples is None:
                items[item.path] = item
            elif with_texts and not store.is_withheld(item.path):
                items[item.path] = item
                texts[samples.digest] = samples
            else:
                kept_back[samples.digest] = samples
    records = [Item(f"contents/{content_id}.json", content_id) for content_id in contents]
    records += [Item(f"nodes/{node_id}.json", node_id) for node_id, _ in chain]
    return Cargo(
        tip=tip,
        chain=tuple((node.content, contents[node.content]) for _, node in chain),
        items=(*items.values(), *records),
        texts=tuple(texts.values()),
        kept_back=tuple(kept_back.values()),
    )


def content_items(content: Content) -> tuple[Item, ...]:
    """The files that a content names, with their digests."""
    digests: dict[str, str] = {}
    adapter = content.adapter
    if adapter is not None:
        for name, digest in zip(ADAPTER_FILES, (adapter.config, adapter.model, adapter.card), strict=True):
            digests[f"adapters/{adapter.folder}/{name}"] = digest
    # Every other file is named by its digest.
    return tuple(
        Item(path, digests.get(path) or path.rpartition("/")[2].partition(".")[0]) for path in content.files
    )


def _texts(store: Store, item: Item) -> Texts | None:
    """What a file holds of people's texts, or None where it holds none."""
    if withheld.marker(item.path) is None:
        return None
    if store.is_withheld(item.path):
        return Texts(item.digest, store.withheld_rows(item.digest))
    samples = store.samples(item.digest)
    return Texts(item.digest, len(samples.rows)) if isinstance(samples, TextSamples) else None


def measurements(store: Store, cargo: Cargo) -> tuple[Item, ...]:
    """The measurements of these frames that a folder's store has, checked, in order of their names.

    :raises IntegrityError: if one is damaged.
    """
    found: list[Item] = []
    for path in sorted((store.root / "evaluations").glob("*.json")):
        behaviour, _, kind = path.stem.partition("-")
        if behaviour in cargo.behaviours:
            store.measurement(behaviour, kind)
            relative = f"evaluations/{path.name}"
            found.append(Item(relative, sha256(store.read(relative))))
    return tuple(found)

"""A store: a folder of contents, nodes and the files they name, each found by its digest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import IntegrityError, StoreError, UsageError, did_you_mean
from skillstack.store import canonical, files, marker, tensors
from skillstack.store.canonical import check_digest, sha256
from skillstack.store.fields import check_name, is_name
from skillstack.store.marker import MARKER
from skillstack.store.records import ADAPTER_FILES, AdapterRef, FrameRecord, Node
from skillstack.store.samples import (
    REDACTED_SUFFIX,
    Samples,
    is_redacted,
    is_there,
    read_samples,
    redacted_rows,
    redaction_error,
)

#: Larger files are refused before they are read; a frame has about a megabyte.
MAX_FILE = 4 << 30

#: The stack that ships with the package. Nothing but its build script changes it.
REFERENCE = "reference"

#: The stack of one's own where none is named.
MAIN = "main"

#: A tip's file: the node's id, or ``-`` for an empty stack, and the number of history lines behind it.
_TIP = re.compile(rb"([0-9a-f]{64}|-) ([1-9][0-9]{0,11})\n")


@dataclass(frozen=True)
class Tip:
    """Where a stack stands.

    :ivar node: id of the newest node, or None for an empty stack.
    :ivar steps: lines of the history when the tip was moved here, so that a history cut short shows.
    """

    node: str | None
    steps: int


@dataclass(frozen=True)
class Store:
    """A folder with a ``store.json``. Make one with `Store.open` or `Store.create`.

    :ivar root: the folder.
    :ivar routers: the folder of router states.
    :ivar read_only: whether changes are refused, as in the copy inside the installed package.
    """

    root: Path
    routers: Path
    read_only: bool = False

    @classmethod
    def open(cls, root: Path, *, read_only: bool = False) -> Store:
        """An existing store.

        :raises StoreError: if there is none, or a newer version made it.
        :raises IntegrityError: if ``store.json`` is damaged.
        """
        beside = marker.read(root).routers == "../routers"
        # Without "..": a path with it counts as one below the root.
        return cls(root, (root.resolve().parent if beside else root) / "routers", read_only)

    @classmethod
    def create(cls, root: Path) -> Store:
        """A new, empty store; an existing one is opened.

        :raises StoreError: if the folder holds something else, or cannot be written.
        """
        if (root / MARKER).exists():
            return cls.open(root)
        if root.exists() and not (root.is_dir() and _is_unused(root)):
            raise StoreError(
                f"{root} exists and is no store.", "Choose another folder with --store, or move it away."
            )
        routers = "../routers" if root.name == "frames" else "routers"
        marker.write(root, marker.StoreMarker(marker.FIRST, routers))
        return cls.open(root)

    def relative(self, path: Path) -> str:
        """How messages and results name a file: by its path from the store's folder."""
        for folder, prefix in ((self.root, ""), (self.routers, "../routers/")):
            if path.is_relative_to(folder):
                return prefix + path.relative_to(folder).as_posix()
        return path.as_posix()

    def admit(self, number: int) -> None:
        """Let the store hold frame records of a format, before the first of them is written.

        From then on older programs refuse the store as a whole, and do not fail in the middle of it.

        :param number: of the record format, which is that of the store too.
        """
        found = marker.read(self.root)
        if found.format < number:
            self.check_writable()
            marker.write(self.root, marker.StoreMarker(number, found.routers))

    # objects ------------------------------------------------------------------------------------------

    def read(self, relative: str) -> bytes:
        """A file of the store.

        :raises IntegrityError: if it is missing or implausibly large.
        """
        path = self.root / relative
        try:
            if path.stat().st_size > MAX_FILE:
                raise IntegrityError(f"{path} is implausibly large.", "It is damaged.")
            return path.read_bytes()
        except FileNotFoundError:
            raise IntegrityError(
                f"{path} is missing.", "Run `skillstack verify`, and restore it from a copy of the store."
            ) from None
        except OSError as error:
            raise files.as_store_error(error, path, "read") from error

    def read_checked(self, relative: str, digest: str) -> bytes:
        """A file whose bytes must have this digest.

        :raises IntegrityError: if it is missing or has another digest.
        """
        data = self.read(relative)
        if sha256(data) != digest:
            raise IntegrityError(
                f"{self.root / relative} was altered: its bytes do not have the digest {digest[:12]}.",
                "Restore it from a copy of the store.",
            )
        return data

    def _put(self, folder: str, data: bytes, suffix: str = "") -> str:
        self.check_writable()
        digest = sha256(data)
        files.write_new(self.root / folder / f"{digest}{suffix}", data)
        return digest

    def put_content(self, content: FrameRecord) -> str:
        """Keep a content whose files are in the store already; returns its id.

        :raises IntegrityError: if one of its files is missing, or a field has a value that no reader accepts.
        """
        data = content.to_bytes()
        FrameRecord.from_bytes(data, what=f"The content {content.name!r}")
        for relative in content.files:
            if not is_there(self.root, relative):
                raise IntegrityError(f"{relative} is missing.", "Write a content's files before the content.")
        self.admit(content.format)
        return self._put("contents", data, ".json")

    def content(self, content_id: str) -> FrameRecord:
        """The content of this id.

        :raises IntegrityError: if it is missing or damaged.
        """
        relative = f"contents/{check_digest(content_id, 'A content id')}.json"
        return FrameRecord.from_bytes(self.read_checked(relative, content_id), what=str(self.root / relative))

    def put_node(self, node: Node) -> str:
        """Keep a node; returns its id.

        :raises IntegrityError: if its content or parent is no id.
        """
        data = node.to_bytes()
        Node.from_bytes(data)
        return self._put("nodes", data, ".json")

    def node(self, node_id: str) -> Node:
        """The node of this id.

        :raises IntegrityError: if it is missing or damaged.
        """
        relative = f"nodes/{check_digest(node_id, 'A node id')}.json"
        return Node.from_bytes(self.read_checked(relative, node_id), what=str(self.root / relative))

    def put_adapter(self, name: str, config: bytes, model: bytes, card: bytes) -> AdapterRef:
        """Keep the three files of a PEFT adapter folder.

        :param name: readable part of the folder's name.
        """
        self.check_writable()
        ref = AdapterRef(
            name=check_name(name, "The frame"),
            config=sha256(config),
            model=sha256(model),
            card=sha256(card),
            bytes=len(model),
        )
        for file, data in zip(ADAPTER_FILES, (config, model, card), strict=True):
            files.write_new(self.root / "adapters" / ref.folder / file, data)
        return ref

    def adapter_config(self, ref: AdapterRef) -> bytes:
        """The bytes of ``adapter_config.json``, checked."""
        return self.read_checked(f"adapters/{ref.folder}/adapter_config.json", ref.config)

    def adapter_tensors(self, ref: AdapterRef) -> tensors.Tensors:
        """The adapter's tensors by their PEFT names, checked."""
        relative = f"adapters/{ref.folder}/adapter_model.safetensors"
        return tensors.load(self.read_checked(relative, ref.model), what=str(self.root / relative))

    def put_head(self, weight: NDArray[np.float32], bias: NDArray[np.float32] | None) -> str:
        """Keep a head; returns its digest.

        :param weight: ``[labels, hidden]``.
        :param bias: ``[labels]``, or None.
        """
        named: dict[str, NDArray[np.generic]] = {"weight": weight}
        if bias is not None:
            named["bias"] = bias
        return self._put("heads", tensors.dump(named), ".safetensors")

    def head(self, digest: str) -> tensors.Tensors:
        """The tensors ``weight`` and, where there is one, ``bias``, checked.

        :raises IntegrityError: if they are missing, altered or of impossible shapes.
        """
        relative = f"heads/{check_digest(digest, 'A head')}.safetensors"
        found = tensors.load(self.read_checked(relative, digest), what=str(self.root / relative))
        weight = found.get("weight")
        if weight is None or weight.ndim != 2 or set(found) - {"weight", "bias"}:
            raise IntegrityError(f"{self.root / relative} is no head.", "It is damaged.")
        if "bias" in found and found["bias"].shape != weight.shape[:1]:
            raise IntegrityError(f"{self.root / relative} has a bias of another size.", "It is damaged.")
        return found

    def put_samples(self, samples: Samples) -> str:
        """Keep router samples; returns their digest."""
        return self._put("samples", samples.to_bytes())

    def samples(self, digest: str) -> Samples:
        """Router samples, checked.

        :raises StoreError: if they were left out when the stack was exported.
        :raises IntegrityError: if they are missing or altered.
        """
        relative = f"samples/{check_digest(digest, 'A sample set')}"
        if self.is_redacted(relative):
            raise redaction_error(relative)
        return read_samples(self.read_checked(relative, digest), what=str(self.root / relative))

    def is_redacted(self, relative: str) -> bool:
        """Whether samples are not there on purpose: the stack came without its texts."""
        return is_redacted(self.root, relative)

    def check_texts(self, contents: Iterable[FrameRecord]) -> None:
        """Refuse what needs the samples of these contents, before it has cost anything.

        :raises StoreError: if samples were left out when the stack was exported.
        """
        for content in contents:
            for relative in content.files:
                if self.is_redacted(relative):
                    raise redaction_error(relative)

    def redacted_rows(self, digest: str) -> int:
        """How many rows a set of redacted samples has.

        :raises IntegrityError: if the record in its place is missing or damaged.
        """
        relative = f"samples/{check_digest(digest, 'A sample set')}{REDACTED_SUFFIX}"
        return redacted_rows(self.read(relative), what=str(self.root / relative), samples=digest)

    def put_canaries(self, record: Mapping[str, object]) -> str:
        """Keep canary logits; returns their digest."""
        return self._put("canaries", canonical.dumps(dict(record)), ".json")

    def canaries(self, digest: str) -> dict[str, object]:
        """Canary logits, checked."""
        relative = f"canaries/{check_digest(digest, 'A canary record')}.json"
        value = canonical.loads(self.read_checked(relative, digest), what=str(self.root / relative))
        if not isinstance(value, dict):
            raise IntegrityError(f"{self.root / relative} is no canary record.", "It is damaged.")
        return value

    def put_measurement(self, behaviour: str, kind: str, record: Mapping[str, object]) -> None:
        """Keep a measurement beside the behaviour that it was taken of; the newest of a kind stays."""
        self.check_writable()
        check_digest(behaviour, "A behaviour")
        check_name(kind, "The measurement")
        files.write_file(self.root / "evaluations" / f"{behaviour}-{kind}.json", canonical.seal(record))

    def measurement(self, behaviour: str, kind: str) -> dict[str, object] | None:
        """A measurement, or None where there is none."""
        name = f"{check_digest(behaviour, 'A behaviour')}-{check_name(kind, 'The measurement')}.json"
        path = self.root / "evaluations" / name
        return canonical.unseal(self.read(f"evaluations/{name}"), what=str(path)) if path.is_file() else None

    # stacks -------------------------------------------------------------------------------------------

    def stacks(self) -> tuple[str, ...]:
        """Names of the stacks that have at least one frame or a history, sorted."""
        tips = {path.name for path in (self.root / "stacks").glob("*") if is_name(path.name)}
        logs = {path.stem for path in (self.root / "history").glob("*.jsonl") if is_name(path.stem)}
        return tuple(sorted(tips | logs))

    def check_stack(self, name: str) -> str:
        """This stack's name, if there is such a stack.

        :raises UsageError: if there is none.
        """
        check_name(name, "The stack")
        if name not in self.stacks():
            raise UsageError(f"There is no stack {name!r} in {self.root}.", did_you_mean(name, self.stacks()))
        return name

    def tip(self, stack: str) -> str | None:
        """Id of the newest node, or None for an empty stack.

        :raises IntegrityError: if the file is damaged.
        """
        return self.read_tip(stack).node

    def read_tip(self, stack: str) -> Tip:
        """The newest node and how much of the history led to it.

        :raises IntegrityError: if the file is damaged.
        """
        path = self.root / "stacks" / check_name(stack, "The stack")
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return Tip(None, 0)
        except OSError as error:
            raise files.as_store_error(error, path, "read") from error
        found = _TIP.fullmatch(data)
        if found is None:
            raise IntegrityError(
                f"{path} holds no id.", f"The history in history/{stack}.jsonl tells the last good one."
            )
        node = found[1].decode("ascii")
        return Tip(None if node == "-" else node, int(found[2]))

    def set_tip(self, stack: str, node_id: str | None, steps: int) -> None:
        """Move a stack's tip. Only `transactions` calls this, after its history line is on disk.

        :param steps: lines that the history has now.
        """
        path = self.root / "stacks" / check_name(stack, "The stack")
        files.write_file(path, f"{node_id or '-'} {steps}\n".encode("ascii"))

    def chain(self, stack: str) -> Iterator[tuple[str, Node]]:
        """Ids and nodes from the tip to the first.

        :raises IntegrityError: if a node is missing or damaged.
        """
        yield from self.walk(self.tip(stack))

    def contents(self, stack: str) -> tuple[tuple[str, FrameRecord], ...]:
        """Contents of a stack with their ids, the oldest first.

        :raises IntegrityError: if a record is missing or damaged.
        """
        return self.contents_to(self.tip(stack))

    def contents_to(self, node_id: str | None) -> tuple[tuple[str, FrameRecord], ...]:
        """Contents with their ids from the first to this node.

        :raises IntegrityError: if a record is missing or damaged.
        """
        newest_first = [(node.content, self.content(node.content)) for _, node in self.walk(node_id)]
        return tuple(reversed(newest_first))

    def walk(self, node_id: str | None) -> Iterator[tuple[str, Node]]:
        """Ids and nodes from this node to the first. Digests make a cycle impossible."""
        while node_id is not None:
            node = self.node(node_id)
            yield node_id, node
            node_id = node.parent

    def head_stack(self) -> str | None:
        """The current stack, or None where none was chosen.

        :raises IntegrityError: if the record is damaged.
        """
        path = self.root / "HEAD"
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise files.as_store_error(error, path, "read") from error
        name = canonical.unseal(data, what=str(path)).get("stack")
        if not is_name(name):
            raise IntegrityError(f"{path} names no stack.", "Choose one with `skillstack use`.")
        return str(name)

    def set_head_stack(self, stack: str) -> None:
        """Make a stack the current one."""
        self.check_writable()
        files.write_file(self.root / "HEAD", canonical.seal({"stack": check_name(stack, "The stack")}))

    def check_writable(self) -> None:
        """Refuse changes to a store that is for reading only.

        :raises StoreError: if it is.
        """
        if self.read_only:
            raise StoreError(
                f"The store {self.root} is for reading only.",
                "Pass --store with a folder of your own, or run the command in another folder.",
            )


def _is_unused(folder: Path) -> bool:
    """Whether nothing is in a folder but what a crash of `Store.create` left there."""
    return all(path.name.startswith(files.TEMPORARY) for path in folder.iterdir())

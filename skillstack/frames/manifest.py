"""The manifest of an archive: what is in it, and what each file's bytes must be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from skillstack.errors import IntegrityError, StoreError
from skillstack.frames import fields, sealed
from skillstack.frames.cargo import Texts

#: To raise it: keep the reader of the old number, write only the newest.
FORMAT = 1
NAME = "manifest.json"
#: The only paths that an archive may hold besides the manifest.
_PATHS = re.compile(
    r"(nodes|contents|canaries)/[0-9a-f]{64}\.json"
    r"|heads/[0-9a-f]{64}\.safetensors"
    r"|samples/[0-9a-f]{64}"
    r"|adapters/[a-z0-9][a-z0-9._-]{0,63}-[0-9a-f]{12}/"
    r"(adapter_config\.json|adapter_model\.safetensors|README\.md)"
    r"|evaluations/[0-9a-f]{64}-[a-z0-9][a-z0-9._-]{0,63}\.json"
    r"|router/state\.(json|safetensors)"
)


@dataclass(frozen=True)
class Entry:
    """A file in an archive.

    :ivar path: where it lies in the archive and in a store.
    :ivar sha256: digest of its bytes.
    :ivar size: how many.
    """

    path: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """What an archive says of itself.

    :ivar stack: name of the stack.
    :ivar tip: id of its newest node.
    :ivar entries: its files.
    :ivar kept_back: sample texts that its contents name and that it does not hold.
    """

    stack: str
    tip: str
    entries: tuple[Entry, ...]
    kept_back: tuple[Texts, ...]

    def to_bytes(self) -> bytes:
        """A sealed record."""
        return sealed.seal({"format": FORMAT, **fields.plain(self)})

    @classmethod
    def from_bytes(cls, data: bytes, *, what: str) -> Manifest:
        """Read a sealed record.

        :raises IntegrityError: if it is damaged, or names a path that no archive may hold.
        :raises StoreError: if a newer version wrote it.
        """
        value: dict[str, Any] = sealed.unseal(data, what=what)
        if type(value.get("format")) is int and value["format"] > FORMAT:
            raise StoreError(
                f"{what} has format {value['format']}; this version reads up to {FORMAT}.",
                "Update skillstack.",
            )
        return fields.reading(what, lambda: _manifest(value))


def check_path(path: str) -> str:
    """This path, if an archive may hold it.

    :raises IntegrityError: if it leads elsewhere or is of no known kind.
    """
    if _PATHS.fullmatch(path) is None:
        raise IntegrityError(
            f"The archive holds {path[:80]!r}, which is no file of a stack.", "Do not trust this archive."
        )
    return path


def _manifest(value: dict[str, Any]) -> Manifest:
    fields.keys(value, {"format", "stack", "tip", "entries", "kept_back"})
    if value["format"] != FORMAT:
        raise ValueError(f"format {value['format']} is unknown")
    return Manifest(
        stack=fields.name(value["stack"]),
        tip=fields.digest(value["tip"]),
        entries=fields.sequence(value["entries"], _entry),
        kept_back=fields.sequence(value["kept_back"], _texts),
    )


def _entry(value: object) -> Entry:
    v = fields.fields_of(Entry, value)
    return Entry(check_path(fields.string(v["path"])), fields.digest(v["sha256"]), fields.integer(v["size"]))


def _texts(value: object) -> Texts:
    v = fields.fields_of(Texts, value)
    return Texts(fields.digest(v["digest"]), fields.integer(v["rows"]))

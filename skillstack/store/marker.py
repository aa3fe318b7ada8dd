"""``store.json``: which version can read a store, and where its routers lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from skillstack.errors import IntegrityError, StoreError
from skillstack.store import canonical, files

MARKER = "store.json"

#: The newest format of a store that this version reads; 2 is one with frame records of format 2. To raise it:
#: teach `read` the new one, keep a golden store of the old one in the tests, and say in the changelog which
#: version is needed. A new store begins with 1, and takes a higher number only with the first thing that
#: needs it, so that older programs read it as long as they can.
FORMAT = 2
FIRST = 1

# A path from a file is never followed as it is: only these two places are known.
_ROUTERS = ("routers", "../routers")


@dataclass(frozen=True)
class StoreMarker:
    """What ``store.json`` says.

    :ivar format: the lowest version of the layout that can hold what is in the store.
    :ivar routers: the folder of router states, relative to the store.
    """

    format: int
    routers: str

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return canonical.dumps({"format": self.format, "routers": self.routers})


def read(root: Path) -> StoreMarker:
    """The marker of a store.

    :raises StoreError: if there is none, or a newer version made it.
    :raises IntegrityError: if it is damaged.
    """
    marker = root / MARKER
    try:
        data = marker.read_bytes()
    except OSError:
        raise StoreError(
            f"There is no store in {root}.", "Train or learn something first, or pass --store."
        ) from None
    value = canonical.loads(data, what=str(marker))
    if not isinstance(value, dict) or type(value.get("format")) is not int or value["format"] < FIRST:
        raise IntegrityError(f"{marker} is no store record.", "It is damaged.")
    if value["format"] > FORMAT:
        raise StoreError(
            f"The store {root} has format {value['format']}; this version reads up to {FORMAT}.",
            "Update skillstack.",
        )
    if value.get("routers") not in _ROUTERS or set(value) != {"format", "routers"}:
        raise IntegrityError(f"{marker} is no store record.", "It is damaged.")
    return StoreMarker(value["format"], value["routers"])


def write(root: Path, marker: StoreMarker) -> None:
    """Put a marker in its place, wholly or not at all."""
    files.write_file(root / MARKER, marker.to_bytes())

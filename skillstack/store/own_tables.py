"""Where the tables lie that skills were learned from: a note beside the store, which nothing depends on.

It is no part of a record or a bundle, as paths mean nothing elsewhere. A table that has moved or changed
since is not read.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skillstack.errors import SkillStackError, StoreError
from skillstack.store import canonical, fields, files

if TYPE_CHECKING:
    from skillstack.store.records import Skill
    from skillstack.store.store import Store

FORMAT = 1
#: The note, relative to the store.
NOTE = "work/tables.json"


@dataclass(frozen=True)
class TablePlace:
    """A file as it lay at a moment.

    :ivar path: from a root on.
    :ivar size: bytes.
    :ivar modified: nanoseconds since 1970, as a text, as canonical JSON has no integers of that size.
    """

    path: str
    size: int
    modified: str

    @classmethod
    def of(cls, path: str | Path) -> TablePlace | None:
        """How a file lies now; None where there is none."""
        try:
            found = Path(path).expanduser().resolve()
            status = found.stat()
        except (OSError, RuntimeError, ValueError):
            return None
        return cls(str(found), status.st_size, str(status.st_mtime_ns))


@dataclass(frozen=True)
class OwnTables:
    """The tables that skills were learned from.

    :ivar paths: by skill, those that lie where they lay and have not changed.
    :ivar changed: by skill, those that have changed, or are not there any more.
    :ivar damaged: the note, where it cannot be read.
    """

    paths: Mapping[str, Path]
    changed: Mapping[str, Path]
    damaged: Path | None = None


def remember_table(store: Store, learned: str, place: TablePlace) -> None:
    """Note where a table lies. A note that cannot be written is no harm: the table is then named by hand.

    :param learned: digest of the keys of the rows that were learned from.
    :param place: how the table lay when it was read.
    """
    with contextlib.suppress(SkillStackError, ValueError), files.commit_lock(store.root):
        try:
            known = _read(store)
        except StoreError:
            known = {}  # it is damaged
        if known.get(learned) != place:
            tables = {key: asdict(found) for key, found in {**known, learned: place}.items()}
            files.write_file(store.root / NOTE, canonical.seal({"format": FORMAT, "tables": tables}))


def own_tables(store: Store, skills: Iterable[Skill]) -> OwnTables:
    """Where the tables lie that skills were learned from."""
    wanted = {skill.name: skill.learned for skill in skills if skill.learned is not None}
    paths: dict[str, Path] = {}
    changed: dict[str, Path] = {}
    try:
        known = _read(store) if wanted else {}
    except StoreError:
        return OwnTables({}, {}, store.root / NOTE)
    for name, learned in wanted.items():
        place = known.get(learned)
        if place is not None:
            (paths if TablePlace.of(place.path) == place else changed)[name] = Path(place.path)
    return OwnTables(paths, changed)


def _read(store: Store) -> dict[str, TablePlace]:
    """By the digest of the rows' keys, where the table lies; empty without a note."""
    path = store.root / NOTE
    if not path.is_file():
        return {}
    value: dict[str, Any] = canonical.unseal(store.read(NOTE), what=str(path))

    def read() -> dict[str, TablePlace]:
        fields.keys(value, {"format", "tables"})
        if value["format"] != FORMAT:
            raise ValueError(f"format {value['format']} is unknown")
        return dict(fields.mapping(value["tables"], _place))

    return fields.reading(str(path), read)


def _place(value: object) -> TablePlace:
    v = fields.fields_of(TablePlace, value)
    return TablePlace(fields.string(v["path"]), fields.integer(v["size"]), fields.string(v["modified"]))

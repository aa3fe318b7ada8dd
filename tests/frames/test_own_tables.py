"""Where the tables of skills lie: a note beside the store, which nothing depends on."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from skillstack.store import own_tables as module
from skillstack.store.canonical import sha256
from skillstack.store.gc import collect
from skillstack.store.own_tables import NOTE, OwnTables, TablePlace, own_tables, remember_table
from skillstack.store.records import Skill
from skillstack.store.store import Store
from skillstack.store.verify import verify

from .builders import make_content

LEARNED = sha256(b"rows")


@pytest.fixture
def skill(store: Store) -> Skill:
    """A skill that was learned from a table."""
    return replace(make_content(store, "tickets").skills[0], learned=LEARNED)


@pytest.fixture
def table(place: Path) -> Path:
    """A table."""
    path = place / "tickets.csv"
    path.write_text("text,label\n")
    return path


def remember(store: Store, table: Path, learned: str = LEARNED) -> None:
    found = TablePlace.of(table)
    assert found is not None
    remember_table(store, learned, found)


def test_a_table_is_found_where_it_lay(store, skill, table, place):
    remember(store, table)
    assert own_tables(store, [skill]) == OwnTables({"tickets": table.resolve()}, {})
    other = place / "mails.csv"
    other.write_text("text,label\n")
    remember(store, other, sha256(b"others"))
    assert own_tables(store, [skill]).paths == {"tickets": table.resolve()}
    assert own_tables(store, [replace(skill, learned=None)]) == OwnTables({}, {})


def test_a_table_that_has_changed_or_is_gone_is_not_read(store, skill, table):
    remember(store, table)
    status = table.stat()
    for change in (
        lambda: table.write_text("text,label\nmore,rows\n"),
        lambda: table.write_text("text,lobel\n") and os.utime(table, (1, 1)),
        table.unlink,
    ):
        change()
        assert own_tables(store, [skill]) == OwnTables({}, {"tickets": table.resolve()})
    table.write_text("text,label\n")
    os.utime(table, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert own_tables(store, [skill]).paths == {"tickets": table.resolve()}


@pytest.mark.parametrize("data", [b"", b"{}", b"no JSON", b'{"format":2,"sum":"a","tables":{}}'])
def test_a_damaged_note_is_ignored_and_written_anew(store, skill, table, data):
    (store.root / "work").mkdir(exist_ok=True)
    (store.root / NOTE).write_bytes(data)
    assert own_tables(store, [skill]) == OwnTables({}, {}, store.root / NOTE)
    remember(store, table)
    assert own_tables(store, [skill]).paths == {"tickets": table.resolve()}


def test_a_disk_that_refuses_the_note_is_no_error(store, skill, table, monkeypatch):
    def refuse(path: Path, data: bytes) -> None:
        raise module.StoreError("The disk is full.")

    monkeypatch.setattr(module.files, "write_file", refuse)
    remember(store, table)
    assert own_tables(store, [skill]) == OwnTables({}, {})


def test_what_is_no_file_has_no_place(place):
    assert TablePlace.of(place / "nothing.csv") is None


def test_the_note_is_neither_a_problem_nor_a_stray_nor_garbage(store, table):
    remember(store, table)
    found = verify(store)
    assert found.ok and not found.strays
    collect(store, dry_run=False, expire_now=True)
    assert (store.root / NOTE).is_file()

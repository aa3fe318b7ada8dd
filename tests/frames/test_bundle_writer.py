"""A stack in one file: the same bytes each time, every file checked, texts only on demand."""

from __future__ import annotations

import os
import shutil
import zipfile

import pytest

from skillstack.errors import IntegrityError, StoreError, UsageError
from skillstack.store import transactions
from skillstack.store.bundle_writer import export
from skillstack.store.derived import FOLDER, Derived, needs
from skillstack.store.samples import TextSamples, read_samples

from .builders import chain, files, full_store, push
from .bundles import unpacked, write_bundle
from .faults import Killed, faults


def test_the_same_stack_gives_the_same_bytes_wherever_and_whenever_it_is_written(full, place, monkeypatch):
    first = write_bundle(full, "main", place / "one.zip").read_bytes()
    for number, path in enumerate(sorted(full.root.rglob("*"))):
        if path.is_file():
            path.chmod(0o600)
            os.utime(path, (10**9 + number, 10**9 + number))
    monkeypatch.chdir(place)
    assert write_bundle(full, "main", place / "two.zip").read_bytes() == first
    again = full_store(place / "again" / "frames")
    assert write_bundle(again, "main", place / "three.zip").read_bytes() == first


def test_what_can_be_made_again_does_not_go_along(full, place):
    before = write_bundle(full, "main", place / "one.zip").read_bytes()
    content = full.contents("main")[-1][1]
    answers = Derived(full.root / FOLDER, "predictions-1")
    answers.write("a" * 64, needs([content.behaviour(content.skills[0])]))
    assert write_bundle(full, "main", place / "two.zip").read_bytes() == before


def test_entries_are_stored_in_order_with_one_date_and_mode(full, place):
    with zipfile.ZipFile(write_bundle(full, "main", place / "a.zip")) as archive:
        names = archive.namelist()
        assert names[0] == "manifest.json" and names[1:] == sorted(names[1:])
        for info in archive.infolist():
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
            assert (info.create_system, info.external_attr >> 16) == (3, 0o100644)
            assert info.compress_type == zipfile.ZIP_STORED


def test_it_holds_the_chain_and_nothing_else(full, place):
    held = unpacked(write_bundle(full, "main", place / "a.zip"))
    needed = {f"nodes/{node}.json" for node in chain(full, "main")}
    for _, content in full.contents("main"):
        needed |= {f"contents/{content.id}.json", *content.files}
    measured = {name for name in files(full.root) if name.startswith("evaluations/")}
    assert set(held) == needed | measured | {"manifest.json"}
    assert all((full.root / name).read_bytes() == data for name, data in held.items() if "/" in name)


def test_texts_stay_at_home_unless_they_are_let_go(full, place):
    kept = export(full, "main", place / "a.zip", with_texts=False, router={})
    assert (kept.texts, kept.redacted) == (0, 2)
    held = unpacked(place / "a.zip")
    assert not any(b"alpha is fine" in data for data in held.values())
    kinds = [type(read_samples(data)) for name, data in held.items() if name.startswith("samples/")]
    assert kinds and TextSamples not in kinds
    let_go = export(full, "main", place / "b.zip", with_texts=True, router={})
    assert (let_go.texts, let_go.redacted) == (2, 0)
    assert any(b"alpha is fine" in data for data in unpacked(place / "b.zip").values())


def test_a_file_that_was_altered_or_is_gone_does_not_go_out(full, place):
    before = files(place)
    _, content = full.contents("main")[0]
    for relative in (*content.files, f"contents/{content.id}.json", f"nodes/{chain(full, 'main')[-1]}.json"):
        path = full.root / relative
        data = path.read_bytes()
        for damaged in (data[:-1] + bytes([data[-1] ^ 1]), None):
            path.unlink()
            if damaged is not None:
                path.write_bytes(damaged)
            with pytest.raises(IntegrityError) as caught:
                write_bundle(full, "main", place / "a.zip")
            assert path.name.partition(".")[0][:12] in caught.value.message, relative
            path.write_bytes(data)
    assert files(place) == before


def test_an_empty_stack_or_a_path_that_is_taken_is_refused(full, place):
    (place / "letter.zip").write_bytes(b"Dear reader")
    with pytest.raises(StoreError, match="is no bundle of a stack"):
        write_bundle(full, "main", place / "letter.zip")
    with pytest.raises(UsageError, match="is a folder"):
        write_bundle(full, "main", place)
    assert (place / "letter.zip").read_bytes() == b"Dear reader"
    transactions.undo(full, "other")
    with pytest.raises(UsageError, match="no frames"):
        write_bundle(full, "other", place / "a.zip")
    push(full, "other", "epsilon")
    write_bundle(full, "main", place / "a.zip")
    write_bundle(full, "other", place / "a.zip")  # an older archive is replaced
    assert b"epsilon" in (place / "a.zip").read_bytes()


def test_a_crash_or_a_full_disk_leaves_the_old_archive_or_the_new_one(full, place):
    target = place / "out" / "a.zip"
    target.parent.mkdir()
    old = write_bundle(full, "other", target).read_bytes()
    with faults() as counted:
        new = write_bundle(full, "main", place / "b.zip").read_bytes()
    for how in ("kill", "error", "full"):
        for at in range(0, len(counted.calls), 1 if how != "kill" else 2):
            try:
                with faults(at, how):
                    write_bundle(full, "main", target)
            except (Killed, StoreError):
                assert target.read_bytes() in (old, new)
            if how != "kill":
                assert [path.name for path in target.parent.iterdir()] == ["a.zip"]
            shutil.rmtree(target.parent)
            target.parent.mkdir()
            target.write_bytes(old)

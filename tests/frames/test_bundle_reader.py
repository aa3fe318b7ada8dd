"""What a damaged or hostile archive is refused for, before anything is written."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.errors import IntegrityError, StoreError
from skillstack.store import bundle_reader as module
from skillstack.store.bundle_reader import open_bundle
from skillstack.store.canonical import sha256
from skillstack.store.store import Store
from skillstack.store.verify import verify

from .builders import chain, files, full_store, with_field
from .bundles import Files, bring_in, packed, promised, unpacked, write_bundle


@pytest.fixture(scope="module")
def good(ram: Path) -> Path:
    store = full_store(ram / "good" / "frames")
    return write_bundle(store, "main", ram / "good.zip")


def first(held: Files, folder: str) -> str:
    return next(name for name in held if name.startswith(f"{folder}/"))


def refused(path: Path, match: str, kind: type[Exception] = IntegrityError) -> None:
    """Refused with a hint, and nothing is left behind."""
    store = Store.create(path.parent / "frames")
    before = files(path.parent)
    with pytest.raises(kind, match=match) as caught:
        bring_in(path, store)
    assert caught.value.hint
    assert files(path.parent) == before and store.stacks() == ()


def test_a_good_archive_reads_as_the_store_that_it_came_from(good, full):
    with open_bundle(good) as (found, contents):
        assert found.manifest.tip == contents.tip == full.tip("main")
        assert [node for node, _ in found.walk(contents.tip)] == chain(full, "main")
        assert contents.chain == full.contents("main")
        assert len(found.measured()) == 1


def test_what_is_no_zip_or_no_archive_of_ours_is_refused(good, place):
    (place / "a.zip").write_bytes(b"Dear reader")
    refused(place / "a.zip", "no whole zip archive")
    (place / "a.zip").write_bytes(good.read_bytes()[:-200])
    refused(place / "a.zip", "no whole zip archive")
    refused(packed({}, place / "b.zip"), "has no manifest")
    held = unpacked(good)
    del held["manifest.json"]
    refused(packed(held, place / "c.zip"), "has no manifest")
    refused(place / "missing.zip", "Cannot read", StoreError)


@pytest.mark.parametrize(
    "name",
    [
        "../evil.json",
        "/etc/passwd",
        "heads/../../evil.safetensors",
        "C:\\evil.json",
        "heads\\" + "a" * 64 + ".safetensors",
        "heads/",
        "stacks/main",
        "history/main.jsonl",
        "HEAD",
        "store.json",
        "nodes/" + "A" * 64 + ".json",
        "nodes/" + "a" * 64 + ".json\n",
        "adapters/../nodes-aaaaaaaaaaaa/README.md",
        "router/state.pickle",
        "samples/" + "a" * 64 + ".withheld",
    ],
)
def test_a_path_that_no_export_writes_is_refused(good, place, name):
    refused(packed({**unpacked(good), name: b"x"}, place / "a.zip"), "no file of a stack|odd name")
    if "\\" not in name:  # zipfile would turn it round
        held = promised({**unpacked(good), name: b"x"})
        refused(packed({"manifest.json": held["manifest.json"]}, place / "b.zip"), "no file of a stack")


def test_links_doubles_and_encrypted_entries_are_refused(good, place):
    held = unpacked(good)
    head = first(held, "heads")
    with zipfile.ZipFile(place / "link.zip", "w") as archive:
        for name, data in held.items():
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = (0o120777 if name == head else 0o100644) << 16
            archive.writestr(info, data)
    refused(place / "link.zip", "link or device")
    packed(held, place / "twice.zip")
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(place / "twice.zip", "a") as archive:
        archive.writestr(head, b"other")
    refused(place / "twice.zip", "twice")
    data = bytearray(packed(held, place / "locked.zip").read_bytes())
    data[data.rfind(b"PK\x01\x02") + 8] |= 1  # the flag of encryption in the directory
    (place / "locked.zip").write_bytes(data)
    refused(place / "locked.zip", "encrypted")


def test_a_bomb_is_refused_before_it_is_unpacked(good, place, monkeypatch):
    held = unpacked(good)
    bomb = {**held, first(held, "heads"): bytes(64 << 20)}
    refused(packed(bomb, place / "a.zip", compression=zipfile.ZIP_DEFLATED), "which no stack does")
    monkeypatch.setattr(module, "MAX_FILE", 100)
    refused(packed(held, place / "b.zip"), "implausibly large")
    monkeypatch.setattr(module, "MAX_ENTRIES", 3)
    refused(packed(held, place / "c.zip"), "at most 3")
    refused(packed(held, place / "d.zip", compression=zipfile.ZIP_BZIP2), "at most 3")


def test_an_archive_that_was_packed_again_is_taken_where_the_files_are_the_same(good, place):
    again = packed(unpacked(good), place / "a.zip", compression=zipfile.ZIP_DEFLATED)
    store = Store.create(place / "frames")
    bring_in(again, store)
    assert verify(store).ok
    with (
        pytest.raises(IntegrityError, match="method"),
        open_bundle(packed(unpacked(good), place / "b.zip", compression=zipfile.ZIP_BZIP2)),
    ):
        pass


def test_each_file_must_have_its_digest_and_size(good, place):
    held = unpacked(good)
    for folder in ("nodes", "contents", "adapters", "heads", "samples", "canaries", "evaluations"):
        name = first(held, folder)
        data = held[name]
        refused(packed({**held, name: data[:-1] + bytes([data[-1] ^ 1])}, place / "a.zip"), "altered")
        refused(packed({**held, name: data[:-1]}, place / "b.zip"), "another size")
        without = {other: data for other, data in held.items() if other != name}
        refused(packed(without, place / "c.zip"), "does not hold what its manifest names")


def test_a_forged_manifest_does_not_help(good, place):
    """Digests in the manifest fit the files, and the files do not fit the chain."""
    held = unpacked(good)
    for folder in ("nodes", "contents", "adapters", "heads", "samples", "canaries"):
        name = first(held, folder)
        data = held[name]
        forged = promised({**held, name: data[:-1] + bytes([data[-1] ^ 1])})
        refused(packed(forged, place / "a.zip"), "does not hold what its chain|altered|no canonical")
        without = promised({other: data for other, data in held.items() if other != name})
        refused(packed(without, place / "b.zip"), "lacks|what its chain needs|was altered")
    spare = promised({**held, f"heads/{'a' * 64}.safetensors": b"x"})
    refused(packed(spare, place / "c.zip"), "what its chain needs")
    foreign = promised({**held, f"evaluations/{'a' * 64}-test.json": b"{}"})
    refused(packed(foreign, place / "d.zip"), "measurement of something else")
    measured = promised({**held, first(held, "evaluations"): b"{}"})
    refused(packed(measured, place / "e.zip"), "checksum")


def test_texts_that_the_chain_does_not_know_cannot_be_called_left_out(good, place):
    held = unpacked(good)

    def claim(record: dict[str, object]) -> None:
        record["kept_back"] = [{"digest": "a" * 64, "rows": 3}]

    refused(packed(promised(held, claim), place / "a.zip"), "left out that its chain does not know")


def test_a_newer_format_says_so(good, place):
    held = unpacked(good)

    def newer(record: dict[str, object]) -> None:
        record["format"] = 3

    refused(packed(promised(held, newer), place / "a.zip"), "has format 3", StoreError)
    name = first(held, "contents")
    data = with_field(held.pop(name), 3, "format")
    node = first(held, "nodes")
    record = json.loads(held.pop(node))
    record_bytes = with_field(json.dumps(record).encode(), sha256(data), "content")
    parent = with_field(record_bytes, None, "parent")
    forged = {**held, f"contents/{sha256(data)}.json": data, f"nodes/{sha256(parent)}.json": parent}

    def tip(record: dict[str, object]) -> None:
        record["tip"] = sha256(parent)

    refused(packed(promised(forged, tip), place / "b.zip"), "has format 3", StoreError)


def test_a_head_of_another_shape_is_refused_even_where_all_digests_fit(good, place, full):
    from skillstack.store.bundle_writer import export
    from skillstack.store.records import FrameRecord, Node
    from skillstack.store.transactions import move

    content = full.contents("other")[0][1]
    data = with_field(content.to_bytes(), ["a", "b", "c"], "skills", 0, "labels")
    crooked = FrameRecord.from_bytes(data)
    node = full.put_node(Node(full.put_content(crooked), None))
    move(full, "crooked", "push", node, expected=None, transaction="t", note="")
    export(full, "crooked", place / "a.zip", router={})
    refused(place / "a.zip", "head of shape")


@given(data=st.data())
def test_any_flipped_bit_is_refused_or_changes_nothing(good, ram, data):
    original = good.read_bytes()
    place = data.draw(st.integers(0, 8 * len(original) - 1))
    changed = bytearray(original)
    changed[place // 8] ^= 1 << place % 8
    path = ram / "flipped.zip"
    path.write_bytes(changed)
    try:
        with open_bundle(path) as (found, contents):
            held = {item.path: found.read_checked(item.path, item.digest) for item in contents.items}
    except StoreError as error:
        assert error.hint
    else:  # a date or a mode, which nothing reads
        assert all(unpacked(good)[path] == data for path, data in held.items())


@given(st.binary(max_size=400))
def test_any_bytes_are_refused(ram, noise):
    for start in (b"", b"PK\x03\x04", b"PK\x05\x06"):
        path = ram / "noise.zip"
        path.write_bytes(start + noise)
        with pytest.raises(StoreError), open_bundle(path):
            pass

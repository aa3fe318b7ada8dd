"""States: folders named by the digest of a manifest that proves every file, carried wherever a stack goes."""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.errors import IntegrityError, StoreError
from skillstack.store import canonical, marker, transactions
from skillstack.store.canonical import sha256
from skillstack.store.gc import collect
from skillstack.store.states import MAX_FILES, State, StateFile, StateRef, parse_ref, put_state, read_state
from skillstack.store.store import Store
from skillstack.store.verify import verify

from .builders import chain, files, generative, make_content, push_content, stateful
from .bundles import bring_in, packed, promised, unpacked, write_bundle
from .strategies import EXAMPLES, names, tensor_dicts, texts, values


@pytest.fixture
def stacked(store: Store) -> Store:
    """A store whose stack ``main`` has a frame with a state, one that generates, and one of format 1."""
    for content in (stateful(store), generative(store), make_content(store, "alpha")):
        push_content(store, "main", content)
    return store


def ref_of(store: Store) -> StateRef:
    """The state of the oldest frame."""
    content = store.content(store.node(chain(store, "main")[-1]).content)
    ref = content.skills[0].state
    assert ref is not None
    return ref


def problems(store: Store) -> set[str]:
    return {problem.path for problem in verify(store).problems}


@EXAMPLES
@given(names, st.dictionaries(texts, values, max_size=3), st.dictionaries(names, tensor_dicts, max_size=2))
def test_a_state_is_read_back_and_an_equal_one_is_the_same(ram, kind, record, named):
    store = Store.create(ram / "states" / "frames")
    named = {stem[:20]: inner for stem, inner in named.items()}
    ref = put_state(store, State(kind, record, named))
    assert put_state(store, State(kind, record, named)) == ref
    found = read_state(store, ref)
    assert (found.type, found.values) == (kind, record)
    assert found.tensors.keys() == named.keys()
    for stem, inner in named.items():
        assert found.tensors[stem].keys() == inner.keys()
        for name, array in inner.items():
            assert found.tensors[stem][name].dtype == array.dtype.newbyteorder("<")
            assert np.array_equal(found.tensors[stem][name], array)


def test_the_folders_name_is_the_digest_of_the_manifest(stacked):
    ref = ref_of(stacked)
    folder = stacked.root / "states" / ref.digest
    assert files(folder) == ["manifest.json", "other.safetensors", "state.json", "state.safetensors"]
    data = (folder / "manifest.json").read_bytes()
    assert sha256(data) == folder.name
    listed = canonical.loads(data, what="it")["files"]
    for file in listed:
        content = (folder / file["name"]).read_bytes()
        assert (sha256(content), len(content)) == (file["sha256"], file["bytes"])
    assert verify(stacked).ok and verify(stacked).strays == ()


def test_one_flipped_bit_in_any_file_of_a_state_is_found(stacked):
    rng = random.Random(3)
    ref = ref_of(stacked)
    for name in ref.digests():
        path = stacked.root / name
        data = path.read_bytes()
        for bit in [*rng.sample(range(8 * len(data)), 10), 0, 8 * len(data) - 1]:
            altered = bytearray(data)
            altered[bit // 8] ^= 1 << bit % 8
            path.write_bytes(altered)
            assert name in problems(stacked), (name, bit)
            with pytest.raises(IntegrityError, match="altered"):
                read_state(stacked, ref)
        path.write_bytes(data)
    assert verify(stacked).ok


def test_a_missing_file_is_found_and_a_file_too_many_is_a_stray(stacked):
    ref = ref_of(stacked)
    for name in ref.digests():
        path = stacked.root / name
        data = path.read_bytes()
        path.unlink()
        assert name in problems(stacked)
        with pytest.raises(IntegrityError, match="missing"):
            read_state(stacked, ref)
        path.write_bytes(data)
    extra = f"states/{ref.digest}/extra.safetensors"
    (stacked.root / extra).write_bytes(b"x")
    found = verify(stacked)
    assert found.ok and found.strays == (extra,)
    assert read_state(stacked, ref).type == "statistics"


def test_a_file_cut_short_or_grown_is_refused_before_it_is_read(stacked, monkeypatch):
    ref = ref_of(stacked)
    folder = stacked.root / "states" / ref.digest
    os.truncate(folder / "state.safetensors", 1 << 32)  # sparse: nothing is on disk
    read = Path.read_bytes
    monkeypatch.setattr(
        Path,
        "read_bytes",
        lambda path: pytest.fail("it was read") if path.stat().st_size > 1e6 else read(path),
    )
    with pytest.raises(IntegrityError, match="bytes that its manifest promises"):
        read_state(stacked, ref)
    assert problems(stacked) == {f"states/{ref.digest}/state.safetensors"}


def test_numbers_that_are_not_finite_are_neither_written_nor_read(store):
    with pytest.raises(ValueError, match="not finite"):
        put_state(store, State("statistics", {}, {"state": {"means": np.array([np.nan], dtype=np.float32)}}))
    good = State("statistics", {}, {"state": {"means": np.array([1.0], dtype=np.float32)}})
    ref = put_state(store, good)
    data = (store.root / "states" / ref.digest / "state.safetensors").read_bytes()
    forged_data = data[:-4] + np.array([np.inf], dtype="<f4").tobytes()
    forged = forge(store, ref, "state.safetensors", forged_data)
    with pytest.raises(IntegrityError, match="not finite"):
        read_state(store, forged)
    assert problems(store) == {f"states/{forged.digest}/state.safetensors"}


def forge(store: Store, ref: StateRef, name: str, data: bytes) -> StateRef:
    """A state whose digests all hold, with other bytes in one file."""
    forged = StateRef(
        tuple(StateFile(name, sha256(data), len(data)) if f.name == name else f for f in ref.files)
    )
    folder = store.root / "states" / forged.digest
    folder.mkdir(parents=True)
    for file in ref.files:
        same = (store.root / "states" / ref.digest / file.name).read_bytes()
        (folder / file.name).write_bytes(data if file.name == name else same)
    (folder / "manifest.json").write_bytes(forged.manifest)
    return forged


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"format":1,"type":"a","values":[]}',
        b'{"format":1,"type":"../a","values":{}}',
        b'{"format":1,"type":"a","values":{"n":1.5}}',
        b'{"format":1,"type":"a","values":{}} ',
        b'{"format":1,"type":"a","values":{},"more":1}',
        b'{"format":0,"type":"a","values":{}}',
        b"[" * 100_000,
    ],
)
def test_hostile_values_are_refused(store, data):
    ref = put_state(store, State("statistics", {"a": 1}))
    forged = forge(store, ref, "state.json", data)
    with pytest.raises(IntegrityError):
        read_state(store, forged)
    assert problems(store) == {f"states/{forged.digest}/state.json"}


def test_values_of_a_newer_version_ask_for_an_update(store):
    ref = put_state(store, State("statistics"))
    forged = forge(store, ref, "state.json", b'{"format":2,"type":"statistics","values":{}}')
    with pytest.raises(StoreError, match="Update") as caught:
        read_state(store, forged)
    assert not isinstance(caught.value, IntegrityError)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        (1 << 62).to_bytes(8, "little") + b"{}",
        (70).to_bytes(8, "little")
        + b'{"a":{"dtype":"F32","shape":[1099511627776,4],"data_offsets":[0,16]}}'.ljust(70)
        + bytes(16),
    ],
)
def test_hostile_tensors_are_refused(store, data):
    ref = put_state(store, State("statistics", {}, {"state": {"means": np.zeros((2, 2), dtype=np.float32)}}))
    forged = forge(store, ref, "state.safetensors", data)
    with pytest.raises(IntegrityError):
        read_state(store, forged)
    assert problems(store) == {f"states/{forged.digest}/state.safetensors"}


def test_a_reference_lists_each_file_once_sorted_and_not_too_many():
    def entry(name: str) -> dict[str, object]:
        return {"name": name, "sha256": "a" * 64, "bytes": 1}

    for listed in (
        [],
        ["a.safetensors"],
        ["state.json", "a.safetensors"],
        ["state.json", "state.json"],
        ["state.json", "state.json.pickle"],
        [*(f"{n:04}.safetensors" for n in range(MAX_FILES)), "state.json"],
    ):
        with pytest.raises(ValueError):
            parse_ref({"files": [entry(name) for name in listed]})
    assert parse_ref({"files": [entry("a.safetensors"), entry("state.json")]}).bytes == 2


def test_a_content_whose_state_is_missing_is_not_put(store):
    content = stateful(store)
    name = next(name for name in content.files if name.endswith("state.safetensors"))
    (store.root / name).unlink()
    with pytest.raises(IntegrityError, match="Write a content's files before"):
        store.put_content(content)


def test_garbage_collection_keeps_what_a_stack_needs_and_takes_the_rest(stacked):
    ref = ref_of(stacked)
    orphan = put_state(stacked, State("statistics", {"of": "nobody"}))
    found = collect(stacked, dry_run=False, expire_now=True)
    assert {name for name in found.files if name.startswith("states/")} == set(orphan.digests())
    assert not (stacked.root / "states" / orphan.digest).exists()
    assert read_state(stacked, ref).type == "statistics"
    for _ in range(3):
        transactions.undo(stacked, "main")
    collect(stacked, dry_run=False, expire_now=True)
    assert not any((stacked.root / "states").glob("*/*"))
    assert verify(stacked).ok


def test_a_bundle_carries_states_and_marks_the_store_that_it_comes_to(stacked, place):
    ref, path = ref_of(stacked), write_bundle(stacked, "main", place / "a.zip")
    assert set(ref.digests()) <= set(unpacked(path))
    other = Store.create(place / "other" / "frames")
    bring_in(path, other)
    assert marker.read(other.root).format == 2
    assert other.tip("main") == stacked.tip("main")
    assert verify(other).ok and verify(other).strays == ()
    assert np.array_equal(
        read_state(other, ref).tensors["state"]["means"], read_state(stacked, ref).tensors["state"]["means"]
    )


def test_a_bundle_of_format_1_leaves_a_store_as_it_is(store, place):
    push_content(store, "main", make_content(store, "alpha"))
    other = Store.create(place / "other" / "frames")
    bring_in(write_bundle(store, "main", place / "a.zip"), other)
    assert marker.read(other.root).format == 1


def test_a_bundle_with_a_state_altered_left_out_or_added_is_refused(stacked, place):
    good = unpacked(write_bundle(stacked, "main", place / "a.zip"))
    name = next(name for name in good if name.endswith("state.safetensors") and name.startswith("states"))
    missing = {key: data for key, data in good.items() if key != name}
    extra = {**good, f"states/{'a' * 64}/state.json": b"{}"}
    other = {**good, f"states/{'a' * 64}/code.pickle": b""}
    altered = {**good, name: good[name][:-1] + b"\x01"}
    for number, forged in enumerate((missing, extra, other, altered)):
        path = packed(promised(forged), place / f"{number}.zip")
        target = Store.create(place / str(number) / "frames")
        with pytest.raises(IntegrityError):
            bring_in(path, target)
        assert files(target.root) == ["store.json"]


def test_a_bundle_that_hides_its_format_is_refused(stacked, place):
    good = unpacked(write_bundle(stacked, "main", place / "a.zip"))

    def older(record: dict[str, object]) -> None:
        record["format"] = 1

    with pytest.raises(IntegrityError, match="says format 1 and holds 2"):
        bring_in(packed(promised(good, older), place / "b.zip"), Store.create(place / "b" / "frames"))

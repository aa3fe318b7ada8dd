"""The rows that a frame learned from: keys in a file of the store, carried wherever a stack goes."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skillstack.errors import IntegrityError
from skillstack.store import tensors, transactions
from skillstack.store.canonical import sha256
from skillstack.store.gc import collect
from skillstack.store.learned import path_of, put_learned, read_learned
from skillstack.store.records import FrameRecord
from skillstack.store.store import Store
from skillstack.store.verify import verify

from .builders import chain, make_content, push_content
from .bundles import bring_in, packed, promised, unpacked, write_bundle

KEYS = (2**64 - 1, 0, 7)


def taught(store: Store, name: str = "alpha", keys: tuple[int, ...] = KEYS) -> FrameRecord:
    """A content that names the rows that it learned from."""
    plain = make_content(store, name)
    return replace(plain, skills=(replace(plain.skills[0], learned=put_learned(store, keys)),))


@pytest.fixture
def stacked(store: Store) -> Store:
    """A store whose stack ``main`` has a frame that names its rows."""
    push_content(store, "main", taught(store))
    return store


def digest_of(store: Store) -> str:
    found = store.content(store.node(chain(store, "main")[0]).content).skills[0].learned
    assert found is not None
    return found


def test_keys_are_read_back_whatever_their_order_and_number(store):
    assert read_learned(store, put_learned(store, KEYS)) == set(KEYS)
    assert put_learned(store, (7, 0, 7, 2**64 - 1)) == put_learned(store, KEYS)
    assert read_learned(store, put_learned(store, ())) == frozenset()


def test_they_raise_the_format_and_change_no_answer(store):
    content, plain = taught(store), make_content(store, "alpha")
    assert (content.format, plain.format) == (2, 1)
    assert content.behaviour(content.skills[0]) == plain.behaviour(plain.skills[0])
    assert FrameRecord.from_bytes(content.to_bytes()) == content
    assert path_of(content.skills[0].learned) in content.files


def test_damage_and_absence_are_found(stacked):
    path = stacked.root / path_of(digest_of(stacked))
    assert verify(stacked).ok and not verify(stacked).strays
    data = path.read_bytes()
    for damaged in (data[:-1] + bytes([data[-1] ^ 1]), data[:-8], b""):
        path.write_bytes(damaged)
        assert [problem.path for problem in verify(stacked).problems] == [path_of(digest_of(stacked))]
    path.unlink()
    assert [problem.path for problem in verify(stacked).problems] == [path_of(digest_of(stacked))]


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"rows": np.array([1.0])},
        {"rows": np.array([[1]], dtype=np.uint64)},
        {"rows": np.array([2, 1], dtype=np.uint64)},
        {"rows": np.array([1, 1], dtype=np.uint64)},
        {"rows": np.array([1], dtype=np.uint64), "more": np.array([1], dtype=np.uint64)},
    ],
)
def test_what_holds_no_sorted_keys_is_refused(store, arrays):
    data = tensors.dump(arrays)
    path = store.root / path_of(sha256(data))
    path.parent.mkdir()
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match="keys"):
        read_learned(store, sha256(data))
    assert [problem.path for problem in verify(store).problems] == [path_of(sha256(data))]


def test_a_content_whose_keys_are_missing_is_not_put(store):
    content = taught(store)
    (store.root / path_of(content.skills[0].learned)).unlink()
    with pytest.raises(IntegrityError, match="missing"):
        store.put_content(content)


def test_garbage_collection_keeps_what_a_stack_needs_and_takes_the_rest(stacked):
    push_content(stacked, "main", taught(stacked, "beta", (1, 2)))
    gone = digest_of(stacked)
    transactions.undo(stacked, "main")
    for path in stacked.root.rglob("*"):
        os.utime(path, (1, 1))
    removed = collect(stacked, dry_run=False, expire_now=True).files
    assert path_of(gone) in removed and path_of(digest_of(stacked)) not in removed
    assert read_learned(stacked, digest_of(stacked)) == set(KEYS) and verify(stacked).ok


def test_a_bundle_carries_them_with_texts_and_without(stacked, place):
    for with_texts in (True, False):
        bundle = write_bundle(stacked, "main", place / f"{with_texts}.zip", with_texts=with_texts)
        other = Store.create(place / str(with_texts) / "frames")
        bring_in(bundle, other)
        assert read_learned(other, digest_of(other)) == set(KEYS)
        assert verify(other).ok and chain(other, "main") == chain(stacked, "main")


def test_a_bundle_with_keys_altered_or_left_out_is_refused(stacked, place: Path):
    bundle = write_bundle(stacked, "main", place / "good.zip")
    name = path_of(digest_of(stacked))
    good = unpacked(bundle)
    other = tensors.dump({"rows": np.array([1], dtype=np.uint64)})
    for files in (
        {**good, name: other},
        {key: data for key, data in good.items() if key != name},
        {**good, path_of(sha256(other)): other},
    ):
        with pytest.raises(IntegrityError):
            bring_in(packed(promised(files), place / "bad.zip"), Store.create(place / "to" / "frames"))

"""Texts that were left out on purpose are no damage, and are not taken for kept ones either."""

from __future__ import annotations

import os
import time

import pytest

from skillstack.errors import IntegrityError, StoreError
from skillstack.store import gc, samples, transactions
from skillstack.store.canonical import sha256
from skillstack.store.store import Store
from skillstack.store.verify import verify

from .builders import chain, full_store, make_content
from .bundles import bring_in, write_bundle


@pytest.fixture
def without(store: Store, full: Store, place) -> Store:
    """A store that got a stack without its texts."""
    bring_in(write_bundle(full, "main", place / "a.zip", with_texts=False), store)
    return store


def redacted_digest(store: Store) -> str:
    (path,) = (store.root / "samples").glob("*.withheld")
    return path.stem


def test_a_store_without_its_texts_is_whole_and_says_what_is_missing(without):
    assert verify(without).ok
    digest = redacted_digest(without)
    assert without.is_redacted(f"samples/{digest}") and without.redacted_rows(digest) == 2
    with pytest.raises(StoreError, match=r"left out.*--with-texts") as caught:
        without.samples(digest)
    assert not isinstance(caught.value, IntegrityError)


def test_undo_redo_and_a_collection_go_on_without_them(without):
    digest = redacted_digest(without)
    transactions.undo(without, "main")
    transactions.redo(without, "main")
    old = time.time() - 2 * gc.GRACE
    for path in without.root.rglob("*"):
        os.utime(path, (old, old))
    assert gc.collect(without, dry_run=False).files == ()
    transactions.undo(without, "main")
    removed = gc.collect(without, dry_run=False, expire_now=True).files
    assert f"samples/{digest}.withheld" in removed
    assert verify(without).ok


def test_a_missing_or_damaged_record_is_damage(without):
    path = without.root / "samples" / f"{redacted_digest(without)}.withheld"
    data = path.read_bytes()
    path.write_bytes(data.replace(b"2", b"3", 1))
    assert [problem.path for problem in verify(without).problems] == [f"samples/{path.name}"]
    path.write_bytes(samples.redaction_bytes(sha256(b"other"), 2))
    assert not verify(without).ok
    path.unlink()
    assert [problem.path for problem in verify(without).problems] == [f"samples/{path.stem}"]


def test_a_later_import_brings_the_texts(without, full, place):
    digest = redacted_digest(without)
    again = bring_in(write_bundle(full, "main", place / "b.zip"), without)
    assert (again.new, again.written, again.texts) == (False, 1, 2)
    assert not list((without.root / "samples").glob("*.withheld"))
    assert without.samples(digest) == full.samples(digest)
    assert verify(without).ok


def test_texts_that_are_here_already_are_not_forgotten(full, place):
    archive = write_bundle(full, "main", place / "a.zip", with_texts=False)
    done = bring_in(archive, full, "twin")
    assert done.redacted == 0 and not list((full.root / "samples").glob("*.withheld"))


def test_what_came_without_texts_goes_on_without_them(without, full, place):
    first = (place / "a.zip").read_bytes()
    assert write_bundle(without, "main", place / "c.zip", with_texts=True).read_bytes() == first
    other = Store.create(place / "third" / "frames")
    bring_in(place / "c.zip", other)
    assert chain(other, "main") == chain(full, "main") and verify(other).ok


def test_only_samples_can_be_left_out(place):
    store = full_store(place / "frames")
    content = make_content(store, "eta")
    head = content.files[3]
    assert head.startswith("heads/") and samples.redaction_path(head) is None
    (store.root / head).rename(store.root / f"{head}.withheld")
    with pytest.raises(IntegrityError):
        store.put_content(content)


@pytest.mark.parametrize("change", [{"format": 2}, {"format": 0}, {"rows": -1}, {"rows": "2"}, {"more": 1}])
def test_a_record_of_another_shape_is_refused(change):
    from skillstack.store import canonical

    record = {"format": 1, "rows": 2, "samples": "a" * 64, **change}
    with pytest.raises(StoreError):
        samples.redacted_rows(canonical.seal(record), what="it", samples="a" * 64)

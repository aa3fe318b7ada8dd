"""An archive's manifest: what was written is read, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.errors import IntegrityError, StoreError
from skillstack.store import canonical
from skillstack.store.bundle import BundleTexts, Entry, Manifest, check_path

digests = st.text("0123456789abcdef", min_size=64, max_size=64)
entries = st.builds(
    Entry, digests.map(lambda digest: f"nodes/{digest}.json"), digests, st.integers(0, 2**53 - 1)
)
manifests = st.builds(
    Manifest,
    st.sampled_from(["main", "my-stack", "a.b_c"]),
    digests,
    st.lists(entries, max_size=4).map(tuple),
    st.lists(st.builds(BundleTexts, digests, st.integers(0, 10**6)), max_size=2).map(tuple),
)


@given(manifests)
def test_what_was_written_is_read(manifest):
    assert Manifest.from_bytes(manifest.to_bytes(), what="it") == manifest


@given(manifests, st.sampled_from(["format", "stack", "tip", "entries", "kept_back"]))
def test_a_manifest_that_lacks_a_field_is_refused(manifest, field):
    record = canonical.unseal(manifest.to_bytes(), what="it")
    del record[field]
    with pytest.raises(IntegrityError):
        Manifest.from_bytes(canonical.seal(record), what="it")


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"format": 3}, StoreError),
        ({"format": 0}, IntegrityError),
        ({"stack": "../up"}, IntegrityError),
        ({"tip": "abc"}, IntegrityError),
        ({"entries": [{"path": "HEAD", "sha256": "a" * 64, "size": 1}]}, IntegrityError),
        ({"entries": [{"path": f"nodes/{'a' * 64}.json", "sha256": "a" * 64, "size": -1}]}, IntegrityError),
        ({"kept_back": [{"digest": "a" * 64, "rows": -1}]}, IntegrityError),
        ({"more": 1}, IntegrityError),
    ],
)
def test_impossible_values_are_refused(change, kind):
    record = canonical.unseal(Manifest("main", "a" * 64, (), ()).to_bytes(), what="it")
    with pytest.raises(kind):
        Manifest.from_bytes(canonical.seal({**record, **change}), what="it")


@given(st.text(max_size=80))
def test_no_path_leads_out_of_the_store(path):
    try:
        check_path(path)
    except IntegrityError:
        return
    assert not path.startswith("/") and ".." not in path.split("/") and path.isascii()

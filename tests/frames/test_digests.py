"""Digests are SHA-256, and nothing else gets past the check."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.errors import IntegrityError
from skillstack.store.canonical import check_digest, is_digest, sha256, sha256_file

from .strategies import EXAMPLES


@EXAMPLES
@given(st.binary())
def test_a_digest_is_sha256_in_hexadecimal(data):
    assert sha256(data) == hashlib.sha256(data).hexdigest()
    assert is_digest(sha256(data))


def test_a_file_longer_than_one_piece_has_the_digest_of_its_bytes(tmp_path):
    data = bytes(range(256)) * 9000
    (tmp_path / "file").write_bytes(data)
    assert sha256_file(tmp_path / "file") == sha256(data)


@pytest.mark.parametrize(
    "value",
    ["", "a" * 63, "a" * 65, "A" * 64, "g" * 64, "../" + "a" * 61, "a" * 64 + "\n", None, 7, b"a" * 64],
)
def test_what_is_no_digest_is_refused(value):
    assert not is_digest(value)
    with pytest.raises(IntegrityError, match="A node id"):
        check_digest(value, "A node id")

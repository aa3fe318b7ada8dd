"""Errors of other libraries in plain words, whatever they come wrapped in."""

import errno

import pytest

from skillstack.errors import MissingError, StoreError
from skillstack.hub import explain


def explained(error):
    return explain(error, "The model a/b", "a/b", "A folder works as well.")


def wrapped(error, inside):
    try:
        try:
            raise inside
        except Exception as cause:
            raise error from cause
    except Exception as whole:
        return whole


def named(name):
    return type(name, (Exception,), {})("https://user:secret@hub.example")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (named("GatedRepoError"), "gated"),
        (named("RevisionNotFoundError"), "no such revision"),
        (named("OfflineModeIsEnabled"), "HF_HUB_OFFLINE"),
        (OSError("Consistency check failed: file should be of size 5 but has size 3"), "in part"),
        (wrapped(ValueError("no"), named("RemoteProtocolError")), "in part"),
    ],
)
def test_the_innermost_reason_is_said_and_no_address_is_shown(error, said):
    found = explained(error)
    assert isinstance(found, MissingError)
    assert said in found.message
    assert found.hint
    assert "secret" not in str(found)


def test_a_full_disk_is_a_full_disk_however_deep_it_lies():
    found = explained(wrapped(RuntimeError("download failed"), OSError(errno.ENOSPC, "full")))
    assert isinstance(found, StoreError)
    assert "HF_HOME" in found.hint

"""Names are safe as file names on every system."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.errors import UsageError
from skillstack.store.fields import check_name, is_name

from .strategies import MANY, names


@pytest.mark.parametrize("name", ["a", "0", "hard8", "sst2-v1.1", "a_b", "x" * 64, "console", "com", "com10"])
def test_plain_names_are_accepted(name):
    assert check_name(name, "The stack") == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "a\\b", "/a", "-a", "_a", ".a", "A", "é", "a b", "a\n", "a\0", "x" * 65,
     "a.", "con", "con.txt", "nul", "aux.a.b", "com1", "lpt9.x", "prn", "c:", "a:b", "~", "$x"],
)  # fmt: skip
def test_names_that_some_system_cannot_hold_are_refused(name):
    assert not is_name(name)
    with pytest.raises(UsageError, match="The stack"):
        check_name(name, "The stack")


@pytest.mark.parametrize("value", [None, 3, b"a", ["a"]])
def test_what_is_no_string_is_no_name(value):
    assert not is_name(value)


@MANY
@given(names | st.text(max_size=8))
def test_an_accepted_name_is_one_path_part_everywhere(name):
    if is_name(name):
        assert PurePosixPath(name).parts == (name,)
        assert PureWindowsPath(name).parts == (name,)
        assert name == name.lower()


def test_the_error_shows_a_long_name_only_in_part():
    with pytest.raises(UsageError) as caught:
        check_name("A" * 10_000, "The stack")
    assert len(str(caught.value)) < 400

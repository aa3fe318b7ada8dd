"""Field readers accept one type each and say what they expected."""

from __future__ import annotations

import pytest

from skillstack.errors import IntegrityError
from skillstack.store import fields


@pytest.mark.parametrize(
    ("read", "good", "bad"),
    [
        (fields.string, "x", [None, 1, b"x", "x" * 65_537]),
        (fields.integer, 3, [None, -1, True, 1.0, "1"]),
        (fields.boolean, True, [None, 0, 1, "true"]),
        (fields.name, "a-b", ["A", "", "../x", None]),
    ],
)
def test_a_value_of_another_type_is_refused(read, good, bad):
    assert read(good) == good
    for value in bad:
        with pytest.raises(ValueError):
            read(value)


def test_lists_objects_and_options_are_read_item_by_item():
    assert fields.sequence(["a", "b"], fields.string) == ("a", "b")
    assert fields.mapping({"a": 1}, fields.integer) == {"a": 1}
    assert fields.optional(None, fields.string) is None and fields.optional("a", fields.string) == "a"
    assert fields.one_of("a", ("a", "b")) == "a"
    for read in (
        lambda: fields.sequence("ab", fields.string),
        lambda: fields.sequence(["a", 1], fields.string),
        lambda: fields.mapping(["a"], fields.string),
        lambda: fields.mapping({"a": "1"}, fields.integer),
        lambda: fields.optional(1, fields.string),
        lambda: fields.one_of("c", ("a", "b")),
        lambda: fields.one_of([], ("a", "b")),
        lambda: fields.keys({"a": 1}, {"a", "b"}),
        lambda: fields.keys([], set()),
    ):
        with pytest.raises(IntegrityError, match="The record is no valid record"):
            fields.reading("The record", read)

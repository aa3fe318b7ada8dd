from pathlib import Path

import pytest

from skillstack.data.batches import Format
from skillstack.data.headers import CLOSE, find_label, find_longest
from skillstack.data.tables import Table
from skillstack.errors import UsageError

from .test_profile import profile

TABLE = Table(Path("t.csv"), Format("csv"), ("a", "b"))


@pytest.mark.parametrize("name", ["label", "Class", " CATEGORY ", "target", "intent", "Y"])
def test_a_label_column_is_known_by_its_name_in_any_case(name):
    found = find_label(TABLE, [profile("xyz", "id"), profile("aabb", "other"), profile("cd", name)])
    assert (found.column, found.why) == (name, "by its name")


def test_a_text_column_is_the_longest_unless_another_comes_close():
    long, shorter = profile(["x" * 100], "long"), profile(["y" * int(100 * CLOSE - 1)], "shorter")
    assert find_longest(TABLE, [shorter, long]).column == "long"
    with pytest.raises(UsageError, match="'long' and 'close'"):
        find_longest(TABLE, [profile(["y" * int(100 * CLOSE)], "close"), long])


def test_numbers_and_empty_columns_are_no_texts():
    words = profile(["ab"], "words")
    assert find_longest(TABLE, [profile(["123456789"], "id"), profile([""], "none"), words]).column == "words"


def test_many_columns_are_not_all_listed():
    with pytest.raises(UsageError, match="and 4 more columns"):
        find_label(TABLE, [profile("aabb", f"c{n}") for n in range(9)])

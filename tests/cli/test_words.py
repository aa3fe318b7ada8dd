from hypothesis import given
from hypothesis import strategies as st

from skillstack.cli import words
from skillstack.store.records import Count


def test_an_accuracy_names_its_number_of_rows():
    assert words.accuracy(Count(191, 200)) == "95.5 % of 200"
    assert words.accuracy(None) == words.accuracy(Count(0, 0)) == "-"


@given(st.text(max_size=300), st.integers(4, 60))
def test_a_shortened_text_is_one_line_of_the_width(text, width):
    line = words.shorten(text, width)
    assert len(line) <= width
    assert "\n" not in line


def test_a_table_keeps_its_columns_whatever_stands_in_them():
    assert words.columns([["a\nb", "1"], ["c\x1b", "10"]], right=(1,)) == ["a b     1", "c\\x1b  10"]
    assert words.columns([]) == []


def test_a_long_value_goes_on_below_where_it_began():
    lines = words.pairs([("id", "ab" * 50), ("labels", "one label, " * 20), ("note", "")])
    assert lines[0] == "  id      " + "ab" * 50
    assert all(line.startswith(" " * 10) and len(line) <= 80 for line in lines[2:-1])
    assert lines[-1] == "  note    -"

"""Figures and texts as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack import wording
from skillstack.evaluation.intervals import Interval


def test_no_text_can_act_on_a_terminal():
    text = "a\x1b[31mred\x07\x9b2J\rb\u202egnp.exe\u2066x\u200f\ud800\x7f"
    cleaned = wording.clean(text)
    assert cleaned == r"a\x1b[31mred\x07\x9b2J\x0db\u202egnp.exe\u2066x\u200f\ud800\x7f"


def test_tabs_and_newlines_stay_in_a_text_and_go_from_a_line():
    assert wording.clean("a\tb\nc") == "a\tb\nc"
    assert wording.clean_line("a\tb\n\n c ") == "a b c"


@given(st.text(st.characters(), max_size=50))
def test_what_is_cleaned_is_clean(text):
    cleaned = wording.clean(text)
    assert wording.clean(cleaned) == cleaned
    assert all(c in "\t\n" or (c.isprintable() or ord(c) > 0x9F) for c in cleaned)
    cleaned.encode("utf-8")


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (99_949, "99.9 kB"),
        (99_950, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (7 * 10**12, "7000 GB"),
    ],
)
def test_sizes_have_decimal_units(count, said):
    assert wording.size(count) == said


@pytest.mark.parametrize(("count", "said"), [(8.44, "8.4 s"), (59.97, "1 min 0 s"), (7500, "2 h 5 min")])
def test_times_have_the_unit_that_fits(count, said):
    assert wording.seconds(count) == said


def test_one_frame_is_no_frames():
    assert (wording.many(1, "frame"), wording.many(1200, "frame")) == ("1 frame", "1,200 frames")
    assert wording.many(2, "family", "families") == "2 families"


def test_points_are_never_minus_nothing():
    assert (wording.points(-0.0001), wording.points(-0.0001, sign=True)) == ("0.0", "0.0")
    assert (wording.points(0.012, sign=True), wording.points(-0.012)) == ("+1.2", "-1.2")
    assert wording.between(Interval(0.1, 0.25)) == "10.0 to 25.0"


def test_a_chance_below_a_thousandth_is_only_said_to_be_so():
    assert (wording.chance(0.0312), wording.chance(1e-9)) == ("p = 0.031", "p < 0.001")


def test_names_are_listed_as_in_a_sentence():
    assert [wording.listed(list("abc"[:n])) for n in range(4)] == ["", "a", "a and b", "a, b and c"]

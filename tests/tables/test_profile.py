import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.data.headers import MAX_LABELS, Profile, as_number


def profile(cells, name="a"):
    made = Profile(name)
    for cell in cells:
        made.add(cell)
    return made


def test_values_are_counted_stripped_and_empty_cells_are_not():
    made = profile([" x", "x ", "", "  ", "y"])
    assert made.values == {"x": 2, "y": 1}
    assert (made.filled, made.characters, made.mean_length) == (3, 3, 1.0)


def test_too_many_values_or_too_long_ones_are_no_labels_and_fill_no_memory():
    ids = profile(str(n) for n in range(MAX_LABELS + 1))
    assert (ids.uncounted, ids.long, len(ids.values), ids.filled) == (True, False, 0, MAX_LABELS + 1)
    long = profile(["x", "a" * 201, "x"])
    assert (long.uncounted, long.long, len(long.values)) == (True, True, 0)
    assert not profile(str(n) for n in range(MAX_LABELS)).uncounted


@pytest.mark.parametrize(
    ("cells", "numeric", "fractional"),
    [
        (["1", "-2", "+3.0"], True, False),
        (["1", "3.75"], True, True),
        (["3.75", "a"], False, False),
        (["1e3"], True, False),
        (["nan"], False, False),
        (["1_000"], False, False),
        (["-"], False, False),
    ],
)
def test_numbers_are_known_from_texts(cells, numeric, fractional):
    made = profile(cells)
    assert (made.numeric, made.fractional) == (numeric, fractional)


@pytest.mark.parametrize(
    ("cells", "repeats"),
    [
        (["a", "b"] * 10, True),
        (["a"] * 10, False),
        (["a", "b", "c", "d"], False),
        ([f"{n % 200}" for n in range(400)], True),
        ([f"{n % 201}" for n in range(402)], False),
        (["a", "a", *"bcdefgh"], False),
    ],
)
def test_labels_repeat(cells, repeats):
    assert profile(cells).repeats is repeats


@given(st.lists(st.sampled_from(["a", "", "1", "2.5", "a b", "x" * 201, *map(str, range(50))])), st.randoms())
def test_the_order_of_the_cells_changes_nothing(cells, random):
    shuffled = list(cells)
    random.shuffle(shuffled)
    assert profile(shuffled) == profile(cells)


@given(st.text(min_size=1))
def test_any_text_is_a_number_or_none(text):
    assert as_number(text) is None or isinstance(as_number(text), float)

import pytest

from skillstack.data.columns import read_labels
from skillstack.errors import InputError

from .test_profile import profile


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (["b", " a", "a "], ("a", "b")),
        (["10", "9", "1"], ("1", "9", "10")),
        (["1.0", "1", "0"], ("0", "1", "1.0")),
        (["10", "9", "x"], ("10", "9", "x")),
        ([f"{n / 2}" for n in range(2, 11)], ("1.0", "1.5", "2.0", "2.5", "3.0", "3.5", "4.0", "4.5", "5.0")),
    ],
)
def test_labels_are_the_different_values_sorted(cells, labels):
    assert read_labels(profile(cells)) == labels


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (["x", "x"], "only the value 'x'"),
        ([""], "no values"),
        ([f"{n}.75" for n in range(30)], "30 different numbers with fractions, as a regression target"),
        ([f"{n}.75" for n in range(5000)], "more than 1,000 different numbers with fractions"),
        ([str(n) for n in range(10_000)], "more than 1,000 different values; .* regression target or an id"),
        ([f"id-{n}" for n in range(10_000)], "more than 1,000 different values; .* id column or free text"),
        (["a" * 201, "b"], "more than 200 characters"),
    ],
)
def test_what_are_no_classes_is_an_error_that_says_what_they_look_like(cells, says):
    with pytest.raises(InputError, match=says) as caught:
        read_labels(profile(cells))
    assert caught.value.hint

"""Figures in words."""

import pytest

from skillstack.forecast.pace import Span
from skillstack.forecast.words import amount, listed, span_words


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "less than 1 MB"), (4_200_000, "4 MB"), (949_000_000, "949 MB"), (1_540_000_000, "1.5 GB")],
)
def test_amounts(count, said):
    assert amount(count) == said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (3, 20, "3 to 20 seconds"),
        (40, 150, "1 to 2 minutes"),
        (50, 80, "1 minutes"),
        (600, 5000, "10 to 83 minutes"),
        (7200, 20000, "2 to 6 hours"),
    ],
)
def test_ranges_of_time(low, high, said):
    assert span_words(Span(low, high)) == said.replace("1 minutes", "1 minute")


def test_lists():
    assert [listed([]), listed(["a"]), listed(["a", "b", "c"])] == ["", "a", "a, b and c"]

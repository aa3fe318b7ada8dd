"""One option of each family: as good as the best of all combinations."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from skillstack.compression.fronts import Loss, cheapest, smallest

#: Losses are whole numbers, so that sums are exact in whatever order.
OPTION = st.tuples(st.integers(0, 40), st.builds(Loss, st.integers(0, 3), st.integers(-5, 5)))
FAMILIES = st.lists(st.lists(OPTION, min_size=1, max_size=5), min_size=1, max_size=4)


def total(options, numbers):
    chosen = [family[number] for family, number in zip(options, numbers, strict=True)]
    loss = Loss(0, 0)
    for _, one in chosen:
        loss = loss + one
    return sum(size for size, _ in chosen), loss


@given(FAMILIES, st.integers(0, 120))
def test_no_combination_that_fits_loses_less(options, target):
    fitting = [
        total(options, numbers)
        for numbers in itertools.product(*[range(len(family)) for family in options])
        if total(options, numbers)[0] <= target
    ]
    found = cheapest(options, target)
    if not fitting:
        assert found is None
        return
    size, loss = total(options, found)
    assert size <= target and loss == min(loss for _, loss in fitting)


@given(FAMILIES)
def test_nothing_fits_below_the_smallest_and_something_does_at_it(options):
    least = smallest(options)
    assert cheapest(options, least) is not None
    assert cheapest(options, least - 1) is None


def test_doubt_comes_before_accuracy():
    options = [[(10, Loss(1.0, -5.0)), (10, Loss(0.0, 5.0)), (20, Loss(0.0, 0.0))]]
    assert cheapest(options, 10) == (1,)
    assert cheapest(options, 20) == (2,)

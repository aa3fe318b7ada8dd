"""Cutting keeps order, fits the budget, and takes from the longer of two."""

from hypothesis import given
from hypothesis import strategies as st

from skillstack.models.prompts import cut, cut_pair, share, shorten
from skillstack.store.records import Rendering

MODES = st.sampled_from(["head", "head_tail"])


@given(length=st.integers(0, 60), budget=st.integers(1, 60), mode=MODES)
def test_as_much_is_kept_as_fits(length, budget, mode):
    kept = cut(list(range(length)), budget, mode)
    assert len(kept) == min(length, budget)
    assert kept == sorted(kept)
    if mode == "head":
        assert kept == list(range(len(kept)))
    elif length > budget:
        assert kept[-1] == length - 1


@given(first=st.integers(0, 60), second=st.integers(0, 60), budget=st.integers(2, 80))
def test_a_shared_budget_is_used_up_and_the_longer_one_gives(first, second, budget):
    left, right = share(first, second, budget)
    assert left <= first
    assert right <= second
    assert left + right == min(first + second, budget)
    if left < first and right < second:
        assert abs(left - right) <= 1
    elif left < first:
        assert left >= right - 1
    elif right < second:
        assert right >= left - 1


@given(first=st.integers(0, 30), second=st.integers(0, 30), budget=st.integers(2, 40), mode=MODES)
def test_a_pair_fits_its_budget(first, second, budget, mode):
    left, right = cut_pair(list(range(first)), list(range(second)), budget, mode)
    assert len(left) + len(right) == min(first + second, budget)


@given(text=st.text(max_size=60), mode=MODES)
def test_a_text_is_shortened_only_when_it_is_long(text, mode):
    found, short = shorten(text, Rendering(truncation=mode, max_length=2), 10)
    assert text.startswith(found[:20])
    assert short == (found != text)
    assert len(found) <= (20 if mode == "head" else 40)
    if mode == "head_tail":
        assert text.endswith(found[-20:])

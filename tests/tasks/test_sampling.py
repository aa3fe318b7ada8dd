from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.data.splits import router_rows, sample
from skillstack.data.task import Example
from skillstack.errors import UsageError
from skillstack.store.rows import Row

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
examples = st.lists(
    st.builds(Example, st.builds(Row, texts, st.none() | texts), st.integers(0, 3)), max_size=40
)

TWENTY = [Example(Row(f"sentence {i}"), i % 2) for i in range(20)]
GOLDEN = ["sentence 17", "sentence 16", "sentence 2", "sentence 19"]


@given(examples, st.integers(1, 8), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows: list[Example], k: int, random: object) -> None:
    shuffled = rows.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert sample(shuffled, k, 42, "dinner") == sample(rows, k, 42, "dinner")
    assert router_rows(shuffled, k, 42, "dinner") == router_rows(rows, k, 42, "dinner")


@given(examples, st.integers(1, 8))
def test_each_class_gives_its_share_or_all_it_has(rows: list[Example], k: int) -> None:
    chosen = Counter(example.label for example in sample(rows, k, 42, "dinner"))
    different = Counter(example.label for example in set(rows))
    assert chosen == {label: min(k, n) for label, n in different.items()}


@given(examples, st.integers(1, 8))
def test_a_larger_sample_contains_the_smaller_one(rows: list[Example], k: int) -> None:
    assert set(sample(rows, k, 42, "dinner")) <= set(sample(rows, k + 1, 42, "dinner"))
    assert set(router_rows(rows, k, 42, "dinner")) <= set(router_rows(rows, k + 1, 42, "dinner"))


@given(examples, st.integers(1, 60))
def test_router_rows_are_different_and_as_many_as_asked_for_or_there_are(rows: list[Example], n: int) -> None:
    chosen = router_rows(rows, n, 42, "dinner")
    assert len(set(chosen)) == len(chosen) == min(n, len({example.row for example in rows}))


def test_router_rows_are_balanced_and_small_classes_are_made_up_for() -> None:
    rows = [Example(Row(f"sentence {i}"), 0) for i in range(50)] + [Example(Row("alone"), 1)]
    assert len(router_rows(rows, 20, 42, "dinner")) == 20
    assert Row("alone") in router_rows(rows, 20, 42, "dinner")
    label_of = {example.row: example.label for example in TWENTY}
    assert Counter(label_of[row] for row in router_rows(TWENTY, 10, 42, "dinner")) == {0: 5, 1: 5}


def test_seed_and_task_choose_other_rows() -> None:
    chosen = {sample(TWENTY, 3, seed, task) for seed in (42, 7) for task in ("dinner", "lunch")}
    assert len(chosen) == 4


def test_the_choice_is_the_same_on_every_machine() -> None:
    assert [example.row.text for example in sample(TWENTY, 2, 42, "dinner")] == GOLDEN


@pytest.mark.parametrize("count", [0, -1])
def test_a_count_below_one_is_refused(count: int) -> None:
    with pytest.raises(UsageError, match="Give at least 1"):
        sample(TWENTY, count, 42, "dinner")
    with pytest.raises(UsageError, match="Give at least 1"):
        router_rows(TWENTY, count, 42, "dinner")

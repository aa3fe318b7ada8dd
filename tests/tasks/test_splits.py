from hypothesis import given, settings
from hypothesis import strategies as st

from skillstack.data.splits import MAX_GUARD_ROWS, Splits, split
from skillstack.data.task import Example
from skillstack.store.rows import Row

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
examples = st.lists(
    st.builds(Example, st.builds(Row, texts, st.none() | texts), st.integers(0, 3)), max_size=60
)


def many(n: int, label: int = 0) -> list[Example]:
    return [Example(Row(f"sentence {i} of class {label}"), label) for i in range(n)]


def sides(splits: Splits) -> dict[Example, str]:
    return {example: side for side in ("train", "dev", "guard") for example in getattr(splits, side)}


@given(examples, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows: list[Example], random: object) -> None:
    shuffled = rows.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert split(shuffled) == split(rows)


@given(examples)
def test_every_different_example_is_on_exactly_one_side(rows: list[Example]) -> None:
    splits = split(rows)
    together = [*splits.train, *splits.dev, *splits.guard]
    assert len(together) == len(set(together))
    assert set(together) == set(rows)


@given(examples)
def test_every_class_can_be_learned_and_with_two_rows_also_chosen_on(rows: list[Example]) -> None:
    splits = split(rows)
    for label in {example.label for example in rows}:
        assert any(example.label == label for example in splits.train)
        if len({example for example in rows if example.label == label}) > 1:
            assert any(example.label == label for example in splits.dev)


@settings(max_examples=20)
@given(st.integers(0, 200))
def test_a_row_stays_on_its_side_when_rows_are_added(n: int) -> None:
    before = sides(split(many(300)))
    after = sides(split(many(300 + n)))
    assert all(after[example] == side for example, side in before.items())


def test_the_shares_are_a_fifth_a_fifth_and_the_rest() -> None:
    splits = split(many(5_000))
    assert abs(len(splits.dev) - 1_000) < 100
    assert abs(len(splits.guard) - 1_000) < 100
    assert len(splits.train) + len(splits.dev) + len(splits.guard) == 5_000


def test_of_many_rows_two_thousand_guard_and_the_others_are_never_trained_on() -> None:
    rows = many(12_000)
    splits = split(rows)
    assert len(splits.guard) == MAX_GUARD_ROWS
    left = set(rows) - sides(splits).keys()
    assert left
    fewer = sides(split(rows[:5_000]))  # few enough that nobody is left aside
    assert all(fewer[example] == "guard" for example in left & fewer.keys())


def test_a_text_is_on_the_same_side_in_two_tasks() -> None:
    first = sides(split(many(200)))
    second = sides(split([Example(example.row, 1) for example in many(200)]))
    assert {example.row: side for example, side in first.items()} == {
        example.row: side for example, side in second.items()
    }


def test_validation_rows_join_dev_but_never_repeat_a_row() -> None:
    rows = many(50)
    extra = Example(Row("only in validation"), 0)
    splits = split(rows, validation=[*rows[:10], extra, extra])
    assert splits.train == split(rows).train
    assert set(splits.dev) == {*split(rows).dev, extra}
    assert len(splits.dev) == len(split(rows).dev) + 1

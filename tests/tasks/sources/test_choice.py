import random

from hypothesis import given
from hypothesis import strategies as st

from skillstack.data.table_rows import RowLedger

SPAN = 2**64


def settled(rows):
    ledger = RowLedger()
    for row in rows:
        ledger.add(*row)
    return ledger.settle()


def many(n, classes=2, seed=0):
    made = random.Random(seed)
    return [(made.randrange(SPAN), made.randrange(SPAN), label) for label in range(classes) for _ in range(n)]


def test_equal_rows_count_once_and_texts_with_two_classes_not_at_all():
    found = settled([(5, 0, 1), (3, 0, 0), (5, 0, 1), (7, 0, 0), (7, 0, 1), (7, 0, 0), (9, 0, 0), (9, 0, 1)])
    assert found.keys.tolist() == [3, 5]
    assert found.labels.tolist() == [0, 1]
    assert (found.duplicates, found.conflicting_texts, found.conflicting) == (1, 2, 5)


def test_nothing_noted_is_nothing_chosen():
    choice = settled([]).choose(2, 0.2, None, 10)
    assert (choice.train, choice.test, choice.train_counts) == (frozenset(), frozenset(), (0, 0))


def test_the_place_decides_who_is_held_back():
    rows = many(1000)
    choice = settled(rows).choose(2, 0.2, None, 10_000)
    assert choice.test == {key for key, place, _ in rows if place < 0.2 * SPAN}
    assert len(choice.train) + len(choice.test) == 2000


def test_a_limit_takes_the_lowest_keys_of_those_that_train():
    rows = many(50)
    choice = settled(rows).choose(2, 0.2, 3, 10_000)
    for label in range(2):
        mine = sorted(key for key, place, owner in rows if owner == label and place >= 0.2 * SPAN)
        assert set(mine[:3]) <= choice.train
    assert choice.train_counts == (3, 3)


def test_of_many_rows_to_test_with_each_class_keeps_one():
    choice = settled(many(1000, classes=5)).choose(5, 0.5, None, 7)
    assert len(choice.test) == 7
    owners = {key: label for key, _, label in many(1000, classes=5)}
    assert {owners[key] for key in choice.test} == set(range(5))


@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=4), st.floats(0, 0.99), st.integers(0, 9), st.randoms()
)
def test_every_class_of_five_is_tested_and_every_class_of_two_trains(sizes, test_size, seed, shuffler):
    made = random.Random(seed)
    rows = [
        (made.randrange(SPAN), made.randrange(SPAN), label) for label, n in enumerate(sizes) for _ in range(n)
    ]
    choice = settled(rows).choose(len(sizes), test_size, None, 10_000)
    for label, n in enumerate(sizes):
        mine = {key for key, _, owner in rows if owner == label}
        assert choice.train_counts[label] == len(mine & choice.train) >= min(n, 2)
        assert len(mine & choice.test) >= (n >= 5 and test_size > 0)
    assert not choice.train & choice.test
    shuffler.shuffle(rows)
    assert settled(rows).choose(len(sizes), test_size, None, 10_000) == choice

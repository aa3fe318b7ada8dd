"""Orders are the same everywhere, and each holds every task once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.continual.cell import TaskOrder, parse_orders
from skillstack.errors import UsageError

NAMES = ("imdb", "agnews", "yahoo", "dbpedia")


def test_three_random_orders_come_with_their_numbers():
    found = parse_orders("forward, reverse,random:3")
    assert [order.name for order in found] == ["forward", "reverse", "random-1", "random-2", "random-3"]
    assert {order.kind for order in found} == {"forward", "reverse", "random"}


def test_reverse_is_forward_turned_round():
    assert TaskOrder("reverse").of(NAMES) == tuple(reversed(TaskOrder("forward").of(NAMES))) == NAMES[::-1]


@given(st.lists(st.text("abc", min_size=1), unique=True, max_size=8), st.integers(1, 9), st.randoms())
def test_a_random_order_holds_every_task_and_follows_from_the_names_alone(names, number, chance):
    order = TaskOrder(f"random-{number}")
    mixed = list(names)
    chance.shuffle(mixed)
    assert order.of(names) == order.of(mixed)
    assert sorted(order.of(names)) == sorted(names)


def test_random_orders_differ():
    names = [str(number) for number in range(12)]
    assert TaskOrder("random-1").of(names) != TaskOrder("random-2").of(names)


@pytest.mark.parametrize("text", ["", "backward", "random:0", "random:x", "forward,,reverse"])
def test_anything_else_is_an_error(text):
    with pytest.raises(UsageError, match="no order"):
        parse_orders(text)


def test_an_order_that_is_named_twice_counts_once():
    assert parse_orders("forward,forward,random,random:1") == (TaskOrder("forward"), TaskOrder("random-1"))

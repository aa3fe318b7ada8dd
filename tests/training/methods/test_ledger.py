"""Everybody is charged for what everybody needs, once each, whoever had to make it."""

from skillstack.training.methods.ledger import Kept, Ledger, Spent


def slow() -> int:
    return sum(range(200_000))


def test_who_makes_it_is_charged_by_the_clock_and_who_finds_it_by_the_ledger():
    ledger = Ledger()
    kept = Kept(ledger, slow)
    ledger.start()
    kept.get()
    assert ledger.saved == Spent()
    ledger.start()
    kept.get()
    first = ledger.saved
    kept.get()
    assert first.seconds > 0
    assert ledger.saved == first


def test_what_a_thing_is_made_of_is_charged_with_it_only_once():
    ledger = Ledger()
    inner = Kept(ledger, slow)
    outer = Kept(ledger, lambda: inner.get() + slow())
    ledger.start()
    outer.get()
    ledger.start()
    outer.get()
    whole = ledger.saved
    assert whole.seconds > 0
    inner.get()
    assert ledger.saved.seconds >= whole.seconds

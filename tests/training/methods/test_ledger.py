"""Everybody is charged for what everybody needs, once each, whoever had to make it."""

from skillstack.continual.tasks import CostLedger, Kept, Spent


def slow() -> int:
    return sum(range(200_000))


def test_who_makes_it_is_charged_by_the_clock_and_who_finds_it_by_the_ledger():
    ledger = CostLedger()
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


def test_lower_states_and_bare_features_are_charged_once_each(room):
    passages = room.order()[0].train
    room.ledger.start()
    passages.bare(room.slot)
    assert room.ledger.saved == Spent()
    room.ledger.start()
    passages.cache  # noqa: B018
    states = room.ledger.saved
    passages.bare(room.slot)
    both = room.ledger.saved
    assert both.seconds > states.seconds > 0
    room.ledger.start()
    passages.bare(room.slot)
    assert room.ledger.saved == both

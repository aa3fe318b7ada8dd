"""Hyper-parameters are chosen on dev, one after the other, and a choice is made once."""

import pytest

from skillstack.continual.files import Results
from skillstack.continual.method import Method
from skillstack.continual.sequence import Taught, choose
from skillstack.continual.tasks import Spent

METHOD = Method("made-up", "Made up", "", lambda context: None, {"a": (1.0, 2.0, 3.0), "b": (1.0, 0.5)})
HERE = {"order": "forward", "seed": 42}


class Trials:
    """Settings that were tried; the best ones are a = 3, b = 0.5."""

    def __init__(self, die_after: int = 99):
        self.seen: list[dict[str, float]] = []
        self._die_after = die_after

    def __call__(self, settings):
        if len(self.seen) == self._die_after:
            raise KeyboardInterrupt
        self.seen.append(dict(settings))
        return Taught(object(), (), Spent()), settings["a"] / 10 + (0.05 if settings["b"] == 0.5 else 0.0)


@pytest.fixture
def results(tmp_path) -> Results:
    """An empty folder of results."""
    return Results(tmp_path)


def test_one_hyper_parameter_is_chosen_after_the_other(results):
    trials = Trials()
    choice = choose(METHOD, results, "d", HERE, trials)
    assert choice.settings == {"a": 3.0, "b": 0.5}
    assert trials.seen == [
        {"a": 1.0, "b": 1.0},
        {"a": 2.0, "b": 1.0},
        {"a": 3.0, "b": 1.0},
        {"a": 3.0, "b": 0.5},
    ]
    assert [one.settings for one in choice.tried] == trials.seen
    assert choice.chosen_with == HERE
    assert choice.taught is not None


def test_of_equals_the_default_stays(results):
    choice = choose(METHOD, results, "d", HERE, lambda settings: (Taught(object(), (), Spent()), 0.5))
    assert choice.settings == METHOD.defaults


def test_an_interrupted_choice_goes_on_and_tries_nothing_twice(results):
    with pytest.raises(KeyboardInterrupt):
        choose(METHOD, results, "d", HERE, Trials(die_after=2))
    rest = Trials()
    choice = choose(METHOD, results, "d", HERE, rest)
    assert choice.settings == {"a": 3.0, "b": 0.5}
    assert rest.seen == [{"a": 3.0, "b": 1.0}, {"a": 3.0, "b": 0.5}]


def test_a_choice_that_was_made_holds_for_other_seeds_and_trains_nothing(results):
    choose(METHOD, results, "d", HERE, Trials())
    again = Trials()
    choice = choose(METHOD, results, "d", {"order": "reverse", "seed": 7}, again)
    assert again.seen == []
    assert choice.settings == {"a": 3.0, "b": 0.5}
    assert choice.chosen_with == HERE
    assert choice.taught is None


def test_a_method_without_hyper_parameters_tries_nothing(results):
    plain = Method("plain", "Plain", "", lambda context: None)
    trials = Trials()
    assert choose(plain, results, "d", HERE, trials).settings == {}
    assert trials.seen == []

"""A method's own hyper-parameters, chosen on dev with the first seed and order of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from skillstack.bench.cell import Tried
from skillstack.bench.files import Results
from skillstack.bench.sequence import Taught
from skillstack.training.methods.method import Method


@dataclass(frozen=True, eq=False)
class Choice:
    """What was chosen.

    :ivar settings: a value for each hyper-parameter.
    :ivar tried: everything that was tried.
    :ivar chosen_with: the order and the seed of the trials.
    :ivar taught: the learner of the chosen settings, if it was trained just now with these.
    """

    settings: Mapping[str, float]
    tried: tuple[Tried, ...] = ()
    chosen_with: Mapping[str, Any] | None = None
    taught: Taught | None = None


def choose(
    method: Method,
    results: Results,
    digest: str,
    where: Mapping[str, Any],
    teach: Callable[[Mapping[str, float]], tuple[Taught, float]],
    told: Callable[[Mapping[str, float], Taught, float], None] = lambda settings, taught, dev: None,
) -> Choice:
    """Try one hyper-parameter after the other; of equals the first stays.

    Each trial is kept when it is done, so that an interrupted choice goes on. One that another order or seed
    left unfinished is made anew: its trials cannot be held against those of here.

    :param digest: of the configuration that the choice holds for.
    :param where: order and seed of the trials, if there are none yet.
    :param teach: trains with settings, and says the mean dev accuracy at the end.
    :param told: hears of each trial when it is kept.
    """
    if not method.grid:
        return Choice({})
    tried, found_with = results.choice(method.name, digest)
    if found_with is not None and dict(found_with) != dict(where):
        settings = _best(method, {_key(one.settings): one.dev for one in tried})
        if settings is not None:
            return Choice(settings, tried, found_with)
        tried = ()
    kept: tuple[Mapping[str, float], Taught] | None = None
    scores = {_key(one.settings): one.dev for one in tried}
    best = method.defaults
    for name in method.grid:
        for settings in _along(method, best, name):
            if _key(settings) not in scores:
                taught, dev = teach(settings)
                tried = (*tried, Tried(dict(settings), dev))
                results.put_choice(method.name, digest, tried, where)
                if not scores or dev > max(scores.values()):
                    kept = settings, taught
                scores[_key(settings)] = dev
                told(settings, taught, dev)
        best = max(_along(method, best, name), key=lambda settings: scores[_key(settings)])
    return Choice(best, tried, where, kept[1] if kept is not None and kept[0] == best else None)


def _best(method: Method, scores: Mapping[tuple[tuple[str, float], ...], float]) -> dict[str, float] | None:
    """The settings that the trials say are best; None where some are missing."""
    best = method.defaults
    for name in method.grid:
        ways = list(_along(method, best, name))
        if any(_key(settings) not in scores for settings in ways):
            return None
        best = max(ways, key=lambda settings: scores[_key(settings)])
    return best


def _along(method: Method, settings: Mapping[str, float], name: str) -> Iterator[dict[str, float]]:
    """The settings with each value of one hyper-parameter, in the grid's order."""
    for value in method.grid[name]:
        yield {**settings, name: value}


def _key(settings: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted(settings.items()))

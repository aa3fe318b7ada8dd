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
) -> Choice:
    """Try one hyper-parameter after the other; of equals the first stays.

    Each trial is kept when it is done, so that an interrupted choice goes on.

    :param digest: of the configuration that the choice holds for.
    :param where: order and seed of the trials, if there are none yet.
    :param teach: trains with settings, and says the mean dev accuracy at the end.
    """
    if not method.grid:
        return Choice({})
    tried, found_with = results.choice(method.name, digest)
    chosen_with = found_with or where
    kept: tuple[Mapping[str, float], Taught] | None = None
    best = method.defaults
    scores = {_key(one.settings): one.dev for one in tried}
    for name in method.grid:
        for settings in _along(method, best, name):
            if _key(settings) not in scores:
                taught, dev = teach(settings)
                tried = (*tried, Tried(dict(settings), dev))
                results.put_choice(method.name, digest, tried, chosen_with)
                if not scores or dev > max(scores.values()):
                    kept = settings, taught
                scores[_key(settings)] = dev
        best = max(_along(method, best, name), key=lambda settings: scores[_key(settings)])
    # Trials that another order or seed made say which settings are best, but not what they give here.
    same = kept is not None and kept[0] == best and dict(chosen_with) == dict(where)
    return Choice(best, tried, chosen_with, kept[1] if kept is not None and same else None)


def _along(method: Method, settings: Mapping[str, float], name: str) -> Iterator[dict[str, float]]:
    """The settings with each value of one hyper-parameter, in the grid's order."""
    for value in method.grid[name]:
        yield {**settings, name: value}


def _key(settings: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted(settings.items()))

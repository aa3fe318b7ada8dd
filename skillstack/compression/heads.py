"""Heads over an adapter that is not the one they were trained on: as they are, shared, or fitted anew.

PEFT merges adapters but no heads. Skills whose labels have the same names may share one head, its rows in the
order of each skill's labels; other skills keep heads of their own. Heads are fitted by logistic regression on
the rows that the frames were taught, and dev chooses the penalty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstack.evaluation.metrics import Mask
from skillstack.models.heads import Head
from skillstack.skills.head_training import best_logistic
from skillstack.store.records import Skill

Floats = NDArray[np.float32]
#: Where heads come from, in the order in which equals are preferred: what changes least comes first.
SOURCES = ("own", "shared", "refit", "refit-shared")
#: Those that are fitted anew.
REFITS = SOURCES[2:]


@dataclass(frozen=True, eq=False)
class Seen:
    """Features of a skill's rows under one adapter.

    :ivar head: the one that it has now.
    :ivar fit: features ``[rows, hidden_size]`` of the rows to fit on.
    :ivar fit_labels: their labels.
    :ivar dev: features of the rows to choose on.
    :ivar dev_labels: their labels.
    """

    skill: Skill
    head: Head
    fit: Floats
    fit_labels: NDArray[np.int64]
    dev: Floats
    dev_labels: NDArray[np.int64]

    def right(self, heads: Mapping[str, Head]) -> Mask:
        """Which of the rows to choose on one of these heads answers rightly."""
        found: Mask = heads[self.skill.name].logits(self.dev).argmax(axis=1) == self.dev_labels
        return found


def heads_of(source: str, seen: Sequence[Seen], *, standardise: bool) -> Mapping[str, Head] | None:
    """Heads from one of `SOURCES`, by the names of the skills; None where another source gives the same.

    :param standardise: whether features are standardised for the fit, as decoders' are.
    :returns: also None where rows of a label are missing that heads are to be fitted on.
    :raises ValueError: for no such source.
    """
    if source == "own":
        return {one.skill.name: one.head for one in seen}
    groups = _groups(seen)
    if source in ("shared", "refit-shared") and all(len(group) == 1 for group in groups):
        return None
    if source == "shared":
        return {name: head for group in groups for name, head in _averaged(group).items()}
    if source not in REFITS:
        raise ValueError(f"no heads come from {source}")
    together = groups if source == "refit-shared" else [[one] for one in seen]
    if not all(_has_all_labels(group) for group in together):
        return None
    return {name: head for group in together for name, head in _fitted(group, standardise).items()}


def given(seen: Sequence[Seen], of: str) -> Mapping[str, Head]:
    """One skill's head for all skills of the same labels; the others keep theirs.

    :param of: the skill's name.
    """
    giver = next(one for one in seen if one.skill.name == of)
    found = {}
    for one in seen:
        same = set(one.skill.labels) == set(giver.skill.labels)
        found[one.skill.name] = _turned(giver.head, giver.skill, one.skill) if same else one.head
    return found


def preferred(seen: Sequence[Seen], options: Mapping[str, Mapping[str, Head]]) -> tuple[dict[str, Head], str]:
    """Of each skill the head that its dev rows prefer, the first of equals; and where they came from.

    :param options: heads of all skills by their source.
    :returns: heads by skill; sources, that of most skills first: ``refit-shared, more rows; own``.
    """
    sources = {}
    for one in seen:
        right = {source: int(one.right(heads).sum()) for source, heads in options.items()}
        sources[one.skill.name] = max(right, key=lambda source: right[source])
    said = "; ".join(source for source, _ in Counter(sources.values()).most_common())
    return {name: options[source][name] for name, source in sources.items()}, said


def _groups(seen: Sequence[Seen]) -> list[list[Seen]]:
    """Skills by the names of their labels, whatever their order."""
    found: dict[tuple[str, ...], list[Seen]] = {}
    for one in seen:
        found.setdefault(tuple(sorted(one.skill.labels)), []).append(one)
    return list(found.values())


def _has_all_labels(group: Sequence[Seen]) -> bool:
    labels = {one.skill.labels[label] for one in group for label in one.fit_labels}
    return labels == set(group[0].skill.labels)


def _averaged(group: Sequence[Seen]) -> dict[str, Head]:
    """The mean of a group's heads; a constant that a head adds to all labels' rows changes no answer."""
    first = group[0].skill
    turned = [_turned(one.head, one.skill, first) for one in group]
    weight = np.mean([head.weight - head.weight.mean(axis=0) for head in turned], axis=0)
    biases = [np.zeros(len(first.labels)) if head.bias is None else head.bias for head in turned]
    bias = None
    if any(head.bias is not None for head in turned):
        bias = np.mean([one - one.mean() for one in biases], axis=0).astype(np.float32)
    mean = Head(weight.astype(np.float32), bias)
    return {one.skill.name: _turned(mean, first, one.skill) for one in group}


def _fitted(group: Sequence[Seen], standardise: bool) -> dict[str, Head]:
    first = group[0].skill
    head, _ = best_logistic(
        np.concatenate([one.fit for one in group]),
        _joined([_renumbered(one.fit_labels, one.skill, first) for one in group]),
        np.concatenate([one.dev for one in group]),
        _joined([_renumbered(one.dev_labels, one.skill, first) for one in group]),
        len(first.labels),
        standardise=standardise,
    )
    return {one.skill.name: _turned(head, first, one.skill) for one in group}


def _joined(labels: Sequence[NDArray[np.int64]]) -> list[int]:
    found: list[int] = np.concatenate(labels).tolist()
    return found


def _renumbered(labels: NDArray[np.int64], theirs: Skill, ours: Skill) -> NDArray[np.int64]:
    places = np.array([ours.labels.index(label) for label in theirs.labels], dtype=np.int64)
    return places[labels]


def _turned(head: Head, theirs: Skill, ours: Skill) -> Head:
    """A head with its rows in the order of another skill's labels."""
    order = [theirs.labels.index(label) for label in ours.labels]
    return Head(
        np.ascontiguousarray(head.weight[order]),
        None if head.bias is None else np.ascontiguousarray(head.bias[order]),
    )

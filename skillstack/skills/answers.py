"""Answers of skills with labels as people get them, and those that need no base at all.

Nothing here loads torch: a skill that n-grams alone answer is asked as quickly as the router.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skillstack.results import Predicted, Route
from skillstack.routers.base import probabilities
from skillstack.skills.ngrams import NGRAMS, NgramHead
from skillstack.store.records import Skill
from skillstack.store.rows import Row
from skillstack.store.states import read_state
from skillstack.store.store import Store


def predicted(
    route: Route,
    skill: Skill,
    logits: NDArray[np.float32],
    *,
    truncated: bool = False,
    precision_change: str | None = None,
) -> Predicted:
    """The answer that logits ``[labels]`` give.

    :param precision_change: the precision of the base, where it is not the frame's own.
    """
    label = int(logits.argmax())
    shares = dict(zip(skill.labels, probabilities(logits).tolist(), strict=True))
    return Predicted(route, label, skill.labels[label], shares, truncated, precision_change)


def without_base(
    store: Store,
    rows: Sequence[Row],
    skills: Sequence[Skill],
    routes: Sequence[Route],
    known: dict[str, NgramHead],
) -> list[Predicted] | None:
    """Each row's answer by its own skill, if n-grams alone answer for all of them; else None.

    :param known: heads by the digest of their state, which are read once; new ones are added.
    :raises IntegrityError: if a file of a skill is missing or altered.
    """
    heads: dict[str, NgramHead] = {}
    for skill in {skill.name: skill for skill in skills}.values():
        if skill.head is not None or skill.state is None:
            return None
        digest = skill.state.digest
        if digest not in known:
            state = read_state(store, skill.state)
            if state.type != NGRAMS:
                return None
            known[digest] = NgramHead.from_state(state, labels=len(skill.labels))
        heads[skill.name] = known[digest]
    found: dict[int, Predicted] = {}
    for name, head in heads.items():
        places = [place for place, skill in enumerate(skills) if skill.name == name]
        logits = head.logits([rows[place] for place in places])
        for place, own in zip(places, logits, strict=True):
            found[place] = predicted(routes[place], skills[place], own)
    return [found[place] for place in range(len(rows))]

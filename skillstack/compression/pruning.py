"""Pruning: one frame taken off the stack, if no task loses more than the margin without it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skillstack.answers import Frame
from skillstack.compression.ablated import Pruning
from skillstack.compression.changes import change_of
from skillstack.compression.present import Chain, Present
from skillstack.compression.rebuilding import put_in_place
from skillstack.compression.removals import ask
from skillstack.compression.verdicts import said_of
from skillstack.store.store import Store


def prune(
    present: Present,
    frame: Frame,
    store: Store,
    fit_router: Callable[[Chain], object],
    *,
    margin: float,
    level: float,
) -> Pruning:
    """Test every task once on its guard rows without the frame, and change the stack if all pass.

    Each task passes or not at the level by itself, and all have to pass (Berger 1982,
    https://doi.org/10.2307/1267823). The router is fitted without the frame before that: what is tested is
    what will answer.

    :param fit_router: makes and keeps the state of a chain.
    :raises BusyError: if the stack was changed meanwhile.
    :raises StoreError: if the stack is read-only or the disk fails; nothing has changed then.
    """
    chain = [(one.content_id, one.content) for one in present.subject.frames if one.id != frame.id]
    judge, scores_of = present.judge, present.subject.scores_of
    if scores_of is not None:
        judge = present.judged_by(lambda rows: scores_of(chain, rows), judge.skills)
    tested = {
        one.one.skill.name: (one.before.routed, one.after[frame.name].routed)
        for one in ask(present, judge, "guard", [frame])
    }
    none = np.zeros(0, dtype=np.bool_)
    changes = tuple(
        change_of(one, *tested.get(one.skill.name, (none, none)), margin=margin, level=level)
        for one in present.judge.skills
    )
    verdict, why = said_of(changes)
    if verdict != "passes":
        return Pruning(frame.name, changes, verdict, why, None)
    fit_router(chain)
    ids, note = [content_id for content_id, _ in chain], f"ablate --frame {frame.name}"
    tip = put_in_place(store, present.subject, ids, verb="ablate", note=note)
    return Pruning(frame.name, changes, verdict, why, tip)

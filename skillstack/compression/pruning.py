"""Pruning: one frame taken off the stack, if no task loses more than the margin without it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skillstack.answers import Frame
from skillstack.compression.ablated import Pruning
from skillstack.compression.present import Chain, Present
from skillstack.compression.removals import ask, count_of
from skillstack.compression.result import SkillChange
from skillstack.compression.rows import SkillRows
from skillstack.compression.verdicts import said_of
from skillstack.evaluation.intervals import Interval
from skillstack.evaluation.noninferiority import non_inferior
from skillstack.evaluation.paired import paired
from skillstack.evaluation.scores import Mask
from skillstack.frames import transactions
from skillstack.frames.digests import sha256
from skillstack.frames.store import Store


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
        _change(one, *tested.get(one.skill.name, (none, none)), margin, level) for one in present.judge.skills
    )
    verdict, why = said_of(changes)
    if verdict != "passes":
        return Pruning(frame.name, changes, verdict, why, None)
    fit_router(chain)
    return Pruning(frame.name, changes, verdict, why, _carry_out(present, frame, chain, store))


def _carry_out(present: Present, frame: Frame, chain: Chain, store: Store) -> str | None:
    ids, tip = [content_id for content_id, _ in chain], present.subject.frames[-1].id
    transaction = sha256("\n".join(["ablate", tip, *ids]).encode())
    return transactions.rebuild(
        store,
        present.subject.name,
        ids,
        transaction=transaction,
        note=f"ablate --frame {frame.name}",
        expected=tip,
    )


def _change(one: SkillRows, before: Mask, after: Mask, margin: float, level: float) -> SkillChange:
    return SkillChange(
        skill=one.skill.name,
        task=one.skill.task,
        frame=one.frame.name,
        before=count_of(before),
        after=count_of(after),
        interval=paired([(after, before)]).interval if len(before) else Interval(-1.0, 1.0),
        test=non_inferior(before, after, margin=margin, level=level),
    )

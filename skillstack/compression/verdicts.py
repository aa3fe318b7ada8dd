"""From paired answers to a verdict: what to expect of the guard, and what the guard says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skillstack.compression.forecast import chances, shrunken
from skillstack.compression.result import Judged, SkillChange, Verdict
from skillstack.wording import listed, many, percent, points

#: Chance to pass from which a candidate is taken.
LIKELY = 0.5
#: Chance to pass below which a candidate is given up before all of its tasks were asked.
HOPELESS = 0.2
#: Share of other families' texts whose routed answer may become right or wrong.
OTHERS = 0.002


@dataclass(frozen=True)
class Expected:
    """What is expected of the guard.

    :ivar verdict: in a word.
    :ivar why: in words.
    :ivar chance: that all skills pass, 0 to 1.
    """

    verdict: Verdict
    why: str
    chance: float


def expected(judged: Judged, guard_rows: Mapping[str, int]) -> Expected:
    """What the guard will probably say of what did so on dev rows.

    :param guard_rows: by skill.
    """
    if (others := of_others(judged)) is not None:
        return Expected(*others, 0.0)
    tests = [one.test for one in judged.skills]
    rows = [guard_rows[one.skill] for one in judged.skills]
    each = list(chances_of(judged, guard_rows).values())
    together = math.prod(each)
    losses, _ = shrunken(tests)
    worst = min(range(len(each)), key=lambda place: each[place])
    name, test, loss = judged.skills[worst].skill, tests[worst], losses[worst]
    if together >= LIKELY:
        return Expected(
            "should pass", f"{points(judged.mean_difference, sign=True)} points on dev rows", together
        )
    if loss >= test.margin:
        return Expected("loses too much", f"{name} would lose about {points(loss)} points", together)
    if rows[worst] < test.needed and each[worst] < LIKELY:
        said = f"{name} has {many(rows[worst], 'guard row')} and needs about {test.needed:,}"
    else:
        said = f"all of its tasks pass with a chance of {percent(together)}"
    return Expected("cannot tell", said, together)


def chances_of(judged: Judged, guard_rows: Mapping[str, int]) -> dict[str, float]:
    """By skill, the chance that its guard rows pass, if dev rows show this.

    :param guard_rows: by skill.
    """
    each = chances([one.test for one in judged.skills], [guard_rows[one.skill] for one in judged.skills])
    return {one.skill: chance for one, chance in zip(judged.skills, each, strict=True)}


def said(judged: Judged) -> tuple[Verdict, str]:
    """What the guard says."""
    return of_others(judged) or said_of(judged.skills)


def said_of(skills: Sequence[SkillChange]) -> tuple[Verdict, str]:
    """What the guard says of skills, all of which have to pass."""
    failed = [one for one in skills if not one.test.passes]
    if not failed:
        worst = max(skills, key=lambda one: one.test.p)
        return (
            "passes",
            f"no task loses {points(worst.test.margin)} points or more (largest p {worst.test.p:.2g})",
        )
    certain = [one for one in failed if not one.test.cannot_tell]
    if certain:
        names = listed([f"{one.skill} ({points(one.difference, sign=True)} points)" for one in certain])
        return "loses too much", f"a loss beyond the margin is not ruled out for {names}"
    names = listed([f"{one.skill} ({one.test.n:,} of about {one.test.needed:,} rows)" for one in failed])
    return "cannot tell", f"too few guard rows for {names}"


def of_others(judged: Judged) -> tuple[Verdict, str] | None:
    """What speaks against a change in the texts of other families; None where nothing does."""
    if judged.others_share > OTHERS:
        texts, share = many(judged.others, "text"), percent(judged.others_share)
        why = f"routed answers to {texts} of other families would change ({share}; {percent(OTHERS)} may)"
        return "loses too much", why
    if judged.unasked and not judged.others_of:
        return "cannot tell", (
            f"no rows are here of {listed(list(judged.unasked))}, whose routing may change; give some with "
            f"--rows {judged.unasked[0]}=FILE"
        )
    return None

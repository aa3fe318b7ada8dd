"""Which frames of a family keep the others from becoming one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from skillstack.compression.families import Family
from skillstack.compression.result import Candidate
from skillstack.compression.verdicts import LIKELY, OTHERS, chances_of, of_others


def blocking(
    family: Family, candidates: Sequence[Candidate], guard_rows: Mapping[str, int]
) -> tuple[str, ...]:
    """Names of the fewest frames without which the others should pass, as far as these candidates tell.

    Where a merge as such sends other families' texts elsewhere, because frames of those lie between its
    members, the members next to the newest are left.

    :param candidates: that were tried for the whole family.
    :param guard_rows: by skill.
    :returns: oldest first; empty where one should pass as it is, and where fewer than two would be left.
    """
    if any(one.verdict == "should pass" for one in candidates):
        return ()
    merges = [one for one in candidates if one.merges]
    fair = [one for one in merges if of_others(one.dev) is None]
    if not fair and any(one.dev.others_share > OTHERS for one in merges):
        stay = _next_to_newest(family)
    else:
        stay = max((_likely(family, one, guard_rows) for one in fair), key=len, default=frozenset())
    if len(stay) < 2:
        return ()
    return tuple(frame.name for frame in family.frames if frame.name not in stay)


def _next_to_newest(family: Family) -> frozenset[str]:
    """The newest frame and those right below it, with none of another family between."""
    newest = family.frames[-1].position
    places = enumerate(reversed(family.frames))
    return frozenset(frame.name for below, frame in places if frame.position == newest - below)


def _likely(family: Family, candidate: Candidate, guard_rows: Mapping[str, int]) -> frozenset[str]:
    """The most frames whose skills all pass with a chance of a half or more."""
    chance = chances_of(candidate.dev, guard_rows)
    of_frame = {
        frame.name: math.prod(chance[skill.name] for skill in frame.skills) for frame in family.frames
    }
    found, together = [], 1.0
    for name in sorted(of_frame, key=lambda name: -of_frame[name]):
        together *= of_frame[name]
        if together < LIKELY:
            break
        found.append(name)
    return frozenset(found)

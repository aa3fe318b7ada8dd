"""The router's walk: each skill has a place in it, that of the frame it was trained on, also after a merge.

The chain rule looks at skills from the newest place to the oldest. A frame is one place; a merged frame keeps
those of its members, in its recipe, by the names of its skills. All other frames take, in their order, the
places that are left. So a merge leaves the walk as it was, and with it the router and every route.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from skillstack.store.records import FrameRecord, Skill

#: Where a merged frame's recipe keeps the places of its skills.
PLACES = "places"


@dataclass(frozen=True)
class Stop:
    """A skill in the walk.

    :ivar place: its place, 0 for the oldest; skills that were trained in one frame share it.
    :ivar content: the frame that has it now.
    :ivar skill: the skill.
    """

    place: int
    content: FrameRecord
    skill: Skill


def walk(contents: Iterable[FrameRecord]) -> list[Stop]:
    """Every skill of a stack with its place, oldest place first.

    :param contents: of the stack, oldest first.
    """
    frames = list(contents)
    kept = [_kept(content) for content in frames]
    taken = {place for places in kept for place in places.values()}
    free = (place for place in count() if place not in taken)
    found = []
    for content, places in zip(frames, kept, strict=True):
        own = places or dict.fromkeys((skill.name for skill in content.skills), next(free))
        found += [Stop(own[skill.name], content, skill) for skill in content.skills]
    return sorted(found, key=lambda stop: stop.place)


def without(contents: Sequence[FrameRecord], gone: FrameRecord) -> list[FrameRecord]:
    """The other contents of a stack, in their order; merged ones say their skills' new places.

    :param contents: of the stack, oldest first.
    :param gone: the one that is removed.
    """
    left = [stop for stop in walk(contents) if stop.content is not gone]
    order = sorted({stop.place for stop in left})
    places = {stop.skill.name: order.index(stop.place) for stop in left}
    return [
        with_places(content, places) if _kept(content) else content
        for content in contents
        if content is not gone
    ]


def with_places(content: FrameRecord, places: Mapping[str, int]) -> FrameRecord:
    """A merged frame that keeps these places of its skills.

    :param places: by the names of skills, of others as well.
    """
    own = {skill.name: places[skill.name] for skill in content.skills}
    return replace(content, recipe={**content.recipe, PLACES: own})


def _kept(content: FrameRecord) -> dict[str, int]:
    """The places of its skills that a frame's recipe keeps; none where it does not keep one for each."""
    found = content.recipe.get(PLACES)
    names = [skill.name for skill in content.skills]
    if not isinstance(found, Mapping) or set(found) != set(names):
        return {}
    return dict(found) if all(type(found[name]) is int and found[name] >= 0 for name in names) else {}

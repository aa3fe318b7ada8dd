"""By which recipe a skill was taught: its frame's, or that of the frame that it was on before a merge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skillstack.frames.records import Content

#: Where a merged frame's recipe keeps those of its members.
TAUGHT = "taught"


def taught(content: Content, skill: str) -> Mapping[str, Any]:
    """The recipe of one of a frame's skills; empty where nobody wrote it down.

    :param skill: its name.
    """
    members = content.recipe.get(TAUGHT)
    if members is None:
        return content.recipe
    return members.get(skill, {}) if isinstance(members, Mapping) else {}

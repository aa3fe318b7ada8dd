"""Kinds of skills by name, and the states that they read.

A new kind is a file with a ``KIND``, and a line here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from skillstack.errors import StoreError

if TYPE_CHECKING:
    from skillstack.skills.base import SkillKind

# The only modules that a name from a record can lead to; it is looked up here and never imported.
_KINDS = {
    "classification": "skillstack.skills.classification:KIND",
}
#: By a kind and the type of a state, the function that makes of a state, its frame and its skill what answers
#: (of a classification, a `LabelScorer`).
_STATES: dict[tuple[str, str], str] = {}


def names() -> tuple[str, ...]:
    """All names of kinds, in alphabetical order."""
    return tuple(sorted(_KINDS))


def check_kind(name: str, skill: str) -> None:
    """See that skills of a kind can be asked by this version.

    :param skill: the skill of this kind, for the message.
    :raises StoreError: if not.
    """
    if name not in _KINDS:
        raise StoreError(
            f"The skill {skill[:80]!r} is of the kind {name[:80]!r}, which this version does not know.",
            "Update skillstack.",
        )


def kind_named(name: str, skill: str) -> SkillKind[Any, Any]:
    """The kind of this name, imported now.

    :param skill: the skill of this kind, for the message.
    :raises StoreError: if this version does not know it.
    """
    check_kind(name, skill)
    found: SkillKind[Any, Any] = _attribute(_KINDS[name])
    return found


def state_reader(kind: str, state: str, skill: str) -> Any:
    """The function that makes of a state what a kind answers with, imported now.

    :param state: its type.
    :param skill: the skill that has it, for the message.
    :raises StoreError: if this version does not know it.
    """
    if (kind, state) not in _STATES:
        raise StoreError(
            f"The skill {skill[:80]!r} has a state of the type {state[:80]!r}, "
            "which this version does not know.",
            "Update skillstack.",
        )
    return _attribute(_STATES[kind, state])


def _attribute(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)

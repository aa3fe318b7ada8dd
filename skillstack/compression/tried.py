"""What could take the place of a family's frames, with its heads, and how it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from skillstack.compression.candidates.proposal import Proposal
from skillstack.compression.families import Family
from skillstack.compression.result import Candidate
from skillstack.models.heads import Head


@dataclass(frozen=True, eq=False)
class Replacement:
    """Adapters and heads in the place of a family's.

    :ivar family: the family.
    :ivar proposal: its new adapters.
    :ivar heads: by the names of its skills.
    :ivar way: how it comes by them.
    """

    family: Family
    proposal: Proposal
    heads: Mapping[str, Head]
    way: str


@dataclass(frozen=True, eq=False)
class Tried:
    """A candidate that can be carried out.

    :ivar candidate: how it does.
    :ivar parts: what it puts in the place of which family; candidates of one family have one.
    """

    candidate: Candidate
    parts: tuple[Replacement, ...]

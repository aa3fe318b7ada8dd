"""One member answers for its whole family.

Its adapter takes the place of all others; the other skills keep their heads, or take the member's own where
the labels are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from skillstack.compression.adapters import Adapter
from skillstack.compression.candidates.proposal import Proposal, Train, Way
from skillstack.compression.families import Family


def propose(family: Family, adapters: Mapping[str, Adapter], _: Train) -> Iterator[Proposal]:
    """Each member in turn, the newest first."""
    for frame in reversed(family.frames):
        adapter = adapters[frame.name]
        yield Proposal(
            name=f"anchor {frame.name}",
            way="anchor",
            adapters={other.name: adapter for other in family.frames},
            merges=True,
            given=frame.skills[0].name,
            settings={"anchor": frame.name},
        )


METHOD = Way("anchor", "One member for all", "", propose)

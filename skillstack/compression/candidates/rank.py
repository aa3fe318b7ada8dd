"""Every frame stays, and its update is cut to a lower rank.

The best approximation of a rank is the truncated SVD (Eckart & Young 1936, The approximation of one matrix by
another of lower rank, Psychometrika 1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from skillstack.compression.adapters import Adapter
from skillstack.compression.candidates.proposal import Proposal, Train, Way, ranks_below
from skillstack.compression.deltas import adapter_of, deltas_of
from skillstack.compression.families import Family


def propose(family: Family, adapters: Mapping[str, Adapter], _: Train) -> Iterator[Proposal]:
    """All members at half their rank, at a quarter, and so on."""
    for rank in ranks_below(max(adapter.spec.r for adapter in adapters.values())):
        yield cut(adapters, rank)


def named(family: Family, adapters: Mapping[str, Adapter], name: str) -> Iterator[Proposal]:
    """All members at the rank that a name tells: ``rank 3``."""
    found = re.fullmatch(r"rank ([1-9]\d{0,4})", name)
    if found:
        yield cut(adapters, int(found[1]))


def cut(adapters: Mapping[str, Adapter], rank: int) -> Proposal:
    """Members of a higher rank brought to this one."""
    fewer = {
        name: truncated(adapter, rank) if rank < adapter.spec.r else adapter
        for name, adapter in adapters.items()
    }
    return Proposal(f"rank {rank}", "rank", fewer, settings={"rank": str(rank)})


def truncated(adapter: Adapter, rank: int) -> Adapter:
    """An adapter of a lower rank.

    :raises MismatchError: if it is not finite.
    """
    return Adapter(*adapter_of(deltas_of(adapter.tensors, adapter.spec), rank, adapter.spec))


METHOD = Way("rank", "Lower rank", "Eckart & Young 1936", propose, named, alone=True)

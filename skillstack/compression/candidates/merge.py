"""The members' updates merged into one adapter, in several ways, whole and cut to lower ranks.

Each way's paper is named in its own file of `skillstack.compression.merging`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from skillstack.compression.adapters import Adapter
from skillstack.compression.candidates.proposal import Proposal, Train, Way, ranks_below
from skillstack.compression.families import Family
from skillstack.compression.merging.merged import merge_adapters
from skillstack.compression.merging.registry import names

#: Ways and settings that are tried; `skillstack.compression.merging` has more. Halves, and a common basis
#: without trimming, were the best on dev rows of sentiment tasks.
TRIED: tuple[tuple[str, Mapping[str, float]], ...] = (
    ("linear", {}),
    ("task-arithmetic", {"lambda": 0.5}),
    ("ties", {}),
    ("knots", {}),
    ("tsv", {}),
)


def propose(family: Family, adapters: Mapping[str, Adapter], _: Train) -> Iterator[Proposal]:
    """Every way at the members' own rank."""
    rank = max(adapter.spec.r for adapter in adapters.values())
    for way, settings in TRIED:
        yield merged(family, adapters, way, rank, settings)


def lower(family: Family, adapters: Mapping[str, Adapter], best: Proposal) -> Iterator[Proposal]:
    """A merge that proved good, cut to lower ranks."""
    settings = {k: float(v) for k, v in best.settings.items() if k not in ("merge", "rank")}
    for rank in ranks_below(int(best.settings["rank"])):
        yield merged(family, adapters, best.settings["merge"], rank, settings)


def named(family: Family, adapters: Mapping[str, Adapter], name: str) -> Iterator[Proposal]:
    """The merge that a name tells: ``dare, drop 0.8, rank 6``.

    :raises UsageError: if it is of a way that has no such setting.
    """
    found = re.fullmatch(r"([a-z-]+)((?:, [a-z_]+ [\d.]+)*), rank ([1-9]\d{0,4})", name)
    if found and found[1] in names():
        pairs = [part.split(" ") for part in found[2].split(", ")[1:]]
        try:
            settings = {setting: float(value) for setting, value in pairs}
        except ValueError:
            return
        yield merged(family, adapters, found[1], int(found[3]), settings)


def merged(
    family: Family,
    adapters: Mapping[str, Adapter],
    way: str,
    rank: int,
    settings: Mapping[str, float],
) -> Proposal:
    """One way at one rank.

    :raises MismatchError: if an adapter is not finite, or they are of different bases.
    """
    members: Sequence[Any] = [(adapters[f.name].tensors, adapters[f.name].spec) for f in family.frames]
    found = merge_adapters(members, way, rank=rank, settings=settings)
    adapter = Adapter(found.tensors, found.spec)
    said = "".join(f", {name} {value:g}" for name, value in settings.items())
    return Proposal(
        name=f"{way}{said}, rank {rank}",
        way="merge",
        adapters={frame.name: adapter for frame in family.frames},
        merges=True,
        settings={"merge": way, "rank": str(rank), **{k: repr(v) for k, v in settings.items()}},
    )


METHOD = Way("merge", "Merged updates", "see skillstack.compression.merging", propose, named)

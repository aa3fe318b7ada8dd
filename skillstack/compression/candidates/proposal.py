"""What a way of compressing proposes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from skillstack.compression.adapters import Adapter
from skillstack.compression.families import Family


@dataclass(frozen=True, eq=False)
class Proposal:
    """Adapters in the place of those of a family's frames.

    :ivar name: what a table calls it: ``ties, rank 8``.
    :ivar way: the way of compressing that it comes from.
    :ivar adapters: by the name of each frame.
    :ivar merges: whether the frames become one; the adapter is the same for all of them then.
    :ivar given: name of a skill whose head may answer for all of the same labels; empty for none.
    :ivar settings: what decided it, for the record.
    """

    name: str
    way: str
    adapters: Mapping[str, Adapter]
    merges: bool = False
    given: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Of its adapters' files, one for each frame."""
        sizes = [adapter.bytes for adapter in self.adapters.values()]
        return sizes[0] if self.merges else sum(sizes)


#: Trains a merged proposal's adapter further on labelled rows of all members.
Train = Callable[[Proposal], Adapter]


@dataclass(frozen=True)
class Way:
    """A way to compress.

    :ivar name: as people type it.
    :ivar title: as a table shows it.
    :ivar paper: authors, year and address; empty for plain practice.
    :ivar propose: proposals for a family, given its frames' adapters by their names; the largest first.
    :ivar alone: whether it has something for a single frame.
    :ivar named: the proposal of a name that `propose` does not give, if the name is one of this way's.
    :ivar last: whether it takes so long that it is tried only where no other should pass, or is asked for.
    """

    name: str
    title: str
    paper: str
    propose: Callable[[Family, Mapping[str, Adapter], Train], Iterator[Proposal]]
    named: Callable[[Family, Mapping[str, Adapter], str], Iterator[Proposal]] | None = None
    alone: bool = False
    last: bool = False


def ranks_below(rank: int) -> list[int]:
    """Ranks to try: the half, the quarter, ... down to 1."""
    found = []
    while rank > 1:
        rank //= 2
        found.append(rank)
    return found

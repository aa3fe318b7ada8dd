"""A compression request, and the configuration of the guard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from skillstack.data.task import Example
from skillstack.errors import UsageError, did_you_mean
from skillstack.training.options import MergeOptions

MARGIN, LEVEL = 0.01, 0.05
#: The smallest margin, as a share.
LEAST_MARGIN = 1e-4
#: All strategies together.
AUTO = "auto"
#: Names of the strategies; `skillstack.compression.strategies` has them.
STRATEGY_NAMES = ("anchor", "merge", "rank", "joint")
#: Which candidates a strategy proposes: the most promising few, or all.
FEW, ALL = "few", "all"


class Guarding(TypedDict, total=False):
    """What a change may cost, and whose rows decide.

    :ivar margin: accuracy that a task may lose, as a share, by default 0.01.
    :ivar level: chance, at most, that a change passes by which a task loses more; by default 0.05.
    :ivar data_dir: as in `Asked`.
    :ivar tables: by skill, the path of a table with rows of its own.
    """

    margin: float
    level: float
    data_dir: str | Path | None
    tables: Mapping[str, str | Path] | None


@dataclass(frozen=True)
class GuardConfig:
    """How much a task may lose, how certain that must be, and where the rows come from.

    :ivar margin: the loss that is allowed, as a share.
    :ivar level: chance, at most, of passing what loses more.
    :ivar data_dir: holds a folder with the rows of each task.
    :ivar tables: by skill, a table of labelled rows instead of the task's.
    :ivar known: by skill, rows that are at hand already, labelled as the skill numbers them.
    """

    margin: float = MARGIN
    level: float = LEVEL
    data_dir: Path | None = None
    tables: Mapping[str, Path] = field(default_factory=dict)
    known: Mapping[str, tuple[Example, ...]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        margin: float = MARGIN,
        level: float = LEVEL,
        data_dir: str | Path | None = None,
        tables: Mapping[str, str | Path] | None = None,
    ) -> GuardConfig:
        """A configuration with paths as people write them."""
        return cls(
            margin=margin,
            level=level,
            data_dir=Path(data_dir) if data_dir is not None else None,
            tables={name: Path(path) for name, path in (tables or {}).items()},
        )

    @classmethod
    def merging(cls, options: MergeOptions, data_dir: str | Path | None = None) -> GuardConfig:
        """The configuration under which new frames are merged with their family.

        :param data_dir: of a training, where the options name none.
        """
        rows = options.data_dir if options.data_dir is not None else data_dir
        return cls.of(options.margin, data_dir=rows, tables=options.tables)

    def __post_init__(self) -> None:
        """Check the numbers.

        :raises UsageError: if one is out of range.
        """
        for name, value in (("margin", self.margin), ("level", self.level)):
            if not 0 < value < 0.5:
                raise UsageError(f"Invalid {name} {value}: must be between 0 and 0.5.")
        if self.margin < LEAST_MARGIN:
            raise UsageError(
                f"A margin of {100 * self.margin:g} points cannot be tested.",
                f"Give at least {100 * LEAST_MARGIN:g}, which takes tens of thousands of rows.",
            )


@dataclass(frozen=True)
class CompressionRequest:
    """What to compress: a family, or a whole stack to a number of bytes.

    :ivar family: whose frames; None for the whole stack.
    :ivar method: names of strategies with commas between them, or ``auto`` for all.
    :ivar target: bytes that the stack's adapters may have: a number, or below 1 a share of today's.
    :ivar candidate: name of the candidate to take; None for the plan's choice.
    :ivar guard: what the guard holds it to.
    :ivar without: frames of the family that stay as they are.
    :ivar candidates: ``few`` for those that are worth most, or ``all``.
    """

    family: str | None
    method: str = AUTO
    target: float | None = None
    candidate: str | None = None
    guard: GuardConfig = field(default_factory=GuardConfig)
    without: tuple[str, ...] = ()
    candidates: str = FEW

    def __post_init__(self) -> None:
        """Check the request.

        :raises UsageError: if it names neither a family nor a target, or both, or an invalid value.
        """
        if (self.family is None) == (self.target is None):
            raise UsageError(
                "Name either a family or a target for the whole stack.",
                "For example --family sentiment, or --target-bytes 25%.",
            )
        for name in sorted(self.methods):
            if name not in (*STRATEGY_NAMES, AUTO):
                raise UsageError(
                    f"There is no compression strategy called {name[:80]!r}.",
                    did_you_mean(name, [*STRATEGY_NAMES, AUTO]),
                )
        if self.without and self.family is None:
            raise UsageError(
                "Frames can be left out only where a family is compressed.",
                f"For example --family sentiment --without {self.without[0]}.",
            )
        if self.target is not None and not 0 < self.target < float("inf"):
            raise UsageError(f"Invalid number of bytes {self.target}.", "Give 250kB, 1.5MB, 250000 or 25%.")
        if self.candidates not in (FEW, ALL):
            raise UsageError(
                f"There is no choice {self.candidates[:40]!r} of candidates.", f"Give {FEW} or {ALL}."
            )

    @property
    def methods(self) -> frozenset[str]:
        """The names in ``method``."""
        return frozenset(name.strip().lower() for name in self.method.split(","))

    @property
    def few(self) -> bool:
        """Whether only the most promising candidates are proposed: not where a strategy is named."""
        return self.candidates == FEW and self.method == AUTO

    @property
    def note(self) -> str:
        """The request as the history shows it."""
        if self.family is not None:
            kept = f" --without {','.join(self.without)}" if self.without else ""
            return f"compress --family {self.family}{kept}"
        target = self.target or 0.0
        return f"compress --target-bytes {f'{100 * target:g}%' if target < 1 else f'{target:.0f}'}"

"""On which terms a stack may be changed: what a task may lose, how sure that has to be, and by which rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from skillstack.data.task import Example
from skillstack.errors import UsageError

MARGIN, LEVEL = 0.01, 0.05
#: The smallest margin, as a share.
LEAST = 1e-4


@dataclass(frozen=True)
class Terms:
    """What a guard holds a change to.

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
    ) -> Terms:
        """Terms with paths as people write them."""
        return cls(
            margin=margin,
            level=level,
            data_dir=Path(data_dir) if data_dir is not None else None,
            tables={name: Path(path) for name, path in (tables or {}).items()},
        )

    def __post_init__(self) -> None:
        """Check the numbers.

        :raises UsageError: if one is out of range.
        """
        for name, value in (("margin", self.margin), ("level", self.level)):
            if not 0 < value < 0.5:
                raise UsageError(f"A {name} of {value} means nothing.", "It lies between 0 and 0.5.")
        if self.margin < LEAST:
            raise UsageError(
                f"A margin of {100 * self.margin:g} points cannot be tested.",
                f"Give at least {100 * LEAST:g}: even that takes ten thousands of rows.",
            )

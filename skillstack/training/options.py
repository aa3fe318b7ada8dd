"""Run options: what does not change what a training learns, and how new frames join their family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skillstack.errors import UsageError

if TYPE_CHECKING:
    from skillstack.data.own_table import TableReport
    from skillstack.training.progress import Event


def _ignore(_: Any) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class MergeOptions:
    """On which terms a new frame is merged with the others of its family, under the guard of `compress`.

    :ivar margin: accuracy that a task may lose by each merge, as a share.
    :ivar data_dir: folder with one folder of rows per task; a training's own where it is None.
    :ivar tables: by skill, a table of labelled rows instead of the task's.
    """

    margin: float = 0.02
    data_dir: str | Path | None = None
    tables: Mapping[str, str | Path] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a training is carried out here.

    :ivar time_limit: seconds after which it stops at a checkpoint; the same call goes on from there.
    :ivar micro_batch: most rows that pass through the model at once; 0 starts with a whole batch. A step
        learns from the recipe's ``batch_size`` rows in any case.
    :ivar accumulate: least number of parts in which a batch passes.
    :ivar gradient_checkpointing: whether layers' states are computed again instead of kept; by default on a
        GPU for bases of a billion parameters and more.
    :ivar merging: on which terms each new frame is merged with its family; None leaves all as it is.
    :ivar on_event: called with each `Event`.
    :ivar on_table: called with what was found in a table, before anything is trained.
    """

    time_limit: float | None = None
    micro_batch: int = 0
    accumulate: int = 1
    gradient_checkpointing: bool | None = None
    merging: MergeOptions | None = None
    on_event: Callable[[Event], None] = _ignore
    on_table: Callable[[TableReport], None] = _ignore

    def __post_init__(self) -> None:
        """See that the numbers can be meant.

        :raises UsageError: if one is no number, or out of range.
        """
        for name, least in (("micro_batch", 0), ("accumulate", 1), ("time_limit", 0)):
            value = getattr(self, name)
            whole = name != "time_limit"
            if value is None and not whole:
                continue
            said = name.replace("_", "-")
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                raise UsageError(f"The {said} is {value!r}.", "It must be a number.")
            if not value >= least:
                raise UsageError(f"The {said} is {value}.", f"It must be {least} or more.")

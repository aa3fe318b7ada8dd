"""What a report is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from skillstack.evaluation.result import Evaluation
from skillstack.reports.compression_folder import Compressions
from skillstack.reports.facts import FrameFacts
from skillstack.reports.standings import Bench
from skillstack.store.records import BaseIdentity


@dataclass(frozen=True, eq=False)
class Material:
    """What a report is made of.

    :ivar evaluation: what was measured.
    :ivar frames: of the stack, the oldest first.
    :ivar base: the frozen model.
    :ivar command: what makes this report again.
    :ivar versions: of the packages that had a part in the figures.
    :ivar bench: of methods, if there was one.
    :ivar compression: what was measured of it, if anything.
    """

    evaluation: Evaluation
    frames: tuple[FrameFacts, ...]
    base: BaseIdentity
    command: str
    versions: Mapping[str, str]
    bench: Bench | None = None
    compression: Compressions | None = None

    @property
    def compressed(self) -> bool:
        """Whether frames were merged or cut."""
        return any(frame.compressed for frame in self.frames)

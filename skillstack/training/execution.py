"""How a training is carried out on this machine: what decides its time and memory, not its result.

Small differences remain: sums in another order differ in their last digits, and dropout draws other numbers
where a step's rows pass in other parts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from skillstack.errors import UsageError
from skillstack.models import devices
from skillstack.models.base import Base
from skillstack.models.layer_checkpoints import parameters_of
from skillstack.training.deadline import Deadline
from skillstack.training.processes import ALONE, Processes


@dataclass(frozen=True)
class Execution:
    """The settings of one run. A step always learns from the recipe's whole batch.

    :ivar micro_batch: most rows that pass at once; 0 starts with all of a step. Half as many when memory
        runs out, in either case.
    :ivar accumulate: least number of parts in which a step's rows pass.
    :ivar layer_checkpoints: whether adapted layers' states are computed again instead of kept; None leaves
        that to the rules.
    :ivar deadline: until when.
    :ivar processes: with which others.
    """

    micro_batch: int = 0
    accumulate: int = 1
    layer_checkpoints: bool | None = None
    deadline: Deadline = field(default_factory=Deadline)
    processes: Processes = ALONE

    def __post_init__(self) -> None:
        if self.micro_batch < 0:
            raise UsageError(f"The micro-batch is {self.micro_batch}.", "It must be 1 or more, or auto.")
        if self.accumulate < 1:
            raise UsageError(f"The steps to accumulate are {self.accumulate}.", "They must be 1 or more.")
        seconds = self.deadline.seconds
        if seconds is not None and not seconds >= 0:
            raise UsageError(f"The time limit is {seconds} seconds.", "It must be 0 or more.")

    def rows_at_once(self, rows: int) -> int:
        """Most rows of a step that pass at once, as far as the settings say."""
        parts = -(-rows // self.accumulate)
        return min(parts, self.micro_batch) if self.micro_batch else parts

    def checkpoints_layers(self, base: Base) -> bool:
        """Whether layers' states are computed again on this base."""
        if self.layer_checkpoints is not None:
            return self.layer_checkpoints
        device = devices.describe(base.device)
        return devices.checkpointing_for(device, parameters_of(base)).value == "on"

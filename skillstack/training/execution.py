"""How a training is carried out on this machine: run options, several processes, versions.

Small differences remain: sums in another order differ in their last digits, and dropout draws other numbers
where a step's rows pass in other parts.

Of several processes each computes a part of every step's rows, and one writes. All run the same program
on the same numbers, so they take the same decisions; what depends on a clock or on the disk is decided by
the first and told to the others. Numbers and short texts travel, never objects.

A process that ended is noticed by gloo at once, by NCCL not: a sum of gradients on GPUs whose other side
has gone stays under way until `PATIENCE` is over, and torch's watchdog then ends the process without a
word of ours. Under `accelerate launch` or torchrun they do not wait so long: it ends all when one has
failed.
"""

from __future__ import annotations

import hashlib
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import NoReturn, TypeVar

import numpy as np
import torch
import torch.distributed
from numpy.typing import NDArray

from skillstack.errors import SkillStackError, UsageError
from skillstack.models import devices
from skillstack.models.base import Base
from skillstack.models.loading import onednn_is_faster
from skillstack.models.split import parameters_of
from skillstack.training.options import RunOptions
from skillstack.training.progress import Deadline

T = TypeVar("T")

#: How long a process waits for another one that neither answers nor ends.
PATIENCE = timedelta(hours=1)

#: Seconds that a process leaves to the one that failed.
COURTESY = 3.0


class Processes:
    """One process of several, or the only one.

    :ivar place: its number, from 0; the first one writes.
    :ivar count: how many there are.
    """

    def __init__(self, place: int = 0, count: int = 1) -> None:
        self.place, self.count = place, count

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes."""
        return self.place == 0

    def share(self, rows: Sequence[int]) -> Sequence[int]:
        """This process's part of some rows; all parts together are the rows, each once."""
        return rows[self.place :: self.count]

    def sum(self, tensor: torch.Tensor) -> None:
        """Replace a tensor, in place, by its sum over all processes.

        :raises SkillStackError: if another process ended.
        """
        if self.count > 1:
            self._exchange(lambda: torch.distributed.all_reduce(tensor))

    def join(self, parts: NDArray[np.float32]) -> NDArray[np.float32]:
        """An array of which each process filled some rows and left zeros in the others."""
        if self.count > 1:
            self.sum(torch.from_numpy(parts))
        return parts

    def same(self, number: int) -> int:
        """The first process's number."""
        if self.count == 1:
            return number
        held = torch.tensor([number], dtype=torch.int64)
        self._exchange(lambda: torch.distributed.broadcast(held, 0))
        return int(held[0])

    def agree(self, decision: Callable[[], bool]) -> bool:
        """Have the first process decide for all."""
        return bool(self.same(int(self.is_first and decision())))

    def tell(self, text: str) -> str:
        """The first process's text, in ASCII."""
        if self.count == 1:
            return text
        data = text.encode("ascii")
        held = torch.zeros(self.same(len(data)), dtype=torch.uint8)
        if self.is_first:
            held = torch.tensor(list(data), dtype=torch.uint8)
        self._exchange(lambda: torch.distributed.broadcast(held, 0))
        return bytes(held.tolist()).decode("ascii")

    def first(self, work: Callable[[], T]) -> T | None:
        """Have the first process do something while the others wait; its result, to the others None.

        :raises SkillStackError: in the others too, if it fails.
        """
        if self.count == 1:
            return work()
        error: BaseException | None = None
        result = None
        if self.is_first:
            try:
                result = work()
            except BaseException as caught:
                error = caught
        failed = self.same(int(error is not None))
        if error is not None:
            raise error
        if failed:
            give_way()
        return result

    def _exchange(self, work: Callable[[], object]) -> None:
        try:
            work()
        except (RuntimeError, ValueError) as error:
            # gloo and NCCL say in many ways that the other side has gone.
            give_way(error)


#: The only one.
ALONE = Processes()


def give_way(error: Exception | None = None) -> NoReturn:
    """End this process because another one failed.

    :param error: how that was noticed.
    :raises SkillStackError: after a moment. The launcher ends all processes when the first one has ended, and
        the one that knows what is wrong must be able to say it.
    """
    time.sleep(COURTESY)
    raise SkillStackError(
        "Another process of this training ended with an error.",
        "Its message says why: mend that, and run the same command again.",
    ) from error


def launched() -> tuple[int, int]:
    """Place and number of processes that `accelerate launch` or torchrun started, (0, 1) without them."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def join_processes(device: torch.device) -> Processes:
    """Meet the other processes of this training; the only one where nothing launched several.

    :param device: where this process computes. Gradients on a GPU are summed by NCCL, all else by gloo.
    """
    place, count = launched()
    if count == 1:
        return ALONE
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if not torch.distributed.is_initialized():
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        torch.distributed.init_process_group(backend, timeout=PATIENCE)
    return Processes(place, count)


def leave_processes() -> None:
    """Part from the other processes, when all is done."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


@dataclass(frozen=True)
class RunState:
    """Run options under way: the deadline counts, and the other processes are there.

    A step always learns from the recipe's whole batch.

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

    @classmethod
    def of(cls, run: RunOptions, deadline: Deadline, processes: Processes = ALONE) -> RunState:
        """The options of a run that has begun.

        :param deadline: of its time limit, counted from when it began.
        """
        return cls(run.micro_batch, run.accumulate, run.gradient_checkpointing, deadline, processes)

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


_PACKAGES = (
    "skillstack",
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "numpy",
    "scikit-learn",
    "tokenizers",
)

#: Packages of this project that decide what a training arrives at and what a router picks.
_DECIDING = ("data", "models", "routers", "store", "training")


def environment() -> dict[str, str]:
    """Versions, machine type and threads, as strings."""
    found = {"python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}
    found["threads"] = str(torch.get_num_threads())
    found["kernels"] = "oneDNN" if onednn_is_faster() else "torch"
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


@cache
def code_digest() -> str:
    """The first 16 hexadecimal digits of SHA-256 over the code that decides results.

    Two builds of one version may differ; a result that outlives a change of code says with which it was made.
    """
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for package in _DECIDING:
        for path in sorted((root / package).rglob("*")):
            if path.suffix in (".py", ".toml"):
                digest.update(path.relative_to(root).as_posix().encode() + b"\0")
                digest.update(path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()[:16]

"""Trains a tiny stack in one of several processes, as `accelerate launch` or torchrun starts them.

Modes: ``whole`` trains all; ``stop`` ends after a few steps of the second frame, as if the time were up;
``narrow`` lets the second process run out of memory above one row; ``fail`` raises an error in the second
process while it learns, ``full`` in the first one while it writes.
Random models seldom gain by training, so dev is not asked.
"""

import dataclasses
import sys
from pathlib import Path

import torch

from skillstack.errors import SkillStackError, StoreError
from skillstack.store.store import Store
from skillstack.training import loop, run
from skillstack.training.execution import RunState, join_processes, leave_processes
from skillstack.training.progress import Deadline, StepDone
from tests.training.world import RECIPE, TASKS, Ear, World, job


class Steps(Deadline):
    """Time that is counted in steps."""

    def __init__(self, most: int | None, ear: Ear) -> None:
        self.taken = lambda: len(ear.of(StepDone))
        super().__init__(most, clock=lambda: float(self.taken()))


def train_together(folder: Path, mode: str) -> int:
    """Train, and tell what was done; the exit status."""
    torch.set_num_threads(1)
    processes = join_processes(torch.device("cpu"))
    ear = Ear()
    world = World(
        processes.first(lambda: Store.create(folder / "store")) or Store.open(folder / "store"),
        folder / "bert",
    )
    loop.Trainer._consider = lambda trainer, candidate: setattr(trainer, "_best", candidate)
    if mode == "full" and processes.is_first:

        def full(*_, **__):
            raise StoreError("The disk is full.", "Free some space.")

        run.transactions.push = full

    def load():
        base = world.load()
        layer = base.model.encoder.layer[-1]
        if mode in ("narrow", "fail") and processes.place == 1:

            def hook(module, inputs):
                if mode == "narrow" and torch.is_grad_enabled() and len(inputs[0]) > 1:
                    raise torch.OutOfMemoryError("CUDA out of memory.")
                if mode == "fail" and len(ear.of(StepDone)) == 3:
                    raise SkillStackError("This one broke.", "Mend it.")

            layer.register_forward_pre_hook(hook)
        return base

    recipe = dataclasses.replace(RECIPE, dropout=0.0, refit=False, learning_rate=2e-3)
    execution = RunState(deadline=Steps(9 if mode == "stop" else None, ear), processes=processes)
    try:
        result = run.train_stack(
            world.store, job(TASKS[:2], recipe), load, lambda chain: None, ear, execution
        )
    except SkillStackError as error:
        sys.stderr.write(f"process {processes.place}: {error}\n")
        return 3
    sys.stdout.write(
        f"process {processes.place}: {result.trained} {result.complete} {len(ear.of(StepDone))}\n"
    )
    leave_processes()
    return 0

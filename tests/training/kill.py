"""Trains a tiny stack in processes that are ended by SIGKILL at random times; prints what came out as JSON.

    PYTHONPATH=. python tests/training/kill.py FOLDER KILLS SEED

The parent loads the libraries once and forks; it runs no computation itself, so a child is as good as a
process that was started anew. A store is trained until it is done, then another one is begun, until there
were enough kills.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

from skillstack.store.store import Store
from skillstack.store.verify import verify
from skillstack.training import loop
from tests.tiny import tiny_bert
from tests.training.world import RECIPE, TASKS, World, job


def child(world: World) -> int:
    """Start a training; returns its process id."""
    pid = os.fork()
    if pid == 0:
        torch.set_num_threads(1)
        loop.CHECKPOINT_SECONDS = 0.0
        try:
            world.train(job(TASKS, RECIPE))
        except BaseException as error:  # the parent reports it
            os.write(2, repr(error).encode())
            os._exit(1)
        os._exit(0)
    return pid


def main(folder: Path, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    torch.set_num_threads(1)
    base = folder / "tiny-bert"
    if os.fork() == 0:  # so that this process never computes anything
        tiny_bert(base)
        os._exit(0)
    os.wait()
    whole = World(Store.create(folder / "whole"), base)
    begin = time.monotonic()
    assert os.waitpid(child(whole), 0)[1] == 0
    span = time.monotonic() - begin
    broken: list[str] = []
    ends: list[list[str]] = []
    frames_at_kill: list[int] = []
    files_differ = 0
    killed = 0
    while killed < kills:
        world = World(Store.create(folder / f"store-{len(ends)}"), base)
        done = False
        while not done:
            pid = child(world)
            if killed < kills:
                time.sleep(chance.uniform(0.02, 0.7) * span)
                os.kill(pid, signal.SIGKILL)  # a child that has ended is not waited for yet, so this is safe
            status = os.waitpid(pid, 0)[1]
            done = os.WIFEXITED(status)
            assert not done or os.WEXITSTATUS(status) == 0
            killed += not done
            frames_at_kill.append(len(world.ids()))
            found = verify(world.store)
            broken += [f"{problem.path}: {problem.message}" for problem in found.problems]
        ends.append([*world.ids(), str(world.store.tip("main"))])
        files = {name for name in world.files() if ".tmp-" not in name}
        files_differ += files != set(whole.files())
    result = {
        "whole": [*whole.ids(), str(whole.store.tip("main"))],
        "ends": ends,
        "killed": killed,
        "frames_at_kill": frames_at_kill,
        "broken": broken,
        "files_differ": files_differ,
    }
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

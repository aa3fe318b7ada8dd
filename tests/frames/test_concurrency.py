"""Several processes on one store."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from skillstack.errors import BusyError
from skillstack.store import transactions
from skillstack.store.history import read_history
from skillstack.store.verify import verify

from .builders import chain, make_content, push

PUSH = """
import sys
from pathlib import Path
from frames.builders import push
from skillstack.errors import BusyError
from skillstack.store.store import Store
store, stack = Store.open(Path(sys.argv[1])), sys.argv[2]
for name in sys.argv[3:]:
    while True:
        try:
            push(store, stack, name)
            break
        except BusyError:
            pass
"""
NAMES = [f"skill{i}" for i in range(12)]


def start(root: object, stack: str, names: list[str]) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, sys.path)])
    return subprocess.Popen(
        [sys.executable, "-c", PUSH, str(root), stack, *names], env={**os.environ, "PYTHONPATH": path}
    )


def test_two_processes_push_on_two_stacks_while_this_one_reads(store):
    workers = [start(store.root, stack, NAMES) for stack in ("one", "two")]
    seen = {0}
    deadline = time.monotonic() + 120
    while any(worker.poll() is None for worker in workers) and time.monotonic() < deadline:
        for stack in store.stacks():
            seen.add(len(chain(store, stack)))
            history = read_history(store, stack)
            assert len(history.done) == len(history.steps)
    assert [worker.wait(10) for worker in workers] == [0, 0]
    assert len(seen) > 1
    for stack in ("one", "two"):
        contents = [store.content(node.content).name for _, node in store.chain(stack)]
        assert contents == NAMES[::-1]
    assert chain(store, "one") == chain(store, "two")
    assert verify(store).ok


def test_two_processes_push_on_one_stack_and_no_frame_is_lost(store):
    workers = [start(store.root, "main", NAMES[:6]), start(store.root, "main", NAMES[6:])]
    assert [worker.wait(120) for worker in workers] == [0, 0]
    names = [store.content(node.content).name for _, node in store.chain("main")]
    assert sorted(names) == sorted(NAMES)
    assert len(read_history(store, "main").done) == len(NAMES)
    assert verify(store).ok


def test_of_two_pushes_on_one_tip_the_second_is_refused(store):
    tip = push(store, "main", "alpha")
    one, two = make_content(store, "beta"), make_content(store, "gamma")
    transactions.push(store, "main", one, transaction="t", note="", expected=tip)
    try:
        transactions.push(store, "main", two, transaction="u", note="", expected=tip)
    except BusyError as error:
        assert "Run this command again" in error.hint
    else:
        raise AssertionError("the second push was not refused")
    assert len(chain(store, "main")) == 2

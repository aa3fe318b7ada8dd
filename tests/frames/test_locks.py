"""Locks between processes: commits wait for each other, a second training is refused at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from skillstack.errors import BusyError
from skillstack.store import files
from skillstack.store.verify import verify

from .builders import chain, push

HOLD = """
import sys
from pathlib import Path
from skillstack.store import files
root, stack = Path(sys.argv[1]), sys.argv[2]
with files.commit_lock(root) if stack == "-" else files.training_lock(root, stack):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_by_another_process(root: Path, stack: str) -> Iterator[subprocess.Popen[str]]:
    path = os.pathsep.join(filter(None, sys.path))
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root), stack],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    ) as process:
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.stdin.close()
            process.wait(20)


def test_a_second_training_of_a_stack_is_refused_at_once(store):
    with held_by_another_process(store.root, "main"):
        started = time.monotonic()
        with (
            pytest.raises(BusyError, match="Another training of the stack 'main'"),
            files.training_lock(store.root, "main"),
        ):
            pass
        assert time.monotonic() - started < 5
        with files.training_lock(store.root, "other"):
            assert files.is_training(store.root)
    assert not files.is_training(store.root)
    with files.training_lock(store.root, "main"):
        pass


def test_who_has_patience_waits_until_the_training_has_ended(store):
    with held_by_another_process(store.root, "main") as other:
        asked = []

        def patience() -> bool:
            asked.append(1)
            if len(asked) == 2:
                other.stdin.close()
            return len(asked) < 200

        with files.training_lock(store.root, "main", patience):
            assert files.is_training(store.root)
    assert 2 <= len(asked) < 200


def test_a_commit_waits_for_another_one(store, monkeypatch):
    with held_by_another_process(store.root, "-") as other:
        monkeypatch.setattr(files, "COMMIT_WAIT", 0.1)
        with pytest.raises(BusyError, match="Another command is changing this store"):
            push(store, "main", "alpha")
        assert chain(store, "main") == []
        monkeypatch.setattr(files, "COMMIT_WAIT", 30)
        other.stdin.close()  # the other one ends while this one waits
        push(store, "main", "alpha")
    assert len(chain(store, "main")) == 1


def test_a_killed_process_holds_no_lock(store):
    with held_by_another_process(store.root, "main") as process:
        process.kill()
        process.wait(20)
        with files.training_lock(store.root, "main"):
            pass


def test_readers_need_no_lock(store):
    push(store, "main", "alpha")
    with held_by_another_process(store.root, "-"), held_by_another_process(store.root, "main"):
        assert len(chain(store, "main")) == 1
        assert verify(store).ok


def test_a_training_may_commit_whatever_its_stack_is_called(store, monkeypatch):
    monkeypatch.setattr(files, "COMMIT_WAIT", 0.1)
    for stack in ("commit", "main.lock"):
        with files.training_lock(store.root, stack):
            push(store, stack, "alpha")
            assert files.is_training(store.root)


def test_a_commit_is_no_training(store):
    with files.commit_lock(store.root):
        assert not files.is_training(store.root)


def test_an_error_inside_gives_the_lock_back(store):
    with pytest.raises(KeyError), files.commit_lock(store.root):
        raise KeyError
    with files.commit_lock(store.root):
        pass

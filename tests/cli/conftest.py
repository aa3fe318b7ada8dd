"""A small store made by hand, and the command line as people run it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skillstack.cli.group import run
from skillstack.store.canonical import sha256
from skillstack.store.records import BaseIdentity, Count, FrameRecord, Rendering, Skill
from skillstack.store.store import Store
from skillstack.store.transactions import push

ROOT = Path(__file__).resolve().parents[2]
PYTHONPATH = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
BASE = BaseIdentity(sha256(b"weights"), sha256(b"tokenizer"), "bert", 4, 2, "a-base", "1")
#: A training of a few seconds. Its accuracies mean nothing.
TINY = (
    *("--task", "imdb_sentences", "--task", "banking", "--stack", "tiny", "--epochs", "1"),
    *("--samples-per-class", "4", "--router-samples", "32", "--set", "dev_samples=32"),
)


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


class Shell:
    """Runs ``python -m skillstack`` in a folder, away from the settings of whoever runs the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str | bytes, stdin: bytes = b"", **environ: str) -> Ran:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("SKILLSTACK")}
        done = subprocess.run(
            [sys.executable, "-m", "skillstack", *arguments],
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            env={**kept, "PYTHONPATH": PYTHONPATH, "PYTHONUTF8": "1", **environ},
            timeout=300,
        )
        return Ran(done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8"))


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """The program as a process of its own, in an empty folder."""
    return Shell(tmp_path)


class Inside:
    """Runs command lines in this process, which is quicker."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys
        for name in ("SKILLSTACK_STORE", "SKILLSTACK_STACK"):
            monkeypatch.delenv(name, raising=False)

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Ran:
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        self._capsys.readouterr()
        status = run(arguments)
        return Ran(status, *self._capsys.readouterr())


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inside:
    """Command lines in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return Inside(monkeypatch, capsys)


@pytest.fixture
def asked(trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inside:
    """Command lines in a folder with a trained stack. Its store is shared: leave it as it is."""
    monkeypatch.chdir(trained)
    return Inside(monkeypatch, capsys)


def frame(store: Store, name: str, seed: int, label: str = "yes", parent: str | None = None) -> FrameRecord:
    """A content whose files are in the store. Its numbers mean nothing."""
    rng = np.random.default_rng(seed)
    adapter = store.put_adapter(name, b"{}", _tensors(rng), f"# {name}\n\nA card.\n".encode())
    skill = Skill(
        name=name,
        task=name,
        family="intent" if seed % 2 else "topic",
        labels=("no", label),
        pair=False,
        head=store.put_head(rng.normal(size=(2, 4)).astype(np.float32), None),
        samples=None,
        rendering=Rendering(),
        metrics={"dev": Count(90 + seed, 100), "frozen_linear_dev": Count(80, 100)},
        source={"kind": "starter", "name": name},
    )
    return FrameRecord(
        name=name,
        adapter=adapter,
        skills=(skill,),
        base=BASE,
        precision="fp32",
        pooling="mean",
        recipe={"epochs": 3, "learning_rate": "0.0002", "targets": ["query"]},
        init_from=parent,
    )


def _tensors(rng: np.random.Generator) -> bytes:
    from skillstack.store import tensors

    return tensors.dump({"a": rng.normal(size=(4, 4)).astype(np.float32)})


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which two small frames were trained on the built-in base."""
    folder = tmp_path_factory.mktemp("trained")
    assert run(("train", *TINY, "--store", str(folder / "frames"))) == 0
    return folder


@dataclass(frozen=True)
class Made:
    """A store of one stack, ``mine``, and the ids of its nodes, oldest first."""

    store: Store
    nodes: tuple[str, ...]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Three frames on the stack ``mine`` in ``./frames``; the last was its own command."""
    store = Store.create(tmp_path / "frames")
    nodes: list[str] = []
    origin = None
    for seed, name in enumerate(("films", "cards", "trips")):
        content = frame(store, name, seed, parent=origin)
        before = nodes[-1] if nodes else None
        transaction = "first" if seed < 2 else "second"
        nodes.append(
            push(store, "mine", content, transaction=transaction, note=f"train {name}", expected=before)
        )
        origin = content.id
    store.set_head_stack("mine")
    return Made(store, tuple(nodes))

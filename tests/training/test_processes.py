"""Several processes train what one would; one writes; an error in one ends all."""

import shutil
import socket
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from skillstack.store.store import Store
from skillstack.store.verify import verify
from skillstack.training.execution import ALONE, Processes, join_processes

from ..apart import Ended, start
from .together import train_together

gloo = pytest.mark.skipif(
    not torch.distributed.is_available() or sys.platform == "win32",
    reason="needs gloo and processes that meet",
)


@given(rows=st.integers(0, 40), count=st.integers(1, 8))
def test_each_row_has_one_process(rows, count):
    shares = [Processes(place, count).share(range(rows)) for place in range(count)]
    assert sorted(row for share in shares for row in share) == list(range(rows))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_alone_nothing_is_exchanged(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert join_processes(torch.device("cpu")) is ALONE
    tensor = torch.ones(3)
    ALONE.sum(tensor)
    assert tensor.tolist() == [1.0, 1.0, 1.0]
    assert ALONE.first(lambda: 7) == ALONE.same(7) == 7
    assert ALONE.tell("text") == "text"
    assert ALONE.agree(lambda: True)
    assert not ALONE.agree(lambda: False)


def launch(folder: Path, mode: str, count: int) -> Ended:
    """Train in several processes; the highest status of all, and what they said."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        meet = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    meet |= {"WORLD_SIZE": str(count), "OMP_NUM_THREADS": "1"}
    started = [
        start(
            train_together,
            folder,
            mode,
            folder=folder,
            environment={**meet, "RANK": place, "LOCAL_RANK": place},
        )
        for place in map(str, range(count))
    ]
    ended = [wait() for wait in started]
    said = ("".join(part) for part in zip(*((one.out, one.err) for one in ended), strict=True))
    return Ended(max(abs(one.status) for one in ended), *said)


def folder_for(path: Path, bert: Path) -> Path:
    path.mkdir()
    shutil.copytree(bert, path / "bert")
    return path


def weights(folder: Path) -> list[dict[str, np.ndarray]]:
    store = Store.open(folder / "store")
    found = []
    for _, content in store.contents("main"):
        head = {f"head.{name}": array for name, array in store.head(content.skills[0].head).items()}
        found.append({**store.adapter_tensors(content.adapter), **head})
    return found


def accuracies(folder: Path) -> list[object]:
    store = Store.open(folder / "store")
    return [content.skills[0].metrics["dev"] for _, content in store.contents("main")]


def close(one: Path, two: Path) -> bool:
    pairs = list(zip(weights(one), weights(two), strict=True))
    return len(pairs) == 2 and all(
        a.keys() == b.keys() and all(np.allclose(a[name], b[name], atol=2e-4) for name in a) for a, b in pairs
    )


@pytest.fixture(scope="module")
def alone(tmp_path_factory, bert) -> Path:
    """What one process makes."""
    folder = folder_for(tmp_path_factory.mktemp("alone") / "one", bert)
    done = launch(folder, "whole", 1)
    assert done.status == 0, done.err
    return folder


@gloo
@pytest.mark.slow
@pytest.mark.parametrize("mode", ["whole", pytest.param("narrow", marks=pytest.mark.thorough)])
def test_two_processes_make_what_one_makes(alone, tmp_path, bert, mode):
    folder = folder_for(tmp_path / "two", bert)
    done = launch(folder, mode, 2)
    assert done.status == 0, done.err
    tasks = "('imdb_sentences', 'yelp_sentences')"
    assert sorted(done.out.splitlines()) == [f"process {place}: {tasks} True 12" for place in (0, 1)]
    assert accuracies(folder) == accuracies(alone)
    assert close(folder, alone)
    store = Store.open(folder / "store")
    assert verify(store).ok
    assert len((store.root / "history" / "main.jsonl").read_bytes().splitlines()) == len(
        (alone / "store" / "history" / "main.jsonl").read_bytes().splitlines()
    )


@gloo
@pytest.mark.thorough
@pytest.mark.parametrize("count", [1, 3])
def test_what_two_began_one_can_end_and_three_as_well(alone, tmp_path, bert, count):
    folder = folder_for(tmp_path / "two", bert)
    done = launch(folder, "stop", 2)
    assert done.status == 0, done.err
    assert "('imdb_sentences',) False" in done.out
    done = launch(folder, "whole", count)
    assert done.status == 0, done.err
    assert "('yelp_sentences',) True 3" in done.out  # of six steps three were done
    assert accuracies(folder) == accuracies(alone)
    assert close(folder, alone)


@gloo
@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "says", "count"),
    [
        ("fail", "process 1: This one broke.", 1),
        pytest.param("full", "process 0: The disk is full.", 2, marks=pytest.mark.thorough),
    ],
)
def test_an_error_in_one_ends_all_and_leaves_the_store_whole(alone, tmp_path, bert, mode, says, count):
    folder = folder_for(tmp_path / "two", bert)
    done = launch(folder, mode, 2)
    assert done.status != 0
    assert says in done.err
    store = Store.open(folder / "store")
    assert verify(store).ok
    assert store.tip("main") is None
    again = launch(folder, "whole", count)
    assert again.status == 0, again.err
    assert accuracies(folder) == accuracies(alone)
    assert close(folder, alone)

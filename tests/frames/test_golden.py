"""The golden store of format 1: every later version reads it, and its ids never change."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

import pytest

from skillstack.store import transactions
from skillstack.store.history import read_history
from skillstack.store.samples import FeatureSamples, ReferenceSamples, TextSamples
from skillstack.store.store import Store
from skillstack.store.verify import verify

from .builders import chain, files, push

GOLDEN = Path(__file__).parents[1] / "golden" / "format-1"
FIRST = "7e642a2f03105d3d9450b4326f62b2f6e10005a02541a55fd92e9c6ba9049a55"
UNDONE = "a41980c4e040c666b27171e59337512c6ca803797abcff4fd8b800939eba9405"
TIP = "eb2bc17e6ed0d6716a7db38a129b94f7660eca24695e9b7259605f161cfe49f3"
CONTENTS = ["4d95d7254605", "c613345d73fa", "f0c096affc6a"]


@pytest.fixture
def golden(place: Path) -> Store:
    """A copy, so that no test changes the golden one."""
    shutil.copytree(GOLDEN / "frames", place / "golden" / "frames")
    return Store.open(place / "golden" / "frames")


def test_it_is_whole(golden):
    found = verify(golden)
    assert found.problems == () and found.strays == ()
    assert found.files == len(files(golden.root)) == 29


def test_its_ids_are_the_pinned_ones(golden):
    assert golden.head_stack() == "main" and golden.stacks() == ("main",)
    assert chain(golden, "main") == [TIP, FIRST]
    assert [golden.node(node).content[:12] for node in (FIRST, UNDONE, TIP)] == CONTENTS
    first = golden.content(golden.node(FIRST).content)
    assert (
        first.behaviour(first.skills[0]) == "4330c3cbc71af1186b2384bb6e50dcc8ebaf20195b28bea48c84364d7a55a296"
    )
    assert first.adapter.folder == "first-d96e5a791908"
    for node in (FIRST, UNDONE, TIP):
        assert golden.content(golden.node(node).content).id == golden.node(node).content
        assert golden.node(node).id == node


def test_every_file_says_what_was_written(golden):
    first, second, third = (golden.content(golden.node(node).content) for node in (FIRST, UNDONE, TIP))
    assert (first.name, second.name, third.name) == ("first", "second", "third")
    assert second.init_from == third.init_from == first.id
    skill = first.skills[0]
    assert skill.labels == ("negative", "positive \u20ac \U0001f600")
    assert skill.metrics["dev"].accuracy == 0.9
    assert first.recipe == {
        "epochs": 2,
        "lora": {"alpha": 2, "r": 1},
        "lr": "0.001",
        "shuffle": True,
        "tasks": ["a", "b"],
    }
    assert golden.head(skill.head)["weight"].tolist() == [[0, 0.125, 0.25, 0.375], [0.5, 0.625, 0.75, 0.875]]
    assert golden.head(skill.head)["bias"].tolist() == [0.5, -0.5]
    assert golden.adapter_tensors(first.adapter)["q.lora_B.weight"].shape == (4, 1)
    assert golden.canaries(first.canaries) == {"logits": ["0.125", "-0.5"], "n": 1, "step": 0}
    kinds = [type(golden.samples(content.skills[0].samples)) for content in (first, second, third)]
    assert kinds == [TextSamples, ReferenceSamples, FeatureSamples]
    assert golden.samples(skill.samples).rows[1].text_pair == "b"
    assert golden.measurement(first.behaviour(skill), "test") == {"correct": 91, "n": 100}


def test_its_history_is_undone_and_gone_on_with(golden):
    history = read_history(golden, "main")
    assert [step.action for step in history.steps] == ["push", "push", "undo", "push"]
    assert [t.note for t in history.done] == ["push first", "push third"]
    assert history.steps[0].time == 1_700_000_000
    transactions.undo(golden, "main")
    assert chain(golden, "main") == [FIRST]
    transactions.redo(golden, "main")
    push(golden, "main", "omega")
    assert chain(golden, "main")[1:] == [TIP, FIRST]
    assert verify(golden).ok


def test_the_script_beside_it_makes_the_same_bytes(golden, place):
    made = runpy.run_path(str(GOLDEN / "make.py"))["make"](place / "made" / "frames")
    assert files(made.root) == files(golden.root)
    for name in files(made.root):
        assert (made.root / name).read_bytes() == (golden.root / name).read_bytes(), name

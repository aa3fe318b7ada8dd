"""A compression that dies at any call that changes the disk leaves the old stack or the new one."""

import copy
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from skillstack.compression.apply import apply
from skillstack.compression.candidate import Candidate
from skillstack.compression.workspace import Workspace
from skillstack.errors import StoreError
from skillstack.stack import Stack
from skillstack.store.store import Store

from .compression.world import make_stack, plan_of
from .frames.faults import ROOM, Killed, faults

pytestmark = pytest.mark.slow


@dataclass
class Case:
    """A stack, and a merge of two of its frames, below a newer one, that is ready to be applied."""

    root: Path
    workspace: Workspace
    candidate: Candidate

    def run(self, root: Path) -> str | None:
        """Apply it in a copy."""
        there = copy.copy(self.workspace)
        there.snapshot = replace(self.workspace.snapshot, store=Store.open(root))
        return apply(there, self.candidate, note="compress")

    def fresh(self, folder: Path) -> Path:
        """A copy in a new place."""
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("frames", "routers"):
            shutil.copytree(self.root.parent / name, folder / name)
        return folder / "frames"


def ids(root: Path) -> list[str]:
    return [frame.id for frame in Stack.open(root, "main").frames()]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    root = make_stack(tmp_path_factory.mktemp("main"), ("imdb_sentences", "yelp_sentences", "wiki_topics"))
    stack = Stack.open(root, "main", model=str(root.parent / "tiny-bert"))
    planned = plan_of(stack, method="merge")
    return Case(root, planned.workspace, planned.plan.candidates[0])


def check(case: Case, root: Path, old: list[str], new: list[str], where: str) -> None:
    assert ids(root) in (old, new), where
    stack = Stack.open(root, "main")
    # A router's state has two files; half a state of a chain that is no tip yet is no damage.
    assert stack.verify()[0].ok, where
    if ids(root) == old:
        case.run(root)
    assert ids(root) == new and stack.verify()[0].ok, where
    stack.undo()
    assert ids(root) == old, where


@pytest.mark.parametrize("each", [4, pytest.param(1, marks=pytest.mark.thorough)])
def test_killed_or_refused_at_any_call_the_stack_is_the_old_one_or_the_new_one(case, tmp_path, each):
    old = ids(case.root)
    done = case.fresh(tmp_path / "done")
    case.run(done)
    done = case.fresh(tmp_path / "done")
    with faults() as counted:
        case.run(done)
    new = ids(done)
    assert new != old and len(counted.calls) >= 20
    for at, name in list(enumerate(counted.calls))[::each]:
        root = case.fresh(tmp_path / "kill")
        with faults(at, "kill"), pytest.raises(Killed):
            case.run(root)
        check(case, root, old, new, f"killed at {at}, {name}")
    for at, name in list(enumerate(counted.calls))[:: 3 * each]:
        if name not in ROOM:
            continue
        root = case.fresh(tmp_path / "full")
        with faults(at, "full"):
            try:
                case.run(root)
            except StoreError as error:
                assert error.hint
        check(case, root, old, new, f"no room at {at}, {name}")

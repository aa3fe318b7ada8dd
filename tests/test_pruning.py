"""A frame is pruned or it is not, whatever happens meanwhile."""

import csv
import shutil

import pytest

from skillstack.data.sources import load_task
from skillstack.errors import StoreError
from skillstack.stack import Stack

from .compression.world import make_stack
from .frames.faults import Killed, faults
from .tiny import copied

TASKS = ("imdb_sentences", "wiki_topics", "yelp_sentences")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, options):
    """A stack, and beside it all that a model was asked: what is kept of that changes no stack."""
    root = make_stack(tmp_path_factory.mktemp("trained"), TASKS)
    stack = Stack.open(root, "main", model=str(root.parent / "tiny-bert"))
    stack.ablate([TASKS[0]], **options)
    stack.undo()
    return root


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    """A guard that lets anything go, and few rows for it."""
    folder = tmp_path_factory.mktemp("rows")
    for name in TASKS:
        data = load_task(name)
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            lines = csv.writer(file)
            lines.writerow(["text", "label"])
            lines.writerows(
                [one.row.text, data.task.labels[one.label]] for one in data.train[:: len(data.train) // 60]
            )
    tables = {name: folder / f"{name}.csv" for name in TASKS}
    return {"tables": tables, "margin": 0.49, "level": 0.49, "apply": True}


def ids(stack):
    return [frame.content_id for frame in stack]


@pytest.mark.slow
def test_a_crash_at_any_write_call_leaves_the_old_stack_or_the_new_one(trained, options, tmp_path):
    stack = copied(trained, tmp_path / "whole")
    old = ids(stack)
    with faults() as seen:
        assert stack.ablate([TASKS[0]], **options).pruning.applied
    new = ids(stack)
    assert new == old[:-1]
    states = []
    for at in range(len(seen.calls)):
        folder = tmp_path / str(at)
        broken = copied(trained, folder)
        with pytest.raises(Killed), faults(at, how="kill"):
            broken.ablate([TASKS[0]], **options)
        again = Stack.open(folder / "frames", "main")
        states.append(ids(again))
        problems = [problem.path for problem in again.verify()[0].problems]
        # Half a router's state may lie about, of a chain that no stack came to have; it can be fitted again.
        assert all(path.startswith("../routers/") for path in problems)
        assert again.router_folder().name not in "".join(problems)
        assert again.route("please block my card").task in TASKS
        shutil.rmtree(folder)
    assert states[0] == old and states[-1] == new
    assert all(state in (old, new) for state in states)


@pytest.mark.parametrize("known", [True, False])
def test_a_full_disk_leaves_the_old_stack(trained, options, tmp_path, known):
    stack = copied(trained, tmp_path)
    if not known:
        shutil.rmtree(tmp_path / "frames" / "derived")
    old = ids(stack)
    with pytest.raises(StoreError), faults(0, how="full"):
        stack.ablate([TASKS[0]], **options)
    assert ids(stack) == old

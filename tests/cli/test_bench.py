"""skillstack bench: cells kept, a leaderboard in 80 columns, and errors before anything is loaded."""

from __future__ import annotations

import json

import pytest

from skillstack.cli.bench import progress_line, standing_words
from skillstack.continual import registry
from skillstack.continual.bench import BenchProgress
from skillstack.continual.cell import TaskOrder
from skillstack.continual.request import CellKey

#: A bench of a few seconds.
TINY = (
    *("bench", "--task", "imdb_sentences", "--task", "banking", "--no-choose"),
    *("--eval-samples-per-class", "4", "--store", "store"),
    *("--set", "samples_per_class=4", "--set", "dev_samples=16", "--set", "router_samples=16"),
    *("--set", "epochs=1", "--set", "min_epochs=0", "--set", "max_steps=2"),
)


def test_methods_are_listed_with_their_papers(command):
    ran = command("bench", "--list-methods")
    assert ran.status == 0
    assert all(name in ran.out for name in registry.names())
    assert "Kirkpatrick et al. 2017" in ran.out
    listed = command("bench", "--list-methods", "--json").json
    assert [one["name"] for one in listed["methods"]] == list(registry.names())


@pytest.mark.slow
def test_cells_are_kept_and_a_second_run_makes_none(command, tmp_path):
    first = command(*TINY, "--methods", "skillstack,frozen-linear")
    assert first.status == 0, first.err
    assert max(map(len, first.out.splitlines())) <= 80
    assert "AGAINST SKILLSTACK" in first.out and "skillstack routed:" in first.out
    folder = tmp_path / "results" / "methods" / "tasks-minilm"
    names = {"skillstack.forward.42.json", "frozen-linear.forward.42.json", "leaderboard.json"}
    assert {path.name for path in folder.iterdir()} == names
    again = command(*TINY, "--methods", "skillstack,frozen-linear", "--json")
    assert again.err.count("finished before") == 2
    document = again.json
    assert document["schema"] == 1
    assert [len(one["runs"]) for one in document["methods"]] == [1, 1]
    kept = json.loads((folder / "leaderboard.json").read_text())
    assert kept["methods"] == document["methods"]
    record = json.loads((folder / "skillstack.forward.42.json").read_text())
    assert record["command"].startswith("skillstack bench --task imdb_sentences --task banking")


def test_a_damaged_result_is_an_error_that_says_what_to_do(command, tmp_path):
    folder = tmp_path / "results" / "methods" / "tasks-minilm"
    folder.mkdir(parents=True)
    (folder / "frozen-linear.forward.42.json").write_text("{")
    ran = command(*TINY, "--methods", "frozen-linear")
    assert ran.status == 3
    assert "cannot be read" in ran.err and "--results" in ran.err


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--methods", "ewcc"), "Did you mean 'ewc'?"),
        (("--methods", "ewc", "--seeds", "one"), "list of seeds"),
        (("--methods", "ewc", "--eval-samples-per-class", "none"), "Invalid number of rows"),
        (("--methods", "ewc", "--set", "rate=1"), "A recipe has no 'rate'"),
        (("--methods", "ewc", "--set", "seed=1"), "sets the recipe's seed itself"),
        (("--methods", "ewc", "--stack", "main"), "stacks of its own"),
        (("--methods", "ewc", "--order", "sideways"), "no order"),
        (("--methods", "ewc", "--preset", "starter8"), "Both --preset and --task"),
    ],
)
def test_what_cannot_be_meant_is_an_error(command, tmp_path, wrong, said):
    ran = command("bench", "--task", "imdb_sentences", *wrong)
    assert ran.status == 2
    assert said in ran.err
    assert not (tmp_path / "results").exists()


KEY = CellKey("ewc", TaskOrder("forward"), 42)


def line(**changes) -> str:
    given = {
        "place": 3,
        "of": 9,
        "key": KEY,
        "settings": {"lambda": 1e4},
        "trial": False,
        "learned": 8,
        "tasks": 8,
        "accuracy": 0.7123,
        "seconds": 312.0,
    }
    return progress_line(BenchProgress(**{**given, **changes}))


def test_a_cell_is_named_with_its_accuracy_and_time():
    assert line() == "cell 3 of 9  ewc, forward, seed 42, lambda 10000: 71.2 % in 5 min 12 s"
    assert line(trial=True).endswith("71.2 % on dev in 5 min 12 s")
    assert line(kept=True) == "cell 3 of 9  ewc, forward, seed 42: 71.2 %, finished before"


def test_on_the_way_it_says_how_many_tasks_are_learned():
    assert line(accuracy=None, learned=2, seconds=3.0).endswith("task 2 of 8 learned, 3.0 s")
    assert line(accuracy=None, learned=0).endswith(": begins")


def test_without_results_it_says_so():
    assert standing_words([]) == ["There are no results yet."]

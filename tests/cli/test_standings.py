"""What a bench says while it runs, line by line."""

from skillstack.cli.standings import progress_line, standing_words
from skillstack.continual.leaderboard import TaskOrder
from skillstack.continual.request import CellKey
from skillstack.continual.running import BenchProgress

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

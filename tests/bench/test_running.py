"""A bench keeps what is finished, counts nothing twice, and examines every method on the same rows."""

import dataclasses

import numpy as np
import pytest

from skillstack.continual import registry
from skillstack.continual.bench import run
from skillstack.continual.files import Results
from skillstack.continual.leaderboard import leaderboard
from skillstack.continual.methods.frames import Independent
from skillstack.errors import InputError, MismatchError


@pytest.fixture
def results(tmp_path) -> Results:
    """An empty folder of results."""
    return Results(tmp_path / "results")


def test_every_method_is_examined_on_the_same_rows(ask, results, tmp_path):
    request = ask("all", choose=False, per_class=8)
    cells = run(request, results, tmp_path / "store")
    assert [cell.method for cell in cells] == list(registry.names())
    assert len({tuple((task.task, task.rows) for task in cell.tasks) for cell in cells}) == 1
    for cell in cells:
        late = cell.method == "joint"
        assert (cell.trajectory is None) == late
        if not late:
            assert [len(row) for row in cell.trajectory] == [1, 2]
        assert (cell.tasks[0].routed is not None) == (cell.method == "skillstack")
        assert (cell.tasks[0].unaided is not None) == (cell.method == "exact-ridge")
        assert cell.seconds > 0
        assert 0 < cell.accuracy < 1
    assert len(leaderboard(results.cells())) == len(cells)


def test_a_finished_cell_is_kept_and_nothing_is_trained_again(ask, results, tmp_path, monkeypatch):
    first = run(ask("independent", "frozen-linear"), results, tmp_path / "store")
    monkeypatch.setattr(Independent, "learn", lambda self, task: pytest.fail("trained again"))
    said = []
    again = run(ask("independent", "frozen-linear"), results, tmp_path / "store", said.append)
    assert [cell.to_json() for cell in again] == [cell.to_json() for cell in first]
    assert [one.kept for one in said] == [True, True]
    assert len(leaderboard([*results.cells(), *again])[0].runs) == 1


def test_an_interrupted_bench_leaves_its_finished_cells_and_goes_on(ask, results, tmp_path):
    request = ask("frozen-linear", "independent", seeds=(1, 2))

    def stop(progress):
        if progress.key.method == "independent" and progress.learned == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(request, results, tmp_path / "store", stop)
    assert [(cell.method, cell.seed) for cell in results.cells()] == [("frozen-linear", 1)]
    made = run(request, results, tmp_path / "store")
    alone = run(request, Results(tmp_path / "other"), tmp_path / "other-store")
    for one, other in zip(made, alone, strict=True):
        for task, same in zip(one.tasks, other.tasks, strict=True):
            np.testing.assert_array_equal(task.right, same.right)


def test_choices_are_made_with_the_first_seed_and_used_for_all(ask, results, tmp_path):
    cells = run(ask("exact-ridge", seeds=(1, 2)), results, tmp_path / "store")
    grid = registry.method("exact-ridge").grid["ridge"]
    assert [one.settings["ridge"] for one in cells[0].tried] == list(grid)
    best = max(cells[0].tried, key=lambda one: one.dev)
    assert {cell.settings["ridge"] for cell in cells} == {best.settings["ridge"]}
    assert cells[1].chosen_with == {"order": "forward", "seed": 1}


def test_a_cell_from_a_trial_is_the_one_that_a_training_gives(ask, results, tmp_path):
    chosen = run(ask("sequential"), results, tmp_path / "store")[0]
    results.path("sequential", "forward", 42).unlink()
    again = run(ask("sequential"), results, tmp_path / "store")[0]
    assert again.settings == chosen.settings
    assert again.trajectory == chosen.trajectory
    for one, other in zip(chosen.tasks, again.tasks, strict=True):
        np.testing.assert_array_equal(one.right, other.right)


def test_the_trajectory_ends_with_the_answers_of_the_end(ask, results, tmp_path):
    cell = run(ask("independent", per_class=16), results, tmp_path / "store")[0]
    assert cell.trajectory[-1] == pytest.approx([task.accuracy for task in cell.tasks])
    assert cell.forgetting == 0.0


def test_an_order_turns_the_sequence_round(ask, results, tmp_path):
    cells = run(ask(orders="forward,reverse"), results, tmp_path / "store")
    assert [task.task for task in cells[0].tasks] == [task.task for task in cells[1].tasks][::-1]
    first = {task.task: task for task in cells[0].tasks}
    for task in cells[1].tasks:
        np.testing.assert_array_equal(task.right, first[task.task].right)


def test_a_result_of_another_recipe_stops_it_before_anything_is_trained(ask, results, tmp_path):
    run(ask(), results, tmp_path / "store")
    with pytest.raises(InputError, match="of other tasks, another base, recipe or version"):
        run(ask(overrides={"max_length": 16}), results, tmp_path / "store")


def test_a_folder_holds_results_of_one_kind_alone(ask, results, tmp_path):
    run(ask("exact-ridge", choose=False), results, tmp_path / "store")
    for other in (ask(per_class=5, choose=False), ask(choose=True), ask(tasks=("banking",), choose=False)):
        with pytest.raises(InputError, match="of other tasks, another base, recipe or version"):
            run(other, results, tmp_path / "store")
    run(ask(orders="reverse", seeds=(1,), choose=False), results, tmp_path / "store")


def test_frames_of_another_recipe_are_not_averaged_with_those_of_this_one(ask, results, tmp_path):
    run(ask("skillstack"), results, tmp_path / "store")
    with pytest.raises(InputError, match="of other tasks, another base, recipe or version"):
        run(ask("skillstack", seeds=(7,), overrides={"router_samples": 8}), results, tmp_path / "store")


def test_a_task_without_test_rows_is_an_error(ask, results, tmp_path):
    request = ask()
    empty = dataclasses.replace(request.tasks[0], read_test=lambda: ())
    request = dataclasses.replace(request, tasks=(empty, request.tasks[1]))
    with pytest.raises(InputError, match="has no test rows"):
        run(request, results, tmp_path / "store")


def test_a_logit_that_is_not_finite_names_the_task(ask, results, tmp_path, monkeypatch):
    plain = Independent.logits
    monkeypatch.setattr(Independent, "logits", lambda *given: plain(*given) * np.float32("nan"))
    with pytest.raises(MismatchError, match="imdb_sentences"):
        run(ask("independent"), results, tmp_path / "store")
    assert list(results.cells()) == []


def test_a_routed_answer_counts_when_its_label_is_right_whoever_gives_it(ask, results, tmp_path):
    (cell,) = run(ask("skillstack"), results, tmp_path / "store")
    for task in cell.tasks:
        assert task.regret.n == len(task.right)
        np.testing.assert_array_equal(task.routed[task.at_home], task.right[task.at_home])

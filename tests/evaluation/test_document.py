"""An evaluation as JSON: complete, finite, and in agreement with itself."""

import json
from dataclasses import replace

from skillstack.evaluation.intervals import rounded
from skillstack.evaluation.result import MODES

from .world import TASKS, evaluate, part


def numbers(value):
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item)


def test_it_is_json_with_a_schema_and_finite_numbers(evaluation):
    document = evaluation.to_json()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["schema"] == 1
    assert all(value == round(value, 6) for key in MODES for value in numbers(document[key]))


def test_it_has_what_the_design_promises(evaluation):
    document = evaluation.to_json()
    promised = {
        "tasks", "task_aware", "routed", "latest_adapter", "frozen_linear", "majority_class", "forgetting",
        "router", "regret", "calibration", "differences", "matrix", "effort", "skipped",
    }  # fmt: skip
    assert promised <= set(document)
    assert [task["task"] for task in document["tasks"]] == list(TASKS)
    assert list(document["forgetting"]["tasks"]) == list(TASKS)
    assert document["eval_samples_per_class"] == 4
    for task in document["tasks"]:
        assert set(MODES) <= set(task) and len(task["texts"]) == 64


def test_accuracies_over_all_are_means_over_the_tasks(evaluation):
    document = evaluation.to_json()
    for mode in MODES:
        mean = sum(task[mode]["accuracy"] for task in document["tasks"]) / len(TASKS)
        assert abs(document[mode]["accuracy"] - mean) < 2e-6
        low, high = document[mode]["interval"]
        assert low <= document[mode]["accuracy"] <= high


def test_the_newest_adapter_is_a_baseline_only_where_frames_start_from_their_parent(answered):
    first, second = (answered.frame(task).content for task in TASKS[:2])
    started = replace(second, name="started", init_from=first.id)
    for other, sequential in ((started, True), (replace(second, init_from=None), False)):
        stack = part(answered, first, other)
        document = evaluate(stack).to_json()
        assert document["latest_adapter"]["sequential_baseline"] is sequential
        assert document["forgetting"]["sequential_baseline"] is sequential
        stack.undo()
        stack.undo()


def test_the_confusion_has_a_row_for_each_task_and_a_column_for_each_skill(evaluation):
    confusion = evaluation.to_json()["router"]["confusion"]
    assert confusion["rows"] == list(TASKS) and set(confusion["columns"]) >= set(TASKS)
    assert sum(map(sum, confusion["counts"])) == evaluation.routing.task.n


def test_floats_are_rounded_wherever_they_stand():
    assert rounded({"a": [1 / 3, (2 / 3,)], "n": 3, "s": "x"}) == {
        "a": [0.333333, [0.666667]],
        "n": 3,
        "s": "x",
    }

"""A stack is evaluated in every mode, asks its base each thing once, and says what it could not measure."""

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

import skillstack.predictor
from skillstack.errors import InputError, MismatchError, MissingError, UsageError
from skillstack.evaluation import predictions
from skillstack.evaluation.questions import ask
from skillstack.library import Library
from skillstack.models.answering import Answering
from skillstack.skills.head_training import best_logistic
from skillstack.stack import Stack
from skillstack.store import tensors
from skillstack.store.derived import FOLDER
from skillstack.store.records import Node
from skillstack.store.transactions import move, undo

from .test_questions import task_folder
from .world import FEW, TASKS, add, base_of, counted, evaluate, no_base, part, probe, renamed


def files(stack):
    return {path.name: path.read_bytes() for path in (stack.store.root / FOLDER).rglob("*.safetensors")}


def figures(evaluation):
    """All that was found, without what it took."""
    return {name: value for name, value in evaluation.to_json().items() if name != "effort"}


def questions(stack, task):
    return ask(stack.frame(task).skills[0], per_class=FEW)


def model(stack):
    return str(base_of(stack.store.root))


def reopened(stack):
    """The same stack, with no base in memory."""
    return Stack.open(stack.store.root, stack.name)


def broken(stack, factor):
    """A frame on top whose adapter's numbers are so large that no answer is finite."""
    content = stack.frames()[0].content
    adapter = content.adapter
    arrays = {name: array * factor for name, array in stack.store.adapter_tensors(adapter).items()}
    folder = stack.store.root / "adapters" / adapter.folder
    config = (folder / "adapter_config.json").read_bytes()
    ref = stack.store.put_adapter("broken", config, tensors.dump(arrays, {"format": "pt"}), b"# broken\n")
    return replace(renamed(content, "broken"), adapter=ref)


# what the figures are ---------------------------------------------------------------------------------------


def test_every_task_is_evaluated_in_every_mode_oldest_first(evaluation):
    assert [task.task for task in evaluation.tasks] == list(TASKS)
    assert [task.n for task in evaluation.tasks] == [2 * FEW, 14 * FEW, 2 * FEW]
    assert set(evaluation.modes) == {
        "task_aware", "routed", "latest_adapter", "frozen_linear", "majority_class",
    }  # fmt: skip
    assert evaluation.modes["routed"].n == 18 * FEW
    assert not evaluation.skipped


def test_routed_accuracy_is_the_sum_of_its_split(evaluation):
    for task in evaluation.tasks:
        split = task.regret
        right = split.right_skill_right_answer + split.wrong_skill_right_answer
        assert task.answers["routed"].count.correct == right
        wrong = split.right_skill_wrong_answer + split.wrong_skill_wrong_answer
        assert right + wrong == task.n
        home = split.right_skill_right_answer + split.right_skill_wrong_answer
        assert home == task.routing.task.correct == task.routing.taken[task.task]
    regret = evaluation.regret
    right = regret.right_skill_right_answer + regret.wrong_skill_right_answer
    assert right == pytest.approx(evaluation.modes["routed"].accuracy)
    aware = evaluation.modes["task_aware"].accuracy
    assert regret.difference == pytest.approx(aware - evaluation.modes["routed"].accuracy)


def test_some_texts_go_astray_here_so_that_the_split_is_worth_a_test(evaluation):
    assert evaluation.regret.wrong_skill_right_answer > 0
    assert evaluation.regret.wrong_skill_wrong_answer > 0


def test_the_latest_adapter_equals_the_newest_tasks_own(evaluation):
    newest = evaluation.tasks[-1]
    own, latest = newest.answers["task_aware"].right, newest.answers["latest_adapter"].right
    assert np.array_equal(own, latest)
    assert evaluation.forgetting.per_task[-1] is None


def test_answers_are_those_that_predict_gives(answered, evaluation):
    for task in evaluation.tasks:
        asked = questions(answered, task.task)
        names = [task.labels[label] for label in asked.labels]
        own = answered.predict(asked.rows, frame=task.frame)
        routed = answered.predict(asked.rows)
        for mode, found in (("task_aware", own), ("routed", routed)):
            right = [one.label_name == name for one, name in zip(found, names, strict=True)]
            assert task.answers[mode].right.tolist() == right, (task.task, mode)


def test_the_routers_figures_are_those_of_route(answered, evaluation):
    for place, task in enumerate(evaluation.tasks):
        routes = answered.route(questions(answered, task.task).rows)
        assert task.routing.task.correct == sum(route.task == task.task for route in routes)
        assert task.routing.fallback == sum(route.fallback for route in routes)
        assert task.routing.depth == pytest.approx(np.mean([route.depth for route in routes]))
        assert sum(evaluation.routing.confusion[place]) == task.n
        column = evaluation.routing.skills.index(task.skill)
        assert evaluation.routing.confusion[place][column] == task.routing.task.correct


def test_the_frozen_baseline_is_the_best_logistic_head_on_the_same_rows(answered, evaluation):
    from skillstack.models.encoding import encode
    from skillstack.models.features import features_of
    from skillstack.models.split import SplitModel
    from skillstack.training.data import choose_rows, labels_of, rows_of
    from skillstack.training.recipe import Recipe

    task = evaluation.tasks[0]
    frame, asked = answered.frame(task.frame), questions(answered, task.task)
    predictor = answered.loaded()

    def seen(rows):
        with predictor.alone() as slot:
            return features_of(SplitModel(slot.base, 0), encode(slot.base, rows, frame.skills[0].rendering))

    rows = choose_rows(asked.data, Recipe.from_record(frame.content.recipe))
    head, _ = best_logistic(
        seen(rows_of(rows.train)), labels_of(rows.train), seen(rows_of(rows.dev)), labels_of(rows.dev), 2,
        standardise=False,
    )  # fmt: skip
    right = head.logits(seen(asked.rows)).argmax(axis=1) == np.array(asked.labels)
    assert task.answers["frozen_linear"].right.tolist() == right.tolist()


def test_the_matrix_holds_each_frames_own_accuracy_on_its_diagonal(evaluation):
    matrix = evaluation.matrix
    for place, task in enumerate(evaluation.tasks):
        assert matrix.own_head[place][place] == task.answers["task_aware"].count.accuracy
        assert matrix.frame_head[place][place] == task.answers["task_aware"].count.accuracy
        assert matrix.own_head[-1][place] == task.answers["latest_adapter"].count.accuracy
    # A frame as it is can stand in only where it has the task's labels.
    assert [[cell is None for cell in row] for row in matrix.frame_head] == [
        [False, True, False],
        [True, False, True],
        [False, True, False],
    ]


def test_the_mean_of_forgetting_leaves_out_the_newest_frames_tasks_alone(answered, evaluation):
    earlier = evaluation.forgetting.per_task[:-1]
    assert evaluation.forgetting.mean == pytest.approx(sum(earlier) / 2)
    part = evaluate(answered, only=TASKS[:2])
    assert part.forgetting.per_task == earlier
    assert part.forgetting.mean == pytest.approx(sum(earlier) / 2)


# what it asks -----------------------------------------------------------------------------------------------


def test_a_text_passes_once_for_each_adapter_and_once_through_the_base(stack):
    with counted(stack) as passes:
        found = evaluate(stack)
    texts = 18 * FEW
    astray = sum(task.n - task.routing.task.correct for task in found.tasks)
    # Of the newest task the newest adapter is its own; a text astray at the newest frame was asked of it too.
    wanted = 2 * texts - found.tasks[-1].n + texts
    assert wanted <= passes.rows <= wanted + astray
    assert passes.rows <= found.effort.asked <= 4 * texts


def test_a_second_evaluation_runs_no_forward_pass_and_loads_no_base(answered, evaluation, monkeypatch):
    with counted(answered) as passes:
        again = evaluate(answered, matrix=True)
    assert passes.rows == 0 and again.effort.asked == 0
    assert figures(again) == figures(evaluation)
    monkeypatch.setattr(skillstack.predictor, "load_predictor", no_base)
    assert figures(evaluate(reopened(answered), matrix=True)) == figures(evaluation)


def test_more_rows_ask_only_what_is_new(answered):
    before = evaluate(answered)
    with counted(answered) as passes:
        found = evaluate(answered, per_class=FEW + 1)
    assert 0 < passes.rows <= found.effort.asked <= 4 * (found.modes["routed"].n - before.modes["routed"].n)


def test_an_interrupted_evaluation_keeps_its_answers_and_nothing_counts_twice(stack, evaluation, monkeypatch):
    monkeypatch.setattr(predictions, "ROWS_AT_ONCE", 16)
    told = []

    def stop(done, of):
        told.append((done, of))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(stack, matrix=True, on_answers=stop)
    ((done, of),) = told
    assert 0 < done < of
    later = reopened(stack)
    found = evaluate(later, matrix=True, on_answers=lambda done, of: told.append((done, of)))
    assert found.effort.asked == of - done
    assert told[-1] == (of - done, of - done)
    assert figures(found) == figures(evaluation)


def test_a_model_that_fails_in_the_midst_loses_only_what_was_under_way(stack, evaluation, monkeypatch):
    monkeypatch.setattr(predictions, "ROWS_AT_ONCE", 16)
    real, calls = Answering.read, []

    def read(self, rows, readers):
        calls.append(len(rows))
        if len(calls) == 3:
            raise MemoryError
        return real(self, rows, readers)

    with monkeypatch.context() as failing:
        failing.setattr(Answering, "read", read)
        with pytest.raises(MemoryError):
            evaluate(stack, matrix=True)
    found = evaluate(reopened(stack), matrix=True)
    assert found.effort.asked > 0 and figures(found) == figures(evaluation)
    with counted(stack) as passes:
        evaluate(stack, matrix=True)
    assert passes.rows == 0


def test_a_damaged_file_of_answers_is_asked_again(answered, evaluation):
    path = next(iter(sorted((answered.store.root / FOLDER / predictions.KIND).iterdir())))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    found = evaluate(answered, matrix=True)
    assert found.effort.asked > 0 and figures(found) == figures(evaluation)
    assert path.read_bytes() == whole


def test_answers_of_another_frame_under_a_frames_name_are_not_believed(answered, evaluation):
    one, two, *_ = sorted((answered.store.root / FOLDER / predictions.KIND).iterdir())
    one.write_bytes(two.read_bytes())
    assert figures(evaluate(answered, matrix=True)) == figures(evaluation)


def test_answers_survive_undo_and_renaming(answered, monkeypatch):
    found = figures(evaluate(answered))
    add(answered, renamed(answered.frame(TASKS[0]).content, "tickets"))
    answered.undo()
    answered.redo()
    answered.undo()
    again = evaluate(answered)
    assert again.effort.asked == 0 and figures(again) == found
    Library(answered.store.root).rename("main", "other")
    monkeypatch.setattr(skillstack.predictor, "load_predictor", no_base)
    assert evaluate(Stack.open(answered.store.root, "other")).effort.asked == 0


def test_a_disk_that_takes_no_answers_costs_time_alone(stack, evaluation, monkeypatch):
    from skillstack.errors import StoreError
    from skillstack.store import files as atomic

    def refuse(*arguments):
        raise StoreError("The disk is full.")

    before = files(stack)
    monkeypatch.setattr(atomic, "write_file", refuse)
    assert figures(evaluate(stack, matrix=True)) == figures(evaluation)
    assert files(stack) == before


def test_another_precision_has_answers_and_a_rival_of_its_own(answered):
    before = files(answered)
    found = evaluate(answered, only=[TASKS[0]], precision="bf16")
    assert found.precision == "bf16" and found.effort.asked > 0
    new = sorted(
        path.parent.name
        for path in (answered.store.root / FOLDER).rglob("*.safetensors")
        if path.name not in before
    )
    assert "frozen-linear-1" in new
    assert {name: data for name, data in files(answered).items() if name in before} == before


def test_a_rival_that_cannot_be_fitted_costs_its_task_alone(stack, evaluation, tmp_path):
    add(stack, renamed(stack.frame(TASKS[1]).content, "tickets"))
    root = task_folder(tmp_path / "rows", "tickets", ("Company", "Album"), [5, 5], train=[6, 6])
    found = evaluate(stack, data_dir=root)
    *others, tickets = found.tasks
    assert [task.skill for task in found.tasks] == [*TASKS, "tickets"]
    assert "frozen_linear" not in tickets.answers and "majority_class" in tickets.answers
    assert "'tickets' that are here have other labels" in tickets.unmeasured["frozen_linear"]
    for task, before in zip(others, evaluation.tasks, strict=True):
        right = before.answers["frozen_linear"].right
        assert not task.unmeasured and np.array_equal(task.answers["frozen_linear"].right, right)
    assert found.modes["frozen_linear"].tasks == 3
    assert found.to_json()["tasks"][3]["unmeasured"] == dict(tickets.unmeasured)
    # Nothing is loaded for it a second time.
    assert evaluate(reopened(stack), data_dir=root).effort.asked == 0


def test_a_frame_whose_recipe_tells_no_rows_is_held_against_no_rival(answered):
    content = replace(answered.frame(TASKS[0]).content, recipe={"rank": 4}, plan="")
    (task,) = evaluate(part(answered, content)).tasks
    assert set(task.unmeasured) == {"frozen_linear"}
    assert "it is not told how many rows" in task.unmeasured["frozen_linear"]


def test_reasons_hold_no_path_of_the_machine(stack, tmp_path):
    root = tmp_path / "my private rows"
    for name in TASKS[:2]:
        (root / name).mkdir(parents=True)
    (root / TASKS[1] / "task.json").write_text("{")
    found = evaluate(stack, data_dir=root)
    assert list(found.skipped) == list(TASKS[:2])
    said = json.dumps(found.to_json())
    assert str(tmp_path) not in said and tmp_path.name not in said
    assert f"my private rows/{TASKS[0]} has no task.json." in found.skipped[TASKS[0]]
    # Whoever is at the machine is told where to look.
    with pytest.raises(InputError, match=str(root)):
        evaluate(stack, data_dir=root, only=[TASKS[0]])


# the base, where nothing has to be asked of it --------------------------------------------------------------


@pytest.fixture
def known(answered, monkeypatch):
    """The stack of which all is known, on a machine where the base must not be loaded."""
    monkeypatch.setattr(skillstack.predictor, "load_predictor", no_base)
    return reopened(answered)


def test_a_name_that_is_the_base_is_taken_without_loading_it(known):
    assert evaluate(known, device="cpu").effort.asked == 0
    assert evaluate(known, model=known.frames()[0].content.base.name).effort.asked == 0


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"model": "minilm"}, MismatchError, "another base"),
        ({"model": "no/such/model"}, MissingError, "no folder 'no/such/model'"),
        ({"model": "minilmm"}, UsageError, "no model 'minilmm'"),
        ({"device": "gpu"}, UsageError, "no device 'gpu'"),
    ],
)
def test_a_base_or_device_that_cannot_be_meant_is_refused_even_where_all_is_known(
    known, options, error, words
):
    with pytest.raises(error, match=words):
        evaluate(known, **options)
    with pytest.raises(error, match=words):
        probe(known, "order", **options)


def test_another_model_in_a_folder_is_refused_even_where_all_is_known(known, tmp_path):
    from transformers import BertModel

    folder = tmp_path / "other"
    shutil.copytree(model(known), folder)
    weights = BertModel.from_pretrained(folder)
    weights.embeddings.word_embeddings.weight.data[5, 5] += 1
    weights.save_pretrained(folder)
    with pytest.raises(MismatchError, match=r"another base \(the weights differ\)"):
        evaluate(known, model=str(folder))


def test_another_precision_is_not_known(answered):
    with pytest.raises(UsageError, match="no precision 'fp99'"):
        evaluate(reopened(answered), precision="fp99")


# what cannot be meant, and what is not there ----------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_answer_that_is_not_finite_is_an_error_that_names_the_frame(stack):
    add(stack, broken(stack, np.float32(1e30)))
    with pytest.raises(MismatchError, match=r"'broken under the head of (imdb_sentences|wiki_topics)'"):
        evaluate(stack)


def test_a_stack_of_one_frame_is_evaluated(stack):
    found = evaluate(part(stack, stack.frame(TASKS[0]).content), matrix=True)
    (task,) = found.tasks
    assert found.regret.difference == 0
    assert found.forgetting.mean is None and found.forgetting.per_task == (None,)
    assert found.sequential is None
    assert found.routing.task.accuracy == 1
    assert found.matrix.own_head == ((task.answers["task_aware"].count.accuracy,),)
    document = json.loads(json.dumps(found.to_json(), allow_nan=False))
    nothing = {"tasks": {TASKS[0]: None}, "mean": None, "sequential_baseline": None}
    assert document["forgetting"] == nothing
    assert document["latest_adapter"]["sequential_baseline"] is None


def test_a_stack_without_frames_has_nothing_to_evaluate(stack):
    undo(stack.store, "main")
    with pytest.raises(UsageError, match="no frames"):
        evaluate(stack)


def test_two_skills_of_one_name_cannot_be_told_apart(stack):
    again = stack.store.put_content(replace(stack.frame(TASKS[0]).content, name="again"))
    tip = stack.store.tip("main")
    node = stack.store.put_node(Node(again, tip))  # `push` would not take it
    move(stack.store, "main", "replace", node, expected=tip, transaction="again", note="by hand")
    with pytest.raises(UsageError, match="two skills called 'imdb_sentences'"):
        evaluate(stack)


def test_a_task_without_test_rows_is_skipped_and_named(stack, evaluation):
    add(stack, renamed(stack.frame(TASKS[0]).content, "tickets"))
    found = evaluate(stack)
    assert list(found.skipped) == ["tickets"] and "'tickets'" in found.skipped["tickets"]
    assert [task.task for task in found.tasks] == list(TASKS)
    # The rows of others may still go to it: it is a part of the stack.
    assert "tickets" in found.routing.skills
    # It is the newest frame, so something came after all the others.
    assert found.forgetting.mean == pytest.approx(sum(found.forgetting.per_task) / 3)


def test_a_task_that_was_named_must_have_test_rows(stack):
    add(stack, renamed(stack.frame(TASKS[0]).content, "tickets"))
    with pytest.raises(InputError, match="No rows of 'tickets' are known") as caught:
        evaluate(stack, only=["tickets"])
    assert "--test tickets=FILE" in caught.value.hint


def test_a_stack_of_whose_tasks_none_has_test_rows_is_an_error(stack):
    content = stack.frame(TASKS[0]).content
    with pytest.raises(InputError, match=r"No task of the stack has test rows here\..*'tickets'"):
        evaluate(part(stack, renamed(content, "tickets")))


def test_a_label_that_the_skill_does_not_know_is_named(stack):
    content = stack.frame(TASKS[0]).content
    add(stack, renamed(content, "hotels", labels=("no", "yes")))
    skill = replace(stack.frames()[0].content.skills[0], task=TASKS[1])
    other = replace(content, name="other", skills=(replace(skill, name="other"),))
    add(stack, other)
    found = evaluate(stack)
    assert "the label 'Company', which the skill 'other' does not know" in found.skipped["other"]
    with pytest.raises(InputError, match="does not know"):
        evaluate(stack, only=["other"])


@pytest.mark.parametrize("options", [{"only": ["imdb_sentence"]}, {"tables": {"imdb_sentence": "x.csv"}}])
def test_an_unknown_task_is_refused_with_a_hint(answered, options):
    with pytest.raises(UsageError, match=r"no 'imdb_sentence'\. Did you mean 'imdb_sentences'"):
        evaluate(answered, **options)


def table(folder, rows):
    path = folder / "mine.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    return path


def test_rows_of_a_persons_own_table_are_asked_instead(answered, tmp_path):
    asked = questions(answered, TASKS[0])
    names = answered.frame(TASKS[0]).skills[0].labels
    rows = [(row.text, names[label]) for row, label in zip(asked.rows, asked.labels, strict=True)][:5]
    found = evaluate(answered, tables={TASKS[0]: table(tmp_path, rows)}, per_class=None)
    assert found.tasks[0].n == 5 and found.effort.asked > 0
    # Its training rows are not at hand there, so nothing that needs them is said of it.
    assert "frozen_linear" not in found.tasks[0].answers
    assert set(found.tasks[0].unmeasured) == {"frozen_linear", "majority_class"}
    # Of all, it is said over which tasks; differences are of the texts that both sides answered.
    others = found.tasks[1:]
    score = found.modes["frozen_linear"]
    assert score.tasks == 2 and score.n == sum(task.n for task in others)
    assert score.accuracy == pytest.approx(
        np.mean([task.answers["frozen_linear"].count.accuracy for task in others])
    )
    document = found.to_json()
    assert (document["frozen_linear"]["tasks"], document["routed"]["tasks"]) == (2, 3)
    by_pair = {(one["first"], one["second"]): one for one in document["differences"]}
    one = by_pair["routed", "frozen_linear"]
    assert (one["tasks"], one["n"]) == (2, score.n)
    routed = np.mean([task.answers["routed"].count.accuracy for task in others])
    assert one["difference"] == pytest.approx(routed - score.accuracy, abs=1e-6)
    assert by_pair["task_aware", "routed"]["tasks"] == 3


def test_a_way_that_no_task_has_is_not_there(answered, tmp_path):
    path = table(tmp_path, [("What a film!", "positive"), ("It was dull.", "negative")])
    found = evaluate(answered, tables={TASKS[0]: path}, only=[TASKS[0]])
    assert "frozen_linear" not in found.modes and found.to_json()["frozen_linear"] is None
    assert not [pair for pair in found.differences if "frozen_linear" in pair]


def test_a_table_of_one_label_is_asked(answered, tmp_path):
    path = table(tmp_path, [(f"What a film of {n} hours!", "positive") for n in range(4)])
    (task,) = evaluate(answered, tables={TASKS[0]: path}, only=[TASKS[0]]).tasks
    assert task.n == 4 and task.fewer == {"negative": 0}


def test_a_table_with_a_label_that_the_skill_does_not_know_is_refused(answered, tmp_path):
    path = table(tmp_path, [("What a film!", "positive"), ("It was dull.", "dull")])
    with pytest.raises(InputError, match="'dull' is none that the skill knows"):
        evaluate(answered, tables={TASKS[0]: path})


def test_fewer_rows_than_asked_for_are_counted_and_named(answered, tmp_path):
    path = table(
        tmp_path, [(f"A film of {n} hours.", "positive") for n in range(3)] + [("Dull.", "negative")]
    )
    (task,) = evaluate(answered, tables={TASKS[0]: path}, only=[TASKS[0]]).tasks
    assert task.n == 4 and task.fewer == {"positive": 3, "negative": 1}


@pytest.mark.parametrize("per_class", [0, -1])
def test_no_rows_a_class_are_refused(answered, per_class):
    with pytest.raises(UsageError, match="Invalid number of rows per class"):
        evaluate(answered, per_class=per_class)

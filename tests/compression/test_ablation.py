"""A stack without each of its frames, and one frame pruned under the guard."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from skillstack.compression.rows import skill_rows
from skillstack.data.sources import load_task
from skillstack.errors import BusyError, InputError, StoreError, UsageError
from skillstack.evaluation.statistics import paired
from skillstack.library import Library
from skillstack.routers.calibration import CLEARLY
from skillstack.routers.stack_router import StackRouter
from skillstack.stack import Stack
from skillstack.store.transactions import push

from ..tiny import copied
from .world import TASKS, WIDE, files, right, skills

FILMS, TOPICS, PLACES, HOME = TASKS


def ablate(stack, *frames, **options):
    """Ablate it on its own base."""
    return stack.ablate(frames, **options)


def prune(stack, frame, **options):
    """Prune a frame, with a guard that lets it go."""
    return ablate(stack, frame, apply=True, **{**WIDE, **options})


def removal(found, frame):
    return next(one for one in found.removals if one.frame == frame)


def part(stack, *contents, name="part"):
    """Another stack of the same store that has these frames alone."""
    for content in contents:
        tip = stack.store.tip(name)
        push(stack.store, name, content, transaction=content.name, note="add", expected=tip)
    return Stack(stack.store, name, model=stack.model)


def renamed(content, name, **changes):
    """A frame of one skill under another name; it answers as before."""
    skill = replace(content.skills[0], name=name, task=name, **changes)
    return replace(content, name=name, skills=(skill,), plan="", canaries=None)


def rows_of(stack, name, which="dev"):
    frame, skill = skills(stack)[name]
    return getattr(skill_rows(frame, skill), which)


def table(path, task, count, *, pair=False):
    """A person's own rows: some of a starter task's."""
    data = load_task(task)
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["text", "label", *(["text_pair"] if pair else [])])
        for one in data.train[:count]:
            second = ["An other text."] if pair else []
            lines.writerow([one.row.text, data.task.labels[one.label], *second])
    return path


@pytest.fixture(scope="module")
def whole(trained, tmp_path_factory):
    """A stack that is left as it is."""
    return copied(trained, tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def found(whole):
    """What it loses with each of its frames."""
    return ablate(whole)


@pytest.fixture(scope="module")
def pruned(trained, tmp_path_factory):
    """A stack whose oldest frame was pruned, and what was said."""
    stack = copied(trained, tmp_path_factory.mktemp("pruned"))
    return stack, prune(stack, FILMS)


# what is lost -----------------------------------------------------------------------------------------------


def test_every_frame_is_removed_in_turn_and_what_costs_least_comes_first(found, whole):
    assert sorted(one.frame for one in found.removals) == sorted(TASKS)
    losses = [one.loss.difference for one in found.removals]
    assert losses == sorted(losses)
    assert found.frames == found.tasks == len(TASKS)
    assert found.tip == whole.store.tip(whole.name)


def test_before_is_what_the_stack_predicts(found, whole):
    for name in TASKS:
        predicted = right(whole, name, "dev", routed=True)
        for one in found.removals:
            task = next(task for task in one.tasks if task.skill == name)
            assert (task.before.correct, task.before.n) == (sum(predicted), len(predicted))
    shares = [np.mean(right(whole, name, "dev", routed=True)) for name in TASKS]
    assert found.routed == pytest.approx(np.mean(shares))
    assert found.texts == sum(len(rows_of(whole, name)) for name in TASKS)


def choices_without(stack, rows, gone):
    """The chain rule by hand on the scores of today: the newest that is sure enough, else the best."""
    chain = [(frame.content_id, frame.content) for frame in reversed(stack.frames())]
    threshold = StackRouter(stack.store, stack.name).fitted(chain).threshold
    chosen = []
    for routed in stack.route(list(rows)):
        scores = {ranked.task: ranked.score for ranked in routed.ranking if ranked.task != gone}
        lowest = max(threshold, max(scores.values()) - CLEARLY)
        sure = [name for name in reversed(TASKS) if name in scores and scores[name] > lowest]
        chosen.append(sure[0] if sure else max(scores, key=scores.__getitem__))
    return chosen


@pytest.mark.parametrize("gone", [FILMS, HOME])
def test_after_is_what_those_that_are_left_answer(found, whole, gone):
    one, taken, pairs = removal(found, gone), {}, []
    for name in TASKS:
        rows, skill = rows_of(whole, name), skills(whole)[name][1]
        before = right(whole, name, "dev", routed=True)
        chosen = choices_without(whole, rows.rows, gone)
        answers = {}
        for choice in set(chosen):
            places = [place for place, one_chosen in enumerate(chosen) if one_chosen == choice]
            asked = [rows.rows[place] for place in places]
            said = whole.predict(asked, frame=choice)
            answers |= zip(places, (one_said.label_name for one_said in said), strict=True)
        after = [answers[place] == skill.labels[label] for place, label in enumerate(rows.labels)]
        task = next(task for task in one.tasks if task.skill == name)
        assert (task.after.correct, task.after.n) == (sum(after), len(after))
        by_hand = paired([(np.array(before), np.array(after))])
        assert task.loss == by_hand
        pairs.append((np.array(before), np.array(after)))
        for was, now in zip(whole.route(list(rows.rows)), chosen, strict=True):
            if was.task == gone:
                taken[now] = taken.get(now, 0) + 1
    assert one.loss == paired(pairs)
    assert one.taken == taken
    assert list(one.taken.values()) == sorted(taken.values(), reverse=True)
    assert one.texts == sum(taken.values()) and gone not in one.taken


def test_redundancy_is_the_share_of_the_lead_that_stays(found, whole):
    for one in found.removals:
        task = next(task for task in one.tasks if task.skill == one.frame)
        assert (one.before, one.after) == (task.before.accuracy, task.after.accuracy)
        labels = rows_of(whole, one.frame).labels
        most = np.bincount(labels).max() / len(labels)
        if one.before <= most:
            assert one.redundancy is None
        else:
            share = (one.after - most) / (one.before - most)
            assert one.redundancy == pytest.approx(min(max(share, 0), 1))


def test_a_copy_of_a_frame_costs_nothing(whole, tmp_path):
    stack = copied(whole.store.root, tmp_path)
    content = stack.frame(FILMS).content
    twice = part(stack, content, renamed(content, "again"))
    rows = table(tmp_path / "again.csv", FILMS, 60)
    found = ablate(twice, FILMS, "again", tables={FILMS: rows, "again": rows})
    for one in found.removals:
        assert one.loss.difference == 0 and one.loss.interval.low == one.loss.interval.high == 0
        assert one.redundancy in (None, 1.0)


def test_one_frame_or_one_family_can_be_asked(whole, found):
    some = ablate(whole, HOME, TOPICS)
    assert {one.frame for one in some.removals} == {HOME, TOPICS}
    assert all(one == removal(found, one.frame) for one in some.removals)
    films = ablate(whole, family="sentiment")
    assert {one.frame for one in films.removals} == {FILMS, PLACES}


def test_a_frame_goes_with_all_of_its_skills(whole, tmp_path):
    stack = copied(whole.store.root, tmp_path)
    films, topics = (stack.frame(name).content for name in (FILMS, TOPICS))
    both = replace(films, name="both", skills=(films.skills[0], topics.skills[0]), canaries=None, plan="")
    two = part(stack, both, stack.frame(PLACES).content)
    (one,) = ablate(two, TOPICS).removals
    assert (one.frame, one.skills) == ("both", (FILMS, TOPICS))
    assert set(one.taken) == {PLACES}
    own = [task for task in one.tasks if task.frame == "both"]
    assert one.before == pytest.approx(np.mean([task.before.accuracy for task in own]))
    assert one.after == pytest.approx(np.mean([task.after.accuracy for task in own]))


def test_texts_that_nobody_else_can_read_stay_without_an_answer(whole, tmp_path):
    stack = copied(whole.store.root, tmp_path)
    content = renamed(stack.frame(TOPICS).content, "pairs", pair=True)
    two = part(stack, stack.frame(FILMS).content, content)
    rows = table(tmp_path / "pairs.csv", TOPICS, 80, pair=True)
    (one,) = ablate(two, "pairs", tables={"pairs": rows}).removals
    asked = next(task for task in one.tasks if task.skill == "pairs")
    assert one.taken[None] == asked.after.n and asked.after.correct == 0


def test_a_frame_that_never_learned_is_removed_all_the_same(whole, tmp_path):
    stack = copied(whole.store.root, tmp_path)
    bare = replace(renamed(stack.frame(FILMS).content, "bare"), adapter=None, canaries=None)
    two = part(stack, bare, stack.frame(HOME).content)
    rows = table(tmp_path / "bare.csv", FILMS, 60)
    assert {one.frame: one.bytes for one in ablate(two, tables={"bare": rows}).removals}["bare"] == 0


def test_asking_changes_nothing(trained, tmp_path):
    stack = copied(trained, tmp_path)
    before = files(tmp_path)
    ablate(stack, HOME)
    assert files(tmp_path) == before


def test_its_document_is_finite_json(found):
    document = found.to_json()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert (document["schema"], document["pruning"]) == (1, None)
    first = document["removals"][0]
    assert first["texts"] == sum(one["texts"] for one in first["taken"])


# pruning ----------------------------------------------------------------------------------------------------


def test_what_the_guard_counted_is_what_the_pruned_stack_predicts(whole, pruned):
    stack, found = pruned
    assert found.pruning.applied and found.pruning.verdict == "passes"
    assert [one.skill for one in found.pruning.skills] == list(TASKS)
    for one in found.pruning.skills:
        assert one.before.correct == sum(right(whole, one.skill, "guard", routed=True))
        frame, skill = skills(whole)[one.skill]
        rows = skill_rows(frame, skill).guard
        answers = stack.predict(list(rows.rows))
        wanted = [skill.labels[label] for label in rows.labels]
        right_now = [answer.label_name == name for answer, name in zip(answers, wanted, strict=True)]
        assert (one.after.correct, one.after.n) == (sum(right_now), len(rows))
        assert one.test.passes and one.test.margin == WIDE["margin"]


def test_a_frame_goes_that_others_began_from(whole, pruned):
    stack, found = pruned
    gone = whole.frame(FILMS).content_id
    assert any(frame.content.init_from == gone for frame in stack)
    assert [frame.name for frame in stack] == [HOME, PLACES, TOPICS]
    assert found.pruning.tip == stack.store.tip("main")
    for frame in stack:
        assert frame.content_id == whole.frame(frame.name).content_id
    checked, canaries = stack.verify(deep=True)
    assert checked.ok and len(canaries) == 3 and all(one.ok for one in canaries)


def test_the_router_of_the_pruned_stack_is_there_before_it_is_asked(pruned):
    assert sorted(path.name for path in pruned[0].router_folder().iterdir())


def test_undo_brings_the_frame_back_and_redo_takes_it_off(trained, tmp_path):
    stack = copied(trained, tmp_path)
    ids = [frame.id for frame in stack]
    prune(stack, FILMS)
    after = [frame.id for frame in stack]
    assert stack.history().done[-1].note == f"ablate --frame {FILMS}"
    assert stack.history().done[-1].steps == 1
    stack.undo()
    assert [frame.id for frame in stack] == ids
    stack.redo()
    assert [frame.id for frame in stack] == after
    Library(stack.store.root).gc(dry_run=False)
    stack.undo()
    assert stack.verify(deep=True)[0].ok


def test_where_a_task_may_lose_the_margin_nothing_happens(trained, tmp_path):
    stack = copied(trained, tmp_path)
    before = files(tmp_path)
    pruning = prune(stack, TOPICS, margin=0.01, level=0.05).pruning
    assert not pruning.applied and pruning.verdict == "loses too much" and TOPICS in pruning.why
    assert files(tmp_path) == before


def test_too_few_guard_rows_cannot_tell(trained, tmp_path):
    stack = copied(trained, tmp_path)
    content = stack.frame(FILMS).content
    twice = part(stack, content, renamed(content, "again"))
    rows = table(tmp_path / "few.csv", FILMS, 40)
    found = prune(twice, "again", tables={FILMS: rows, "again": rows}, margin=0.01, level=0.05).pruning
    assert not found.applied and found.verdict == "cannot tell"
    assert "of about 299 rows" in found.why


def test_a_stack_that_was_changed_meanwhile_stays_as_it_was_changed(trained, tmp_path):
    stack = copied(trained, tmp_path)

    def meddle(done, of):
        if done == of:
            Stack.open(stack.store.root, "main").undo()

    tip = stack.store.tip("main")
    with pytest.raises(BusyError):
        prune(stack, FILMS, on_task=meddle)
    assert stack.store.tip("main") != tip and stack.history().undone


# bad input --------------------------------------------------------------------------------------------------


def test_an_unknown_frame_or_family_gets_a_suggestion(whole):
    with pytest.raises(UsageError) as error:
        ablate(whole, "wiki_topic")
    assert error.value.hint == "Did you mean 'wiki_topics'?"
    with pytest.raises(UsageError) as error:
        ablate(whole, family="sentimant")
    assert error.value.hint == "Did you mean 'sentiment'?"


def test_frames_and_a_family_are_not_named_together(whole):
    with pytest.raises(UsageError, match="Frames and a family"):
        ablate(whole, HOME, family="sentiment")


def test_one_frame_is_pruned_at_a_time(whole):
    for frames in ((), (HOME, FILMS)):
        with pytest.raises(UsageError, match="One frame is pruned at a time"):
            ablate(whole, *frames, apply=True)
    with pytest.raises(UsageError, match="One frame is pruned at a time"):
        ablate(whole, family="topic", apply=True)


def test_nothing_would_be_left_of_a_stack_of_one_frame(whole, tmp_path):
    stack = copied(whole.store.root, tmp_path)
    one = part(stack, stack.frame(FILMS).content)
    with pytest.raises(UsageError, match="has one frame, so nothing would be left"):
        ablate(one)


def test_the_reference_stack_is_not_pruned_and_no_base_is_loaded_for_that():
    with pytest.raises(StoreError):
        Stack.open(None, "reference", model="/nowhere").ablate(["banking"], apply=True)


@pytest.mark.parametrize("limits", [{"margin": 0.0}, {"margin": 0.6}, {"level": 0.0}, {"level": 1.0}])
def test_limits_that_mean_nothing_are_refused(whole, limits):
    with pytest.raises(UsageError, match="must be between"):
        ablate(whole, HOME, **limits)


def test_a_task_without_rows_is_left_out_unless_it_is_named_or_something_is_pruned(whole, tmp_path):
    stack = copied(whole.store.root, tmp_path)
    own = renamed(stack.frame(FILMS).content, "tickets")
    two = part(stack, own, stack.frame(HOME).content)
    found = ablate(two)
    assert list(found.skipped) == ["tickets"] and found.tasks == 1
    gone = removal(found, "tickets")
    assert (gone.before, gone.after, gone.redundancy) == (None, None, None)
    assert len(gone.tasks) == 1
    for named, apply in (("tickets", False), (HOME, True)):
        with pytest.raises(InputError) as error:
            ablate(two, named, apply=apply)
        assert "--rows tickets=FILE" in error.value.hint
    alone = part(stack, own, renamed(own, "more"), name="alone")
    with pytest.raises(InputError, match="No task of the stack has rows here"):
        ablate(alone)


def test_rows_of_a_skill_that_is_not_there_get_a_suggestion(whole, tmp_path):
    rows = table(tmp_path / "rows.csv", FILMS, 30)
    with pytest.raises(UsageError) as error:
        ablate(whole, HOME, tables={"hom": rows})
    assert error.value.hint == "Did you mean 'home'?"

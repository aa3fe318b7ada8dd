"""A plan that is carried out is one transaction, and answers, bytes and ids are as they were said to be."""

import pytest

from skillstack.cli.show import init_name
from skillstack.compression.rows import skill_rows
from skillstack.errors import BusyError, StoreError, UsageError
from skillstack.library import Library
from skillstack.reports.material import frame_facts
from skillstack.stack import Stack
from skillstack.store.rows import Row

from .. import adding
from ..tiny import copied, last_candidate_wins
from .world import RECIPE, TASKS, adapter_of, compress, files, merge, model_of, right, skills, with_texts


def ids(stack):
    return [(frame.id, frame.content_id) for frame in stack.frames()]


@pytest.fixture
def both(merged, tmp_path):
    """The stack before, and a copy of the one after, which may be written to."""
    return merged.before, copied(merged.after.store.root, tmp_path)


def test_one_frame_stands_where_the_newest_was_with_the_skills_of_all(merged):
    names = [frame.name for frame in reversed(merged.after.frames())]
    assert names == ["wiki_topics", "sentiment", "home"]
    one = merged.after.frame("sentiment")
    assert [skill.name for skill in one.skills] == ["imdb_sentences", "yelp_sentences"]
    assert merged.found.tip == merged.after.frames()[0].id
    members = [merged.before.frame(name).content_id for name in ("imdb_sentences", "yelp_sentences")]
    assert one.content.recipe["members"] == members


def texts(stack):
    """Texts of every task, and who the router gives them to."""
    rows = [row for name, one in skills(stack).items() for row in skill_rows(*one).guard.rows[:60]]
    return rows, stack.route(rows)


def test_no_text_is_routed_elsewhere_and_the_router_is_not_fitted_anew(merged):
    rows, before = texts(merged.before)
    after = merged.after.route(rows)
    assert {one.task for one in before} == set(TASKS)
    for was, now in zip(before, after, strict=True):
        assert (was.skill, was.score, was.confidence) == (now.skill, now.score, now.confidence)
        assert (was.accepted, was.fallback, was.depth) == (now.accepted, now.fallback, now.depth)
        assert was.ranking == now.ranking
    assert merged.after.router_folder().name == merged.before.router_folder().name


def test_routes_stay_when_a_family_is_merged_again_and_when_another_family_is(both, tmp_path, monkeypatch):
    last_candidate_wins(monkeypatch)
    _, after = both
    rows, before = texts(after)
    limits = {"margin": 0.49, "level": 0.49, "apply": True}
    path = films(tmp_path)
    learn(after, "films", tmp_path, family="topic")
    grown = after.route(rows)
    found = compress(
        after, "topic", method="merge", candidate="linear, rank 2", tables={"films": path}, **limits
    )
    assert found.applied, found.guarded
    assert {frame.name for frame in after.frames()} == {"sentiment", "home", "topic"}
    assert [one.skill for one in after.route(rows)] == [one.skill for one in grown]
    assert compress(after, method="rank", candidate="rank 1", **limits).applied  # the merged frame is cut
    assert [one.skill for one in after.route(rows)] == [one.skill for one in grown]
    for _ in range(3):
        after.undo()
    assert [one.skill for one in after.route(rows)] == [one.skill for one in before]


def test_without_another_frame_the_skills_of_a_merged_one_keep_their_order(both):
    _, after = both
    found = after.ablate(["wiki_topics"], apply=True, margin=0.49, level=0.49)
    assert found.pruning.applied, found.pruning
    assert after.frame("sentiment").content.recipe["places"] == {"imdb_sentences": 0, "yelp_sentences": 1}
    assert after.verify(deep=True)[0].ok
    after.undo()
    assert after.frame("sentiment").content.recipe["places"] == {"imdb_sentences": 0, "yelp_sentences": 2}


def test_a_merged_stack_is_carried_with_its_walk(both, tmp_path):
    _, after = both
    rows, before = texts(after)
    after.export(tmp_path / "stack.skillstack")
    Library(tmp_path / "there" / "frames").import_stack(tmp_path / "stack.skillstack")
    there = Stack.open(tmp_path / "there" / "frames", "main", model=model_of(after))
    assert [frame.id for frame in there.frames()] == [frame.id for frame in after.frames()]
    assert [one.skill for one in there.route(rows)] == [one.skill for one in before]
    Library(after.store.root).gc(dry_run=False, expire_now=True)
    assert [one.skill for one in after.route(rows)] == [one.skill for one in before]


def test_contents_of_other_frames_are_untouched(merged):
    for name in ("wiki_topics", "home"):
        assert merged.after.frame(name).content_id == merged.before.frame(name).content_id


def test_what_a_skill_is_stays_and_its_dev_accuracy_is_that_of_the_plan(merged):
    plan = merged.found.plan.candidate("linear, rank 2")
    for change in plan.dev.skills:
        old = merged.before.frame(change.skill)
        new = next(s for s in merged.after.frame("sentiment").skills if s.name == change.skill)
        was = old.skills[0]
        assert (new.labels, new.samples, new.rendering, new.source) == (
            *(was.labels, was.samples),
            *(was.rendering, was.source),
        )
        assert new.metrics["dev"] == change.after


def test_the_bytes_are_those_on_the_disk(merged):
    plan = merged.found.plan
    for stack, said in (
        (merged.before, plan.bytes),
        (merged.after, plan.bytes_with(plan.candidate("linear, rank 2"))),
    ):
        folders = [frame.content.adapter.folder for frame in stack.frames()]
        there = [stack.store.root / "adapters" / one / "adapter_model.safetensors" for one in folders]
        assert sum(path.stat().st_size for path in there) == said


def test_frames_that_were_cut_stay_where_they_are_and_have_the_bytes_that_were_said(stack):
    before = stack.frames()
    found = compress(stack, method="rank", candidate="rank 1", apply=True, margin=0.49, level=0.49)
    assert found.applied
    after = stack.frames()
    assert [frame.name for frame in after] == [frame.name for frame in before]
    assert sum(frame.content.adapter.bytes for frame in after) == found.plan.bytes_with(
        found.plan.candidate("rank 1")
    )
    assert adapter_of(stack, "imdb_sentences").spec.r == 1
    for change in found.guarded.guard.skills:
        assert change.after.correct == sum(right(stack, change.skill, "guard", routed=False))


def test_every_skill_answers_its_canaries_and_every_file_is_whole(both):
    _, after = both
    checked, canaries = after.verify(deep=True)
    assert checked.ok and {one.skill for one in canaries} == {
        "imdb_sentences",
        "yelp_sentences",
        "wiki_topics",
        "home",
    }
    assert all(one.distance <= one.limit for one in canaries)


def test_it_is_one_change_that_undo_takes_back_and_redo_brings_again(both):
    before, after = both
    new = ids(after)
    assert after.history().done[-1].note == "compress --family sentiment: linear, rank 2"
    after.undo()
    assert ids(after) == ids(before)
    after.redo()
    assert ids(after) == new
    assert len(after.history().done) == len(before.history().done) + 1


def test_done_twice_from_the_same_stack_it_gives_the_same_ids(merged, tmp_path):
    after = copied(merged.after.store.root, tmp_path)
    after.undo()
    merge(after)
    assert ids(after) == ids(merged.after)
    after.undo()
    assert ids(after) == ids(merged.before)


def test_after_an_undo_gc_frees_what_was_made_and_redo_says_what_is_gone(both):
    before, after = both
    made = set(files(after.store.root)) - set(files(before.store.root))
    after.undo()
    Library(after.store.root).gc(dry_run=False, expire_now=True)
    left = set(files(after.store.root))
    assert not {name for name in made & left if name.startswith(("adapters", "heads", "contents", "nodes"))}
    assert ids(after) == ids(before)
    assert after.verify()[0].ok
    with pytest.raises(StoreError) as caught:
        after.redo()
    assert "is missing" in caught.value.message


def test_gc_frees_the_members_and_what_is_left_is_whole(both):
    before, after = both
    new = ids(after)
    Library(after.store.root).gc(dry_run=False, expire_now=True)
    folder = before.frame("imdb_sentences").content.adapter.folder
    assert not (after.store.root / "adapters" / folder).exists()
    assert after.verify()[0].ok and ids(after) == new
    with pytest.raises(StoreError, match=r"Cannot undo 'compress --family sentiment.* is missing"):
        after.undo()


def test_a_reader_whose_frame_was_collected_meanwhile_says_so_and_the_next_one_reads_on(both):
    before, after = both
    reader = Stack.open(after.store.root, after.name, model=model_of(before))
    loaded, frame = reader.loaded(), reader.frame("sentiment")
    after.undo()
    Library(after.store.root).gc(dry_run=False, expire_now=True)
    with pytest.raises(StoreError, match="is missing"):
        loaded.answer([Row("A fine film.")], [frame], [frame.skills[0]])
    assert reader.predict("A fine film.", frame="imdb_sentences").label is not None


def test_what_is_merged_is_held_against_the_same_rivals_as_before(both):
    _, after = both
    found = [stack.evaluate(per_class=8, only=["imdb_sentences"]) for stack in both]
    old, new = ([task.answers["frozen_linear"].right for task in one.tasks] for one in found)
    assert len(new) == 1 and new[0].tolist() == old[0].tolist()
    facts = {fact.name: fact for fact in frame_facts(after.store, tuple(reversed(after.frames())))}
    assert facts["sentiment"].compressed and not facts["home"].compressed
    assert facts["sentiment"].seed == facts["home"].seed == 42


def test_a_merged_frame_is_asked_by_the_name_of_one_of_its_skills(both):
    _, after = both
    with pytest.raises(UsageError, match="The frame 'sentiment' has 2 skills") as caught:
        after.predict("a film", frame="sentiment")
    assert "imdb_sentences and yelp_sentences" in caught.value.hint
    frames = after.frames()
    assert init_name(after.store, after.frame("sentiment"), frames) == "2 frames that were merged"


def test_it_is_said_for_how_many_others_the_guard_rows_were_read(stack):
    def guarded(name):
        options = {"method": "rank", "candidate": name, "apply": True, "margin": 0.001, "level": 1e-9}
        found = compress(stack, **options)
        assert not found.applied
        return found.guarded.before

    assert [guarded(name) for name in ("rank 2", "rank 1", "rank 2", "rank 3")] == [0, 1, 1, 2]


def test_a_stack_that_changed_meanwhile_is_left_alone(stack):
    def tell(name):
        if name == "guard":
            Stack.open(stack.store.root, stack.name).undo()

    with pytest.raises(BusyError, match="changed by another command"):
        compress(
            stack, method="rank", candidate="rank 2", apply=True, margin=0.49, level=0.49, on_candidate=tell
        )
    assert stack.store.tip(stack.name) is None


def test_what_does_not_pass_changes_nothing(stack):
    before = files(stack.store.root)
    found = compress(stack, method="rank", candidate="rank 2", apply=True, margin=0.0001)
    assert found.guarded.verdict in ("cannot tell", "loses too much") and not found.applied
    assert files(stack.store.root) == before


def test_where_no_candidate_should_pass_the_guard_rows_are_not_read(stack):
    told = []
    found = compress(stack, method="rank", margin=0.0001, apply=True, on_candidate=told.append)
    assert found.plan.chosen is None and found.guarded is None and "guard" not in told
    assert not found.applied


def test_the_reference_stack_is_refused_before_any_model_is_loaded(monkeypatch):
    def no_base(*_):
        raise AssertionError("the base was loaded")

    monkeypatch.setattr("skillstack.predictor.load_predictor", no_base)
    reference = Stack.open(stack="reference")
    with pytest.raises(StoreError) as caught:
        reference.compress("sentiment", apply=True)
    assert "skillstack stacks copy reference NAME" in caught.value.hint


def test_a_name_that_another_frame_has_is_not_taken_twice(merged, tmp_path):
    after = copied(merged.after.store.root, tmp_path)
    # Merged once more: nothing but this frame is of the family, so it is cut and keeps its name and place.
    found = compress(after, method="rank", candidate="rank 1", apply=True, margin=0.49, level=0.49)
    assert found.applied and [frame.name for frame in after.frames()] == ["home", "sentiment", "wiki_topics"]
    assert [skill.name for skill in after.frame("sentiment").skills] == ["imdb_sentences", "yelp_sentences"]


def test_a_stack_whose_texts_were_left_out_is_merged_as_any_other(merged, tmp_path):
    (tmp_path / "here").mkdir()
    here = copied(merged.before.store.root, tmp_path / "here")
    with_texts(here, "imdb_sentences")
    here.export(tmp_path / "stack.skillstack")
    Library(tmp_path / "there" / "frames").import_stack(tmp_path / "stack.skillstack")
    there = Stack.open(tmp_path / "there" / "frames", "main", model=model_of(here))
    routers = there.router_folder()
    limits = {"margin": 0.49, "level": 0.49, "method": "merge", "candidate": "linear, rank 2"}
    done = compress(there, apply=True, **limits)
    assert done.applied and [frame.name for frame in there.frames()] == ["home", "sentiment", "wiki_topics"]
    assert there.router_folder() == routers  # which could not be fitted anew
    assert there.route("A fine film.").skill is not None


def films(folder):
    """A table of a person's own."""
    words = (("positive", "fine"), ("negative", "foul"))
    lines = [f"This film number {n} is {word}.,{label}" for n in range(30) for label, word in words]
    (folder / "films.csv").write_text("\n".join(["text,label", *lines]))
    return folder / "films.csv"


def learn(stack, name, folder, **options):
    lesson = {"model": model_of(stack), "device": "cpu", "recipe": RECIPE, **options}
    return adding.learn(name, films(folder), store=stack.store.root, stack=stack.name, **lesson)


def test_a_new_skill_can_be_learned_on_a_merged_stack(both, tmp_path):
    _, after = both
    learned = learn(after, "films", tmp_path, family="sentiment")
    assert learned.change == "learned" and after.frames()[0].name == "films"
    known = {None, after.frame("sentiment").content_id, after.frame("home").content_id}
    assert after.frame("films").content.init_from in known


@pytest.mark.parametrize("replace", [False, True])
def test_a_skill_of_a_merged_frame_is_not_learned_again_in_vain(both, tmp_path, replace, monkeypatch):
    _, after = both
    before = ids(after)

    def no_base(*_, **__):
        raise AssertionError("the base was loaded")

    monkeypatch.setattr("skillstack.predictor.load_base_of", no_base)
    with pytest.raises(UsageError, match="has a skill 'imdb_sentences' already, in the frame 'sentiment'"):
        learn(after, "imdb_sentences", tmp_path, replace=replace)
    assert ids(after) == before


def test_a_frame_of_several_skills_is_not_replaced_by_one_of_them(both, tmp_path):
    _, after = both
    with pytest.raises(UsageError, match="several skills: imdb_sentences and yelp_sentences"):
        learn(after, "sentiment", tmp_path, replace=True)

"""A stack is trained once, goes on where it ended, and is never changed by what fails."""

import dataclasses
import json

import pytest

from skillstack.data.sources import load_task
from skillstack.errors import BusyError, InputError, MismatchError, UsageError
from skillstack.models.loading import load_base
from skillstack.store import files, transactions
from skillstack.store.files import training_lock
from skillstack.store.samples import FeatureSamples, ReferenceSamples, TextSamples
from skillstack.store.store import Store
from skillstack.store.verify import verify
from skillstack.training import checkpoint, loop
from skillstack.training.progress import DevMeasured, FrameDone, FrameKept, FrameStarted, StepDone
from skillstack.training.run import train_stack

from ..tiny import tiny_bert
from .world import RECIPE, TASKS, Ear, Killed, World, job, own_task, own_tasks


def no_base():
    raise AssertionError("the base was loaded")


def contents(world: World, stack: str = "main"):
    return [world.store.content(content_id) for content_id in world.ids(stack)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory, bert) -> World:
    """A finished training of three frames; tests only read it."""
    world = World(Store.create(tmp_path_factory.mktemp("whole") / "store"), bert)
    world.train(job())
    return world


def test_it_tells_what_it_does_from_the_first_frame_to_the_last(world):
    ear = Ear()
    result = world.train(job(), ear)
    assert result.trained == TASKS
    assert result.kept == ()
    assert result.tip == world.store.tip("main")
    assert [(e.index, e.total, e.name) for e in ear.of(FrameDone)] == [
        (place, 3, name) for place, name in enumerate(TASKS, 1)
    ]
    assert [e.frame_id for e in ear.of(FrameDone)] == [id for id, _ in world.store.chain("main")][::-1]
    for name in TASKS:
        steps = [event for event in ear.of(StepDone) if event.name == name]
        assert [(event.step, event.steps) for event in steps] == [(step, 6) for step in range(1, 7)]
        candidates = [event.candidate for event in ear.of(DevMeasured) if event.name == name]
        assert candidates[0] == "frozen-linear"
        assert {"step 6", "average", "refit"} <= set(candidates)
    assert all(event.resumed_at == 0 for event in ear.of(FrameStarted))


def test_every_frame_is_at_least_as_good_on_dev_as_the_frozen_base(whole):
    for content in contents(whole):
        metrics = content.skills[0].metrics
        assert metrics["dev"].correct >= metrics["frozen_linear_dev"].correct
        assert metrics["dev"].n == metrics["frozen_linear_dev"].n > 0


def test_a_finished_stack_is_whole_and_nothing_of_the_work_is_left(whole):
    assert verify(whole.store).ok
    assert verify(whole.store).strays == ()
    assert not [path for path in (whole.store.root / "work").rglob("*") if path.suffix != ".lock"]


def test_a_record_holds_no_clock_no_path_and_no_float(whole):
    for content in contents(whole):
        text = content.to_bytes().decode()
        assert str(whole.folder) not in text
        assert str(whole.store.root) not in text
        json.loads(text, parse_float=lambda number: pytest.fail(f"a float: {number}"))


def test_a_second_run_does_nothing_and_does_not_even_load_the_base(whole):
    before = whole.files()
    ear = Ear()
    result = train_stack(whole.store, job(), no_base, no_base, ear)
    assert (result.trained, result.kept) == ((), TASKS)
    assert result.tip == whole.store.tip("main")
    assert [type(event) for event in ear.events] == [FrameKept] * 3
    assert whole.files() == before


def test_a_checkpoint_that_a_kill_left_behind_a_finished_frame_is_cleared(whole):
    content = whole.store.contents("main")[0][1]
    left = whole.store.root / "work" / content.plan / f"{'0' * 64}.safetensors"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"left")
    train_stack(whole.store, job(), no_base, no_base, Ear())
    assert not left.parent.exists()


def test_two_runs_in_two_folders_end_with_the_same_ids_and_the_same_files(whole, world):
    world.train(job())
    assert world.ids() == whole.ids()
    assert world.store.tip("main") == whole.store.tip("main")
    assert world.files() == whole.files()


def test_a_longer_list_goes_on_where_a_shorter_one_ended(whole, world):
    first = world.train(job(TASKS[:1]))
    assert first.trained == TASKS[:1]
    second = world.train(job(TASKS[:2]))
    assert (second.kept, second.trained) == (TASKS[:1], TASKS[1:2])
    assert world.train(job()).trained == TASKS[2:]
    assert world.ids() == whole.ids()
    assert world.store.tip("main") == whole.store.tip("main")


def test_a_shorter_list_on_a_longer_stack_has_nothing_to_do(whole):
    result = train_stack(whole.store, job(TASKS[:2]), no_base, no_base, Ear())
    assert (result.trained, result.kept) == ((), TASKS[:2])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"learning_rate": 3e-2}, r"learning_rate '0.02', not '0.03'"),
        ({"r": 2}, "r 4, not 2"),
        ({"seed": 7}, "seed 42, not 7"),
        ({"init": "fresh"}, "init 'auto', not 'fresh'"),
        ({"cache": False}, "cache True, not False"),
    ],
)
def test_another_recipe_under_the_same_name_is_refused_and_the_difference_named(whole, change, named):
    before = whole.files()
    with pytest.raises(UsageError, match=named) as caught:
        train_stack(whole.store, job(recipe=dataclasses.replace(RECIPE, **change)), no_base, no_base, Ear())
    assert "--stack" in caught.value.hint
    assert "undo" not in caught.value.hint  # the newest change may be somebody else's
    assert whole.files() == before


def test_other_tasks_or_another_precision_under_the_same_name_are_refused(whole):
    with pytest.raises(UsageError, match="frame 1 is 'imdb_sentences', not 'yelp_sentences'"):
        train_stack(whole.store, job(TASKS[::-1][1:]), no_base, no_base, Ear())
    with pytest.raises(UsageError, match="precision fp32, not nf4"):
        train_stack(whole.store, job(precision="nf4"), no_base, no_base, Ear())


def test_other_rows_under_the_same_name_are_refused(world, tmp_path):
    own_task(tmp_path / "one", "mine", "imdb_sentences")
    own_task(tmp_path / "two", "mine", "imdb_sentences", rows=50)
    world.train(_own(tmp_path / "one"))
    with pytest.raises(UsageError, match="trained on other rows"):
        train_stack(world.store, _own(tmp_path / "two"), no_base, no_base, Ear())


def _own(folder):
    return dataclasses.replace(job(()), tasks=(load_task("mine", folder),))


def test_the_same_job_under_another_name_is_another_stack_of_the_same_contents(world):
    world.train(job(TASKS[:1]))
    world.train(job(TASKS[:1], stack="other"))
    assert world.ids() == world.ids("other")
    assert world.store.stacks() == ("main", "other")


def test_another_base_is_refused_before_anything_is_trained(world, tmp_path):
    world.train(job(TASKS[:1]))
    before = world.files()
    other = World(world.store, tiny_bert(tmp_path / "other-bert", seed=1))
    ear = Ear()
    with pytest.raises(MismatchError, match="tiny-bert") as caught:
        other.train(job(TASKS[:2]), ear)
    assert "other-bert" in caught.value.message
    assert ear.of(FrameStarted) == []
    assert world.files() == before


def test_two_trainings_of_one_stack_at_once_are_refused_and_of_two_stacks_are_not(world):
    with training_lock(world.store.root, "main"):
        with pytest.raises(BusyError):
            train_stack(world.store, job(), no_base, no_base, Ear())
        assert world.train(job(TASKS[:1], stack="other")).trained == TASKS[:1]
    assert world.train(job(TASKS[:1])).trained == TASKS[:1]


def test_a_stack_that_moved_meanwhile_is_left_as_it_is(world):
    world.train(job(TASKS[:1]))

    def undoing(chain):
        transactions.undo(world.store, "main")

    with pytest.raises(BusyError):
        train_stack(world.store, job(TASKS[:2]), world.load, undoing, Ear())
    assert world.store.tip("main") is None


def test_what_was_undone_comes_back_without_training_and_with_the_same_ids(world):
    world.train(job(TASKS[:2]))
    ids, tip = world.ids(), world.store.tip("main")
    transactions.undo(world.store, "main")
    assert world.ids() == []
    ear = Ear()
    result = world.train(job(TASKS[:2]), ear)
    assert (result.trained, result.kept) == ((), TASKS[:2])
    assert ear.of(StepDone) == []
    assert (world.ids(), world.store.tip("main")) == (ids, tip)


def test_what_was_undone_and_collected_is_trained_again_with_the_same_ids(world):
    world.train(job(TASKS[:2]))
    ids = world.ids()
    transactions.undo(world.store, "main")
    for path in (world.store.root / "heads").iterdir():
        path.unlink()
    assert world.train(job(TASKS[:2])).trained == TASKS[:2]
    assert world.ids() == ids


def test_after_an_undo_another_recipe_is_welcome(world):
    world.train(job(TASKS[:1]))
    transactions.undo(world.store, "main")
    changed = job(TASKS[:1], dataclasses.replace(RECIPE, seed=7))
    assert world.train(changed).trained == TASKS[:1]


def test_the_router_sees_each_chain_before_the_tip_moves(world):
    seen = []

    def fit_router(chain):
        seen.append(([content_id for content_id, _ in chain], world.ids()))

    train_stack(world.store, job(TASKS[:2]), world.load, fit_router, Ear())
    one, two = world.ids()
    assert seen == [([one], []), ([one, two], [one])]


def test_a_router_that_fails_leaves_the_stack_where_it_was_and_the_next_run_ends_it(whole, world):
    def failing(chain):
        if len(chain) == 2:
            raise Killed

    with pytest.raises(Killed):
        train_stack(world.store, job(), world.load, failing, Ear())
    assert world.ids() == whole.ids()[:1]
    assert verify(world.store).ok
    world.train(job())
    assert world.ids() == whole.ids()


@pytest.mark.parametrize("step", [1, 6, 10, 18])
def test_stopped_at_any_step_of_any_frame_it_ends_with_the_same_ids(whole, world, monkeypatch, step):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    with pytest.raises(Killed):
        world.train(job(), Ear(die_after=step))
    assert world.ids() == whole.ids()[: (step - 1) // 6]
    assert verify(world.store).ok
    ear = Ear()
    world.train(job(), ear)
    # The step at which it died had no checkpoint yet, and neither has a first one.
    assert ear.of(FrameStarted)[0].resumed_at == (step - 1) % 6
    assert world.ids() == whole.ids()
    assert world.files() == whole.files()


def test_a_kill_between_the_push_and_the_tidying_leaves_nothing_to_do_twice(whole, world, monkeypatch):
    def dying(folder):
        raise Killed

    monkeypatch.setattr(checkpoint, "clear", dying)
    with pytest.raises(Killed):
        world.train(job(TASKS[:1]))
    monkeypatch.undo()
    assert world.train(job()).kept == TASKS[:1]
    assert world.ids() == whole.ids()


def test_a_fresh_start_has_no_lineage_and_a_parents_start_has_its_parents(world, make_world):
    world.train(job(recipe=dataclasses.replace(RECIPE, init="fresh")))
    assert [content.init_from for content in contents(world)] == [None] * 3
    other = make_world()
    other.train(job(recipe=dataclasses.replace(RECIPE, init="parent")))
    ids, found = other.ids(), contents(other)
    assert found[0].init_from is None
    for place in (1, 2):
        older = [id for id, content in zip(ids[:place], found, strict=False) if content.adapter]
        assert found[place].adapter is None or found[place].init_from == (older[-1] if older else None)
    assert any(content.init_from for content in found)


def test_fresh_frames_do_not_depend_on_what_stands_below_them(world, make_world):
    recipe = dataclasses.replace(RECIPE, init="fresh")
    world.train(job(TASKS[:2], recipe))
    other = make_world()
    other.train(job((TASKS[2], TASKS[1]), recipe))
    one, two = contents(world)[1], contents(other)[1]
    assert one.skills == two.skills
    assert (one.adapter is None) == (two.adapter is None)
    if one.adapter and two.adapter:
        assert one.adapter.model == two.adapter.model


def test_left_to_itself_a_frame_starts_from_its_parent_its_family_or_nothing(world):
    tasks = ("imdb_sentences", "travel", "yelp_sentences")
    ear = Ear()
    world.train(job(tasks), ear)
    ids = world.ids()
    assert all(content.init_from in (None, *ids[:place]) for place, content in enumerate(contents(world)))


def test_a_head_that_is_kept_is_where_the_next_task_of_its_labels_starts(world, monkeypatch):
    from skillstack.training.loop import Trainer

    started = []
    run = Trainer.run

    def spying(self, untrained, start):
        started.append(start)
        return run(self, untrained, start)

    monkeypatch.setattr(Trainer, "run", spying)
    recipe = dataclasses.replace(RECIPE, init="parent", keep_head=True)
    world.train(job(("imdb_sentences", "yelp_sentences", "travel"), recipe))
    older = contents(world)[0]
    assert older.adapter is not None
    kept = world.store.head(older.skills[0].head)
    assert (started[1].weight == kept["weight"]).all()
    assert (started[1].bias == kept["bias"]).all()
    assert started[2].labels == 15  # other labels, so a head of its own


def text_bytes(store: Store, texts: list[str]) -> list[str]:
    """Files that hold any of these texts, in whole or as JSON would write it."""
    needles = [needle for text in texts for needle in (text.encode(), json.dumps(text)[1:-1].encode())]
    return [
        path.name
        for path in store.root.rglob("*")
        if path.is_file() and any(needle in path.read_bytes() for needle in needles)
    ]


def test_without_keep_texts_no_byte_of_a_text_is_anywhere_in_the_store(world, tmp_path, monkeypatch):
    tasks = own_tasks(tmp_path / "data")
    texts = [e.row.text for data in tasks for e in data.train if len(e.row.text) > 20]
    assert len(texts) > 200
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    with pytest.raises(Killed):
        world.train(dataclasses.replace(job(()), tasks=tasks, keep_texts=False), Ear(die_after=4))
    assert text_bytes(world.store, texts) == []
    world.train(dataclasses.replace(job(()), tasks=tasks, keep_texts=False))
    assert text_bytes(world.store, texts) == []
    for content in contents(world):
        samples = world.store.samples(content.skills[0].samples)
        assert isinstance(samples, FeatureSamples)
        assert set(samples.arrays) == {"buckets", "counts", "indptr"}
        assert len(samples.arrays["indptr"]) == 17


def test_own_texts_are_kept_for_the_router_and_only_those(world, tmp_path):
    tasks = own_tasks(tmp_path / "data")
    world.train(dataclasses.replace(job(()), tasks=tasks))
    for content, data in zip(contents(world), tasks, strict=True):
        samples = world.store.samples(content.skills[0].samples)
        assert isinstance(samples, TextSamples)
        assert len(samples.rows) == 16
        assert set(samples.rows) <= {e.row for e in data.train}
    kept = {row.text for c in contents(world) for row in world.store.samples(c.skills[0].samples).rows}
    others = [e.row.text for d in tasks for e in d.train if e.row.text not in kept and len(e.row.text) > 20]
    assert text_bytes(world.store, others) == []


def test_texts_that_ship_with_the_package_are_only_referred_to(whole):
    for content in contents(whole):
        samples = whole.store.samples(content.skills[0].samples)
        assert isinstance(samples, ReferenceSamples)
        assert samples.source == f"starter/{content.name}"
    texts = [e.row.text for name in TASKS for e in load_task(name).train if len(e.row.text) > 20]
    assert text_bytes(whole.store, texts) == []


def test_a_class_without_training_rows_is_named_and_nothing_is_written(world, tmp_path):
    data = load_task("mine", own_task(tmp_path, "mine", "imdb_sentences"))
    broken = dataclasses.replace(data, train=tuple(e for e in data.train if e.label == 0))
    with pytest.raises(InputError, match="positive"):
        world.train(dataclasses.replace(job(()), tasks=(broken,)))
    assert world.store.stacks() == ()


def test_a_full_disk_is_one_error_and_the_training_ends_as_it_should_afterwards(whole, world, monkeypatch):
    write = files._write_all
    written = 0

    def filling(file, data):
        nonlocal written
        written += 1
        if written > 9:
            raise OSError(28, "No space left on device")
        write(file, data)

    monkeypatch.setattr(files, "_write_all", filling)
    with pytest.raises(Exception, match="disk is full"):
        world.train(job())
    monkeypatch.undo()
    assert verify(world.store).ok
    world.train(job())
    assert world.ids() == whole.ids()


def test_measurements_say_where_and_how_well_a_frame_was_trained(whole):
    for content in contents(whole):
        record = whole.store.measurement(content.behaviour(content.skills[0]), "training")
        assert {"torch", "threads", "python", "machine"} <= set(record["environment"])
        assert 0.5 < float(record["useful_tokens"]) <= 1
        assert float(record["seconds"]) >= 0


def test_a_decoder_is_trained_and_resumed_alike(make_world, llama, monkeypatch):
    one, two = make_world(llama), make_world(llama)
    one.train(job(TASKS[:2]))
    assert [content.pooling for content in contents(one)] == ["last", "last"]
    assert "{text}" in contents(one)[0].skills[0].rendering.prompt
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    for step in (3, 5, 4):
        with pytest.raises(Killed):
            two.train(job(TASKS[:2]), Ear(die_after=step))
    two.train(job(TASKS[:2]))
    assert two.ids() == one.ids()


def test_a_base_that_cannot_be_loaded_leaves_the_stack_unborn(world):
    with pytest.raises(Exception, match="no folder"):
        train_stack(
            world.store, job(TASKS[:1]), lambda: load_base("/nowhere/at-all"), lambda chain: None, Ear()
        )
    assert world.store.stacks() == ()

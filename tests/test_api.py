"""The API on the reference stack: what people's programs rely on."""

import doctest
import shutil
from pathlib import Path

import numpy as np
import pytest

import skillstack.stack
from skillstack.errors import InputError, MismatchError, StoreError, UsageError
from skillstack.library import stacks, use
from skillstack.models import sources
from skillstack.models.loading import load_base
from skillstack.stack import Stack
from skillstack.store.rows import Row

ROOT = Path(__file__).resolve().parents[1]
TEXTS = [
    "please block my card",
    "the soup was cold and nobody cared",
    "can i bring a pair of scissors on the plane",
    "play that song again",
    "how many vacation days do i have left",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a copy of the reference stack, as people have it."""
    for name in (ROOT / "scripts" / "reference_files.txt").read_text(encoding="utf-8").split():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def stack(folder: Path) -> Stack:
    return Stack.open(folder / "frames")


@pytest.fixture(scope="module")
def reference() -> Stack:
    return Stack.open(ROOT / "frames", "reference")


def test_the_examples_in_the_docstrings_run(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("SKILLSTACK_STACK", "reference")
    assert doctest.testmod(skillstack.stack).failed == 0
    assert doctest.testmod(skillstack).failed == 0


def test_a_stack_is_walked_from_the_newest_frame_to_the_oldest(reference):
    frames = list(reference)
    assert [frame.position for frame in frames] == list(range(len(frames)))[::-1]
    assert [frame.parent for frame in frames[:-1]] == [frame.id for frame in frames[1:]]
    assert frames[-1].parent is None


def test_a_frame_is_found_by_name_and_by_the_beginning_of_its_id(reference):
    frame = reference.frame("travel")
    assert reference.frame(frame.id[:8]) == frame
    with pytest.raises(UsageError, match="travel"):
        reference.frame("travle")
    with pytest.raises(UsageError):
        reference.frame(frame.id[:3])


def test_a_mixed_batch_answers_as_one_by_one(reference):
    together = reference.predict(TEXTS)
    alone = [reference.predict(text) for text in TEXTS]
    assert [answer.label_name for answer in together] == [answer.label_name for answer in alone]
    assert [answer.routed for answer in together] == [answer.routed for answer in alone]
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(
            list(one.probabilities.values()), list(other.probabilities.values()), atol=1e-5
        )
    assert len({answer.routed.task for answer in together}) >= 4


def test_rows_go_to_heads_of_their_own_size(reference):
    answers = reference.predict(TEXTS[:2])
    assert [len(answer.probabilities) for answer in answers] == [15, 2]
    assert all(abs(sum(answer.probabilities.values()) - 1) < 1e-6 for answer in answers)


def test_a_named_frame_answers_whatever_the_router_says(reference):
    answer = reference.predict("please block my card", frame="imdb_sentences")
    assert answer.routed.frame == "imdb_sentences"
    assert answer.label_name in ("negative", "positive")


def test_a_long_text_is_cut_and_flagged(reference):
    assert reference.predict("a very good film. " * 500, frame="imdb_sentences").truncated
    assert not reference.predict("a very good film.", frame="imdb_sentences").truncated


@pytest.mark.parametrize("text", ["", "  \n", "a\0b", "a\ud800b", "x" * 10_000_000])
def test_what_is_no_text_is_refused(reference, text):
    with pytest.raises(InputError):
        reference.route(text)


def test_a_second_text_where_no_skill_reads_pairs_is_refused(reference):
    with pytest.raises(InputError, match="one text"):
        reference.predict(Row("is it so?", "it is."))


def test_nothing_is_answered_for_no_rows(reference):
    assert reference.route([]) == []
    assert reference.predict([]) == []


def test_the_two_routers_share_their_scores(reference):
    chain = reference.route(TEXTS)
    best = reference.route(TEXTS, router="hybrid_svm")
    assert [route.ranking for route in chain] == [route.ranking for route in best]
    for route in best:
        assert route.task == route.ranking[0].task


def test_a_threshold_that_nothing_reaches_falls_back_to_the_best_of_all(reference):
    for route in reference.route(TEXTS, threshold=1e6):
        assert route.fallback and not route.accepted
        assert route.task == route.ranking[0].task
        assert route.depth == len(reference)


def test_unknown_routers_and_options_are_refused(reference):
    with pytest.raises(UsageError, match="hybrid"):
        reference.route("hello", router="hybrid_chian")
    with pytest.raises(UsageError, match="threshold"):
        reference.route("hello", router="hybrid_svm", threshold=0.5)


def test_a_missing_or_damaged_router_state_is_fitted_again_and_decides_the_same(stack):
    before = stack.route(TEXTS)
    state = stack.router_folder() / "state.json"
    state.write_bytes(state.read_bytes().replace(b"threshold", b"treshold"))
    assert Stack.open(stack.store.root).route(TEXTS) == before
    shutil.rmtree(stack.store.routers)
    assert Stack.open(stack.store.root).route(TEXTS) == before
    assert state.is_file()


def test_a_base_of_other_weights_is_refused_with_both_named(reference, tmp_path):
    base = load_base("minilm")
    with_other_weights = base.model
    first = next(iter(with_other_weights.parameters()))
    first.data += 0.01
    with_other_weights.save_pretrained(tmp_path / "other")
    base.tokenizer.save_pretrained(tmp_path / "other")
    with pytest.raises(MismatchError, match=r"all-MiniLM-L6-v2.*other"):
        reference.predict("hello", model=str(tmp_path / "other"))


def test_the_same_base_in_a_folder_is_accepted(reference, tmp_path):
    shutil.copytree(sources.minilm_folder(), tmp_path / "copy")
    assert reference.predict(TEXTS[0], model=str(tmp_path / "copy")).label is not None


def test_stacks_are_listed_and_chosen(folder):
    store = folder / "frames"
    (info,) = stacks(store)
    assert (info.name, info.frames, info.current, info.read_only) == ("reference", 8, True, True)
    assert use("reference", store) == "reference"
    with pytest.raises(UsageError, match="reference"):
        use("refrence", store)


def test_the_reference_stack_is_not_trained_over(folder):
    with pytest.raises(UsageError, match="reading only"):
        Stack.train(tasks=["banking"], store=folder / "frames", stack="reference")


def test_an_unknown_stack_or_store_is_an_error_with_a_hint(folder, tmp_path):
    with pytest.raises(UsageError, match="reference"):
        Stack.open(folder / "frames", "refrence")
    with pytest.raises(StoreError, match="no store"):
        Stack.open(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preset": "hard88"}, "hard8"),
        ({"tasks": ["bankign"]}, "banking"),
        ({"tasks": ["banking", "banking"]}, "twice"),
        ({}, "nothing to train"),
        ({"preset": "starter8", "tasks": ["banking"]}, "one of the two"),
        ({"tasks": ["banking"], "recipe": {"epoch": 3}}, "epochs"),
        ({"tasks": ["banking"], "recipe": {"epochs": -1}}, "between"),
        ({"tasks": ["banking"], "stack": "../up"}, "valid name"),
        ({"tasks": ["banking"], "model": "minilmm"}, "minilm"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_written(tmp_path, arguments, message):
    with pytest.raises(UsageError, match=message):
        Stack.train(store=tmp_path / "frames", **arguments)
    assert not list(tmp_path.iterdir())


def test_a_task_that_does_not_ship_needs_a_data_folder(tmp_path):
    with pytest.raises(InputError, match="data-dir"):
        Stack.train(tasks=["imdb"], store=tmp_path / "frames")


def test_another_precision_is_named_and_its_agreement_measured(reference):
    agreement = reference.agreement("bf16")
    assert (agreement.trained, agreement.held, agreement.n) == ("fp32", "bf16", 64)
    assert agreement.same >= 56
    answer = reference.predict(TEXTS[0], precision_change="bf16")
    assert answer.precision_change == "bf16"
    assert reference.predict(TEXTS[0]).precision_change is None
    assert reference.agreement("fp32") is None

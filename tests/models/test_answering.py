"""Each row is answered by its own frame and its own head, in whatever company it comes."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skillstack.errors import MismatchError
from skillstack.models.answering import Answering, FrameCache
from skillstack.models.encoding import encode
from skillstack.models.heads import Head
from skillstack.models.loading import load_base
from skillstack.models.lora import LoraSpec
from skillstack.models.slot import Slot
from skillstack.skills.classification import KIND, LabelAnswerer, skill_logits
from skillstack.store.records import Rendering
from skillstack.store.rows import Row

from .tiny import hidden, random_adapter, shapes_of

SPECS = {
    "bert": LoraSpec(4, 8, 0.0, ("query", "key", "value", "dense"), 2),
    "llama": LoraSpec(4, 8, 0.0, ("q_proj", "v_proj"), 2),
}
TEXTS = ("a great movie that I loved", "bad", "Please block my card.", "Naïve façade, 42%.", "a " * 200)


def answerers(base, spec: LoraSpec) -> list[LabelAnswerer]:
    """Skills of 2, 3, 5 and 7 labels, two of them on one adapter, and one of 4 without an adapter."""
    shapes = shapes_of(base, spec)
    made = []
    for seed, (labels, key) in enumerate([(2, "a"), (3, "b"), (5, "b"), (7, "c"), (4, "")]):
        chance = np.random.default_rng(seed)
        weight = chance.normal(size=(labels, base.hidden_size)).astype(np.float32)
        adapter = random_adapter(shapes, ord(key)) if key else {}
        bias = chance.normal(size=labels).astype(np.float32) if seed % 2 else None
        rendering = Rendering(max_length=32 + seed, prompt="" if base.kind == "encoder" else "Read: {text} ")
        made.append(
            LabelAnswerer(key, lambda a=adapter: a, spec if key else None, Head(weight, bias), rendering)
        )
    return made


@pytest.fixture(scope="module", params=["bert", "llama"])
def case(request, folders):
    """An answering base and five skills; a mixed batch leaves nothing behind, so tests can share it."""
    base = load_base(str(getattr(folders, request.param)), device="cpu")
    made = answerers(base, SPECS[request.param])
    return Answering(Slot(base)), made


def alone(answering: Answering, row: Row, answerer: LabelAnswerer) -> np.ndarray:
    return KIND.answer(answering, [row], [answerer])[0].logits


@settings(max_examples=15)
@given(picks=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12))
def test_a_mixed_batch_answers_as_row_by_row(case, picks):
    answering, skills = case
    rows = [Row(TEXTS[text]) for text, _ in picks]
    chosen = [skills[skill] for _, skill in picks]
    together = KIND.answer(answering, rows, chosen)
    assert [len(answer.logits) for answer in together] == [skill.head.labels for skill in chosen]
    for row, skill, answer in zip(rows, chosen, together, strict=True):
        assert np.allclose(answer.logits, alone(answering, row, skill), atol=2e-4)


def test_the_order_of_the_rows_is_kept(case):
    answering, skills = case
    rows = [Row(text) for text in TEXTS] * 2
    chosen = [skills[number % 5] for number in range(1, 11)]
    forwards = KIND.answer(answering, rows, chosen)
    backwards = KIND.answer(answering, rows[::-1], chosen[::-1])
    for one, two in zip(forwards, backwards[::-1], strict=True):
        assert np.allclose(one.logits, two.logits, atol=2e-4)
        assert one.truncated == two.truncated


def test_what_is_too_long_is_flagged_row_by_row(case):
    answering, skills = case
    found = KIND.answer(answering, [Row(text) for text in TEXTS], [skills[0]] * 5)
    assert [answer.truncated for answer in found] == [False, False, False, False, True]
    longer = dataclasses.replace(
        skills[0], rendering=dataclasses.replace(skills[0].rendering, max_length=128)
    )
    mixed = KIND.answer(answering, [Row("a " * 60)] * 2, [skills[0], longer])
    assert [answer.truncated for answer in mixed] == [True, False]


def test_a_skill_without_an_adapter_is_answered_by_the_base_alone(folders):
    base = load_base(str(folders.bert), device="cpu")
    before = hidden(base)
    skills = answerers(base, SPECS["bert"])
    answering = Answering(Slot(base))
    encoded = encode(base, [Row(TEXTS[0])], skills[4].rendering)
    plain = skill_logits(answering.slot, encoded, skills[4].head)
    KIND.answer(answering, [Row(TEXTS[1])], [skills[0]])
    assert np.array_equal(KIND.answer(answering, [Row(TEXTS[0])], [skills[4]])[0].logits, plain[0])
    assert torch.equal(hidden(base), before)


def test_no_rows_have_no_answers(case):
    assert KIND.answer(case[0], [], []) == []


def test_no_gradients_are_left_and_nothing_trains(case):
    answering, skills = case
    KIND.answer(answering, [Row(TEXTS[0])], [skills[0]])
    whole = answering.slot.base.whole
    assert not any(p.requires_grad for p in whole.parameters())
    assert not any(module.training for module in whole.modules())


def test_each_adapter_is_read_once_and_swapped_in_once_a_batch(folders):
    base = load_base(str(folders.bert), device="cpu")
    skills = answerers(base, SPECS["bert"])
    loads: list[str] = []

    def counting(skill: LabelAnswerer) -> LabelAnswerer:
        def load():
            loads.append(skill.key)
            return skill.load()

        return dataclasses.replace(skill, load=load)

    counted = [counting(skill) for skill in skills]
    answering = Answering(Slot(base))
    swaps: list[str] = []
    swap = answering.swap
    answering.swap = lambda answerer: (swaps.append(answerer.key), swap(answerer))[1]  # type: ignore[method-assign]
    for _ in range(2):
        KIND.answer(answering, [Row(text) for text in TEXTS] * 3, [counted[i % 5] for i in range(15)])
    assert sorted(loads) == ["a", "b", "c"]
    assert swaps == ["", "a", "b", "c"] * 2


def test_rows_that_several_adapters_are_asked_are_answered_as_alone(case):
    answering, skills = case
    rows = [Row(text) for text in TEXTS]
    shared = [dataclasses.replace(skill, rendering=skills[0].rendering) for skill in skills]
    found = KIND.answer(answering, rows * 5, [skill for skill in shared for _ in rows])
    for number, answer in enumerate(found):
        expected = alone(answering, rows[number % len(rows)], shared[number // len(rows)])
        np.testing.assert_allclose(answer.logits, expected, rtol=1e-4, atol=1e-4)


def test_an_adapter_that_reaches_deeper_leaves_nothing_for_the_next_rows(folders):
    base = load_base(str(folders.bert), device="cpu")
    shallow = [dataclasses.replace(skill, rendering=Rendering()) for skill in answerers(base, SPECS["bert"])]
    deep_spec = dataclasses.replace(SPECS["bert"], first_layer=0)
    deep = dataclasses.replace(answerers(base, deep_spec)[0], key="deep", rendering=Rendering())
    answering, rows = Answering(Slot(base)), [Row(TEXTS[0]), Row(TEXTS[2])]
    before = KIND.answer(answering, rows, [shallow[0], shallow[1]])
    KIND.answer(answering, rows[:1], [deep])
    after = KIND.answer(answering, rows, [shallow[0], shallow[1]])
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.logits, other.logits)


def test_the_cache_is_bounded_and_a_small_one_changes_no_answer(folders):
    base = load_base(str(folders.bert), device="cpu")
    skills = answerers(base, SPECS["bert"])
    slot = Slot(base)
    rows, chosen = [Row(TEXTS[0])] * 5, skills
    large = KIND.answer(Answering(slot), rows, chosen)
    none = Answering(slot, FrameCache(max_bytes=0))
    for one, two in zip(large, KIND.answer(none, rows, chosen), strict=True):
        assert np.array_equal(one.logits, two.logits)
    assert none.cache.bytes == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_logit_that_is_not_finite_is_an_error_and_no_answer(case, value):
    answering, skills = case
    head = skills[0].head
    broken = dataclasses.replace(skills[0], head=Head(np.full_like(head.weight, value), head.bias))
    with pytest.raises(MismatchError, match="not finite"):
        KIND.answer(answering, [Row(TEXTS[0]), Row(TEXTS[1])], [skills[1], broken])
    assert np.isfinite(alone(answering, Row(TEXTS[0]), skills[1])).all()


def test_a_head_or_an_adapter_of_another_base_is_refused(case):
    answering, skills = case
    narrow = dataclasses.replace(skills[0], head=Head(np.zeros((2, 5), np.float32)))
    with pytest.raises(MismatchError, match="another base"):
        KIND.answer(answering, [Row(TEXTS[0])], [narrow])
    tensors = dict(skills[0].load())
    tensors.pop(sorted(tensors)[0])
    with pytest.raises(MismatchError):
        KIND.answer(
            answering, [Row(TEXTS[0])], [dataclasses.replace(skills[0], key="z", load=lambda: tensors)]
        )
    assert np.isfinite(alone(answering, Row(TEXTS[0]), skills[0])).all()

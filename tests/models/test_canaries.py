"""A frame proves that it is loaded and acts; what is zeroed, swapped or permuted does not pass."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.errors import IntegrityError
from skillstack.models import canaries
from skillstack.models.canaries import Canaries
from skillstack.models.encoding import encode
from skillstack.models.heads import Head
from skillstack.models.loading import load_base
from skillstack.models.lora import LoraSpec
from skillstack.models.slot import Slot
from skillstack.skills.classification import skill_logits
from skillstack.store import canonical
from skillstack.store.records import Rendering
from skillstack.store.rows import check_row

from .tiny import random_adapter, shapes_of

SPECS = {
    "bert": LoraSpec(4, 8, 0.05, ("query", "key", "value", "dense"), 2),
    "llama": LoraSpec(4, 8, 0.05, ("q_proj", "v_proj"), 2),
    "minilm": LoraSpec(8, 16, 0.05, ("query", "key", "value", "dense"), 3),
}


class Frame:
    """A base, an adapter and a head, and their stored canaries."""

    def __init__(self, model: str, name: str, scale: float = 1.0) -> None:
        self.base = load_base(model, device="cpu")
        self.spec = SPECS[name]
        shapes = shapes_of(self.base, self.spec)
        self.adapter = {k: v * np.float32(scale) for k, v in random_adapter(shapes, 1).items()}
        self.other = {k: v * np.float32(scale) for k, v in random_adapter(shapes, 2).items()}
        chance = np.random.default_rng(3)
        weight = chance.normal(size=(3, self.base.hidden_size)).astype(np.float32)
        self.head = Head(weight, chance.normal(size=3).astype(np.float32))
        prompt = "" if self.base.kind == "encoder" else "Read: {text} "
        rows = canaries.rows(pair=False)
        self.encoded = encode(self.base, rows, Rendering(prompt=prompt, max_length=96))
        self.slot = Slot(self.base)
        plain = skill_logits(self.slot, self.encoded, self.head)
        made = Canaries(plain, self.ask(self.adapter, self.head))
        record = canonical.loads(canonical.dumps(canaries.to_record({"skill": made})), what="canaries")
        self.stored = canaries.from_record(record)["skill"]

    def ask(self, adapter, head: Head) -> np.ndarray:
        if adapter is None:
            self.slot.clear()
        else:
            self.slot.copy_in(adapter, self.spec)
        return skill_logits(self.slot, self.encoded, head)

    def passes(self, adapter, head: Head) -> bool:
        return self.stored.distance(self.ask(adapter, head)) <= self.stored.limit("fp32")


@pytest.fixture(scope="module", params=["bert", "llama", "minilm"])
def frame(request, folders) -> Frame:
    return Frame(str(getattr(folders, request.param, request.param)), request.param)


def test_the_frame_itself_passes_again_and_again(frame):
    for _ in range(3):
        assert frame.passes(frame.adapter, frame.head)
        frame.ask(frame.other, frame.head)


def test_the_bare_base_does_not_pass(frame):
    assert not frame.passes(None, frame.head)


def test_a_zeroed_adapter_does_not_pass(frame):
    zeroed = {name: np.zeros_like(tensor) for name, tensor in frame.adapter.items()}
    assert not frame.passes(zeroed, frame.head)


def test_another_frames_adapter_does_not_pass(frame):
    assert not frame.passes(frame.other, frame.head)


def test_one_tensor_of_another_frame_does_not_pass(frame):
    name = sorted(frame.adapter)[-1]
    assert not frame.passes({**frame.adapter, name: frame.other[name]}, frame.head)


def test_twice_the_strength_does_not_pass(frame):
    stronger = {n: t * np.float32(2) if "lora_B" in n else t for n, t in frame.adapter.items()}
    assert not frame.passes(stronger, frame.head)


def test_a_head_with_permuted_labels_does_not_pass(frame):
    order = [1, 0, 2]
    assert not frame.passes(frame.adapter, Head(frame.head.weight[order], frame.head.bias[order]))


def test_a_head_without_its_bias_or_with_more_labels_does_not_pass(frame):
    assert not frame.passes(frame.adapter, Head(frame.head.weight))
    more = Head(np.vstack([frame.head.weight, frame.head.weight[:1]]))
    assert not frame.passes(frame.adapter, more)


@pytest.mark.parametrize("scale", [0.1, 0.3])
def test_a_faint_adapter_is_told_from_none_as_well(folders, scale):
    faint = Frame("minilm", "minilm", scale)
    assert faint.passes(faint.adapter, faint.head)
    assert not faint.passes(None, faint.head)


def test_logits_that_are_not_finite_are_infinitely_far_away(frame):
    broken = frame.stored.adapted.copy()
    broken[0, 0] = np.nan
    assert frame.stored.distance(broken) == float("inf")


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16", "nf4"])
def test_every_precision_has_a_limit_below_the_effect_of_a_trained_adapter(precision):
    plain = np.zeros((8, 2), np.float32)
    stored = Canaries(plain, plain + np.float32(2.0))
    assert 0 < stored.limit(precision) < 0.2 * stored.effect


def test_the_sentences_are_rows_of_one_text_or_two():
    single, pairs = canaries.rows(pair=False), canaries.rows(pair=True)
    assert [row.text for row in single] == [row.text for row in pairs] == list(canaries.SENTENCES)
    assert not any(row.has_pair for row in single)
    assert all(row.has_pair and row.text != row.text_pair for row in pairs)
    for row in (*single, *pairs):
        assert check_row(row.text, row.text_pair) == row
    assert len(set(canaries.SENTENCES)) == 8


@given(st.integers(2, 5), st.integers(0, 2**31), st.floats(0.01, 100))
def test_a_record_keeps_the_logits_to_six_digits(labels, seed, scale):
    chance = np.random.default_rng(seed)
    made = {
        name: Canaries(*(chance.normal(0, scale, (2, 8, labels)).astype(np.float32)))
        for name in ("one", "two")
    }
    data = canonical.dumps(canaries.to_record(made))
    read = canaries.from_record(canonical.loads(data, what="canaries"))
    assert read.keys() == made.keys()
    for name in made:
        assert np.allclose(read[name].plain, made[name].plain, rtol=1e-6, atol=1e-6)
        assert np.allclose(read[name].adapted, made[name].adapted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"sentences": ["others"]},
        {"skills": []},
        {"skills": {"a": {"plain": [["1"]] * 8}}},
        {"skills": {"a": {"plain": [["1"]] * 8, "adapted": [["1"]] * 7}}},
        {"skills": {"a": {"plain": [["1"]] * 8, "adapted": [["x"]] * 8}}},
        {"skills": {"a": {"plain": [["1"]] * 8, "adapted": [["nan"]] * 8}}},
        {"skills": {"a": {"plain": [["1"]] * 8, "adapted": [["1"]] * 7 + [["1", "2"]]}}},
        {"skills": {"a": {"plain": [["1", "2"]] * 8, "adapted": [["1"]] * 8}}},
        {"skills": {"a": {"plain": [[]] * 8, "adapted": [[]] * 8}}},
        {"skills": {"a": 1}},
    ],
)
def test_a_record_that_is_none_is_refused(change):
    zeros = np.zeros((8, 2), np.float32)
    record = {**canaries.to_record({"a": Canaries(zeros, zeros)}), **change}
    with pytest.raises(IntegrityError):
        canaries.from_record(record)

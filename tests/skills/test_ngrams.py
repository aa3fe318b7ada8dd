"""The head on n-grams: exact, the same for any order of rows, and the same after it was stored."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skillstack.errors import IntegrityError, MismatchError
from skillstack.routers.features import hash_rows
from skillstack.skills.ngrams import NGRAMS, NgramHead
from skillstack.store.rows import Row
from skillstack.store.states import State, put_state, read_state
from skillstack.store.store import Store

TEXTS = (
    ("my card was stolen in the market", 0),
    ("please block the card that i lost", 0),
    ("somebody took my card yesterday", 0),
    ("the transfer has not arrived yet", 1),
    ("where is the money that i sent", 1),
    ("my transfer is still pending", 1),
    ("how do i change my pin", 2),
    ("i forgot the pin of my account", 2),
    ("set a new pin please", 2),
)
ROWS = [Row(text) for text, _ in TEXTS]
LABELS = [label for _, label in TEXTS]


def fitted() -> NgramHead:
    return NgramHead.fit(hash_rows(ROWS), LABELS, 3)


def test_a_head_knows_the_rows_it_was_fitted_on() -> None:
    assert fitted().logits(ROWS).argmax(axis=1).tolist() == LABELS


def test_the_order_of_the_rows_does_not_matter() -> None:
    order = list(range(len(ROWS)))
    random.Random(1).shuffle(order)
    other = NgramHead.fit(hash_rows([ROWS[i] for i in order]), [LABELS[i] for i in order], 3)
    assert (other.logits(ROWS) == fitted().logits(ROWS)).all()


def test_a_stored_head_answers_to_the_bit_as_before(tmp_path: Path) -> None:
    head = fitted()
    store = Store.create(tmp_path / "frames")
    state = read_state(store, put_state(store, head.to_state()))
    assert (NgramHead.from_state(state, labels=3).logits(ROWS) == head.logits(ROWS)).all()


def test_a_scaled_head_has_scaled_logits() -> None:
    head = fitted()
    assert head.scaled(0.25).logits(ROWS) == pytest.approx(head.logits(ROWS) / 4, abs=1e-3)


def test_two_labels_have_two_logits() -> None:
    head = NgramHead.fit(hash_rows(ROWS[:6]), LABELS[:6], 2)
    assert head.logits(ROWS[:6]).shape == (6, 2)
    assert head.logits(ROWS[:6]).argmax(axis=1).tolist() == LABELS[:6]


def test_a_label_without_rows_is_the_last_to_be_answered() -> None:
    head = NgramHead.fit(hash_rows(ROWS[:6]), LABELS[:6], 3)
    assert (head.logits(ROWS).argmin(axis=1) == 2).all()


def test_a_text_without_known_ngrams_is_answered_by_the_intercepts() -> None:
    assert fitted().logits([Row("zzqx")])[0] == pytest.approx(fitted().model.intercepts)


def damaged(**changed: np.ndarray) -> State:
    state = fitted().to_state()
    return replace(state, tensors={NGRAMS: {**state.tensors[NGRAMS], **changed}})


@pytest.mark.parametrize("name", ["buckets", "exponents", "frequencies", "intercepts", "whole"])
def test_a_state_with_a_shorter_tensor_is_damaged(name: str) -> None:
    shorter = fitted().to_state().tensors[NGRAMS][name][:-1]
    with pytest.raises((IntegrityError, MismatchError)):
        NgramHead.from_state(damaged(**{name: shorter}), labels=3)


def test_a_state_whose_ngrams_are_out_of_order_is_damaged() -> None:
    turned = np.flip(fitted().to_state().tensors[NGRAMS]["buckets"])
    with pytest.raises(IntegrityError):
        NgramHead.from_state(damaged(buckets=turned), labels=3)


def test_a_state_of_another_number_of_labels_belongs_to_another_skill() -> None:
    with pytest.raises(MismatchError, match="has 3 labels, the skill 4"):
        NgramHead.from_state(fitted().to_state(), labels=4)


def test_a_state_of_other_features_asks_for_an_update() -> None:
    state = fitted().to_state()
    other = replace(state, values={**state.values, "features": "words 1-9"})
    with pytest.raises(MismatchError, match="features that this version does not compute"):
        NgramHead.from_state(other, labels=3)

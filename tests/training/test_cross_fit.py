"""Simple candidates: each row is answered by a fit that did not see it, and all rows are learned from."""

from __future__ import annotations

import numpy as np
import pytest

from skillstack.routers.base import probabilities
from skillstack.routers.features import hash_rows
from skillstack.store.rows import Row
from skillstack.training.cross_fit import FOLDS, average, fold_of_each, linear, ngrams

LABELS = [row % 3 for row in range(90)]
WORDS = ("card", "transfer", "pin")
TEXTS = [Row(f"{WORDS[label]} number {row} of {row * 7 % 13}") for row, label in enumerate(LABELS)]


def features(spread: float = 1.0) -> np.ndarray:
    random = np.random.default_rng(0)
    centres = random.normal(size=(3, 8))
    found: np.ndarray = (centres[LABELS] + spread * random.normal(size=(90, 8))).astype(np.float32)
    return found


def test_every_fold_has_its_share_of_every_label() -> None:
    folds = fold_of_each(LABELS)
    for label in range(3):
        counts = np.bincount(folds[np.array(LABELS) == label], minlength=FOLDS)
        assert counts.max() - counts.min() <= 1


def test_rows_that_say_nothing_of_their_labels_are_answered_no_better_than_by_chance() -> None:
    random = np.random.default_rng(3).normal(size=(90, 8)).astype(np.float32)
    assert linear(random, LABELS, 3).count(LABELS).accuracy < 0.5


def test_words_that_tell_the_label_are_found_in_unseen_rows() -> None:
    assert ngrams(hash_rows(TEXTS), LABELS, 3).count(LABELS).correct == 90


def test_an_average_sums_the_logits_of_its_two_heads() -> None:
    rows, seen = hash_rows(TEXTS), features()
    one, other = linear(seen, LABELS, 3), ngrams(rows, LABELS, 3)
    both = average(one, other, LABELS)
    assert both.head is not None and both.ngrams is not None
    logits = both.head.logits(seen) + both.ngrams.of_hashed(rows)
    assert (logits.argmax(axis=1) == LABELS).all()


def test_probabilities_of_unseen_rows_are_as_high_as_their_accuracy() -> None:
    found = linear(features(2.0), LABELS, 3)
    sure = probabilities(found.unseen).max(axis=1).mean()
    assert sure == pytest.approx(found.count(LABELS).accuracy, abs=0.06)


def test_a_label_of_two_rows_is_compared_too() -> None:
    labels = [0] * 10 + [1] * 10 + [2] * 2
    rows = hash_rows([Row(f"{WORDS[label]} {row}") for row, label in enumerate(labels)])
    found = ngrams(rows, labels, 3)
    assert found.ngrams is not None and found.ngrams.labels == 3
    assert found.unseen.shape == (22, 3)
    assert np.isfinite(found.unseen).all()

"""Heads of labels in training: loss, measure on dev rows, and the logistic head in closed form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from skillstack.models.base import Base, autocast
from skillstack.models.features import pool
from skillstack.models.heads import Head, fit_logistic
from skillstack.skills.base import Loss, SkillOutcome, TrainingRows
from skillstack.store.records import Count

Floats = NDArray[np.float32]

#: Inverse penalties that a logistic head may have. Features of unit length times ten want weak heads when
#: there are 48 rows a class, and standardised ones weaker heads still.
PENALTIES: tuple[float, ...] = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


class HeadLoss:
    """Mean cross-entropy of rows, each with its own head."""

    def __init__(
        self, base: Base, data: TrainingRows, heads: Mapping[int, torch.nn.Linear], smoothing: float
    ) -> None:
        self._base, self._data, self._heads, self._smoothing = base, data, heads, smoothing

    def __call__(self, rows: Sequence[int]) -> torch.Tensor:
        """The loss of these rows, in nats."""
        with autocast(self._base):
            hidden, mask = self._data.cache.forward(rows)
        seen = pool(hidden, mask, self._base.pooling)
        numbers = [self._data.heads[row] if self._data.heads else 0 for row in rows]
        wanted = [self._data.labels[row] for row in rows]
        if len(set(numbers)) == 1:
            return self._cross_entropy(numbers[0], seen, wanted, "mean")
        parts = []
        for number in sorted(set(numbers)):
            places = [place for place, own in enumerate(numbers) if own == number]
            parts.append(
                self._cross_entropy(number, seen[places], [wanted[place] for place in places], "sum")
            )
        return torch.stack(parts).sum() / len(rows)

    def _cross_entropy(
        self, number: int, seen: torch.Tensor, wanted: Sequence[int], reduction: str
    ) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(
            self._heads[number](seen),
            torch.tensor(wanted, device=seen.device),
            label_smoothing=self._smoothing,
            reduction=reduction,
        )


class HeadTraining:
    """The training of a head beside the adapter.

    :ivar loss: cross-entropy.
    """

    def __init__(
        self,
        base: Base,
        train: TrainingRows,
        dev: TrainingRows,
        start: Head,
        labels: int,
        smoothing: float,
        read: tuple[Callable[[], Floats], Callable[[], Floats]],
    ) -> None:
        self._train, self._dev, self._labels = train, dev, labels
        self._read_train, self._read_dev = read
        # Decoders' features differ in scale by orders of magnitude from one dimension to the next.
        self._standardise = base.kind == "decoder"
        self._head = start.module(base.device)
        self.loss: Loss = HeadLoss(base, train, {0: self._head}, smoothing)
        self._seen_dev: Floats | None = None

    def parameters(self) -> dict[str, torch.nn.Parameter]:
        """Those of the head."""
        return {f"head.{name}": parameter for name, parameter in self._head.named_parameters()}

    def moved(self) -> None:
        """Forget the features of dev rows."""
        self._seen_dev = None

    def measure(self) -> SkillOutcome:
        """The head as it is now, and its right answers."""
        head = Head.from_module(self._head)
        if not self._dev.labels:
            return SkillOutcome(head, Count(0, 0))
        return SkillOutcome(head, measure(head, self._dev_features(), self._dev.labels))

    def refit(self, penalty: float = 0.0) -> SkillOutcome:
        """The logistic head on features with the adapter as it is now."""
        rows, labels = self._read_train(), self._train.labels
        if penalty:
            head = fit_logistic(rows, labels, self._labels, penalty, standardise=self._standardise)
            return SkillOutcome(head, Count(0, 0), penalty)
        return logistic(
            rows,
            labels,
            self._dev_features(),
            self._dev.labels,
            self._labels,
            standardise=self._standardise,
        )

    def _dev_features(self) -> Floats:
        """Dev features of the adapter as it is now; computed once for each state of it."""
        if self._seen_dev is None:
            self._seen_dev = self._read_dev()
        return self._seen_dev


def right_answers(logits: Floats, gold: Sequence[int]) -> NDArray[np.bool_]:
    """Bool [rows]: where the label of the highest logit is the right one."""
    found: NDArray[np.bool_] = logits.argmax(axis=1) == np.asarray(gold)
    return found


def measure(head: Head, features: Floats, labels: Sequence[int]) -> Count:
    """Accuracy of a head on features ``[rows, hidden_size]``."""
    return Count(int(right_answers(head.logits(features), labels).sum()), len(labels))


def best_logistic(
    train: Floats,
    train_labels: Sequence[int],
    dev: Floats,
    dev_labels: Sequence[int],
    n_classes: int,
    *,
    standardise: bool,
    penalties: Sequence[float] = PENALTIES,
) -> tuple[Head, Count]:
    """The logistic head whose penalty dev prefers, the strongest penalty of equals, with its dev accuracy."""
    found = logistic(
        train, train_labels, dev, dev_labels, n_classes, standardise=standardise, penalties=penalties
    )
    if found.head is None:
        raise ValueError("a logistic regression has a head")
    return found.head, found.dev


def logistic(
    train: Floats,
    train_labels: Sequence[int],
    dev: Floats,
    dev_labels: Sequence[int],
    n_classes: int,
    *,
    standardise: bool,
    penalties: Sequence[float] = PENALTIES,
) -> SkillOutcome:
    """As `best_logistic`, with the penalty."""
    found: SkillOutcome | None = None
    for penalty in penalties:
        head = fit_logistic(train, train_labels, n_classes, penalty, standardise=standardise)
        count = measure(head, dev, dev_labels)
        if found is None or count.correct > found.dev.correct:
            found = SkillOutcome(head, count, penalty)
    if found is None:
        raise ValueError("no penalties to choose from")
    return found

"""Classification: a text has one of a skill's labels. A head, or a state in its place, gives their logits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from skillstack.errors import MismatchError
from skillstack.models import canaries
from skillstack.models.answering import Answering
from skillstack.models.base import Base, autocast
from skillstack.models.canaries import Canaries
from skillstack.models.encoding import Encoded, encode
from skillstack.models.features import features_of, pool
from skillstack.models.heads import Head, fit_logistic, stored_head
from skillstack.models.lora import LoraSpec
from skillstack.models.slot import Slot
from skillstack.models.split import SplitModel
from skillstack.skills import registry
from skillstack.skills.base import (
    Answer,
    CanaryFound,
    Loss,
    SkillOutcome,
    Tensors,
    TrainingRows,
    frame_adapter,
)
from skillstack.store.records import CLASSIFICATION, Count, FrameRecord, Rendering, Skill
from skillstack.store.rows import Row
from skillstack.store.states import read_state
from skillstack.store.store import Store

Floats = NDArray[np.float32]

#: Inverse penalties that a logistic head may have. Features of unit length times ten want weak heads when
#: there are 48 rows a class, and standardised ones weaker heads still.
PENALTIES: tuple[float, ...] = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


class LabelScorer(Protocol):
    """What gives logits: a head, or what a state is read as."""

    def logits(self, features: Floats, /) -> Floats:
        """Logits ``[rows, labels]`` of features ``[rows, hidden_size]``."""


@dataclass(frozen=True, eq=False)
class LabelAnswerer:
    """A classification, ready to answer.

    :ivar key: digests of the adapter's config and tensors, or empty without an adapter.
    :ivar load: reads the adapter's tensors.
    :ivar spec: the adapter's shape, or None.
    :ivar head: gives the logits.
    :ivar rendering: how rows become the model's input.
    :ivar name: what errors call it.
    """

    kind: ClassVar[str] = CLASSIFICATION
    key: str
    load: Callable[[], Tensors]
    spec: LoraSpec | None
    head: LabelScorer
    rendering: Rendering
    name: str = "this one"


@dataclass(frozen=True, eq=False)
class LabelAnswer:
    """One row's answer.

    :ivar logits: ``[labels]``.
    :ivar truncated: whether the row was too long and was cut; unknown, and False, of kept answers.
    """

    logits: Floats
    truncated: bool = False


class Classification:
    """The kind of skills with labels."""

    name = CLASSIFICATION

    def answerer(self, store: Store, content: FrameRecord, skill: Skill) -> LabelAnswerer:
        """As the protocol says, with the skill's head, or its state as the registry reads it."""
        head, adapter = _scorer(store, content, skill), frame_adapter(store, content)
        return LabelAnswerer(adapter.key, adapter.load, adapter.spec, head, skill.rendering, content.name)

    def answer(
        self, model: Answering, rows: Sequence[Row], answerers: Sequence[LabelAnswerer]
    ) -> list[LabelAnswer]:
        """As the protocol says."""
        found: dict[int, LabelAnswer] = {}
        for seen in model.read(rows, answerers):
            asked = answerers[seen.row]
            logits = _finite(asked.head.logits(seen.features[None])[0], asked.name)
            found[seen.row] = LabelAnswer(logits, seen.truncated)
        return [found[row] for row in range(len(rows))]

    def collected(self, answers: Sequence[LabelAnswer], skill: Skill) -> Floats:
        """Logits ``[rows, labels]``."""
        if not answers:
            return np.zeros((0, len(skill.labels)), dtype=np.float32)
        return np.stack([answer.logits for answer in answers])

    def scores(self, collected: Floats, gold: Sequence[int]) -> NDArray[np.float64]:
        """1 where the label of the highest logit is the right one, and 0 elsewhere."""
        right: NDArray[np.bool_] = collected.argmax(axis=1) == np.asarray(gold)
        return right.astype(np.float64)

    def pack(self, answers: Sequence[LabelAnswer]) -> dict[str, NDArray[np.generic]]:
        """The logits."""
        return {"logits": np.stack([answer.logits for answer in answers]).astype(np.float32, copy=False)}

    def unpack(self, tensors: Tensors, rows: int, skill: Skill) -> list[LabelAnswer] | None:
        """As the protocol says."""
        logits = tensors.get("logits")
        if logits is None or logits.shape != (rows, len(skill.labels)):
            return None
        return [LabelAnswer(row) for row in logits.astype(np.float32, copy=False)]

    def loss(
        self, base: Base, rows: TrainingRows, heads: Mapping[int, torch.nn.Linear], smoothing: float
    ) -> Loss:
        """Mean cross-entropy."""
        return HeadLoss(base, rows, heads, smoothing)

    def training(
        self,
        base: Base,
        train: TrainingRows,
        dev: TrainingRows,
        start: Head | None,
        *,
        labels: int,
        smoothing: float,
        read_train: Callable[[], Floats],
        read_dev: Callable[[], Floats],
    ) -> HeadTraining:
        """As the protocol says; a start is needed."""
        if start is None:
            raise ValueError("a classification starts from a head")
        read = (read_train, read_dev)
        return HeadTraining(base, train, dev, start, labels, smoothing, read)

    def canary(self, model: Answering, answerer: LabelAnswerer, *, pair: bool) -> dict[str, object]:
        """Logits with the adapter and without it."""
        encoded = encode(model.slot.base, canaries.rows(pair=pair), answerer.rendering)
        model.slot.clear()
        plain = skill_logits(model.slot, encoded, answerer.head)
        model.swap(answerer)
        return Canaries(plain, skill_logits(model.slot, encoded, answerer.head)).to_value()

    def compare(
        self, model: Answering, answerer: LabelAnswerer, stored: object, *, pair: bool, trained: str
    ) -> CanaryFound:
        """As the protocol says; answers are the same where their label is."""
        kept = Canaries.from_value(stored)
        encoded = encode(model.slot.base, canaries.rows(pair=pair), answerer.rendering)
        model.swap(answerer)
        found = skill_logits(model.slot, encoded, answerer.head)
        return CanaryFound(
            distance=kept.distance(found),
            effect=kept.effect,
            limit=max(kept.limit(precision) for precision in (model.slot.base.precision, trained)),
            same=int((kept.adapted.argmax(axis=1) == found.argmax(axis=1)).sum()),
            n=len(found),
        )


KIND = Classification()


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
        return SkillOutcome(head, measure(head, self._dev_features(), self._dev.labels))

    def refit(self) -> SkillOutcome:
        """The logistic head on features with the adapter as it is now."""
        head, count = best_logistic(
            self._read_train(),
            self._train.labels,
            self._dev_features(),
            self._dev.labels,
            self._labels,
            standardise=self._standardise,
        )
        return SkillOutcome(head, count)

    def _dev_features(self) -> Floats:
        """Dev features of the adapter as it is now; computed once for each state of it."""
        if self._seen_dev is None:
            self._seen_dev = self._read_dev()
        return self._seen_dev


def measure(head: Head, features: Floats, labels: Sequence[int]) -> Count:
    """Accuracy of a head on features ``[rows, hidden_size]``."""
    return Count(int(KIND.scores(head.logits(features), labels).sum()), len(labels))


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
    found: tuple[Head, Count] | None = None
    for penalty in penalties:
        head = fit_logistic(train, train_labels, n_classes, penalty, standardise=standardise)
        count = measure(head, dev, dev_labels)
        if found is None or count.correct > found[1].correct:
            found = head, count
    if found is None:
        raise ValueError("no penalties to choose from")
    return found


def labelled(answer: Answer) -> LabelAnswer:
    """An answer that has labels.

    :raises MismatchError: if it is of another kind.
    """
    if not isinstance(answer, LabelAnswer):
        raise MismatchError(
            "An answer without labels stands where one with labels is needed.",
            "Leave the skills out that are no classifications.",
        )
    return answer


def bare(head: Head, skill: Skill) -> LabelAnswerer:
    """A head of a skill's labels on the base alone."""
    return LabelAnswerer("", dict, None, head, skill.rendering, skill.name)


def skill_logits(slot: Slot, encoded: Encoded, head: LabelScorer) -> Floats:
    """Logits ``[rows, labels]`` of a head over what is in the slot now.

    :raises MismatchError: if the head does not fit, or a logit is not finite.
    """
    return _finite(head.logits(features_of(SplitModel(slot.base, 0), encoded)), "this one")


def _scorer(store: Store, content: FrameRecord, skill: Skill) -> LabelScorer:
    if skill.state is None:
        return stored_head(store, content, skill)
    state = read_state(store, skill.state)
    found: LabelScorer = registry.state_reader(CLASSIFICATION, state.type, skill.name)(state, content, skill)
    return found


def _finite(logits: Floats, name: str) -> Floats:
    if not np.isfinite(logits).all():
        raise MismatchError(
            f"Of the frame {name!r}, a logit is not finite.",
            "It is damaged, or the precision too low for it: `skillstack verify --deep` says which.",
        )
    return logits

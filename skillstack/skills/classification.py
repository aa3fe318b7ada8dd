"""Classification: a text has one of a skill's labels.

Their logits are the sum of what a head says of the base's features and a head on n-grams of the text; either
may be missing. Other states than n-grams take the head's place.
"""

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
from skillstack.models.base import Base
from skillstack.models.canaries import Canaries
from skillstack.models.encoding import Encoded, encode
from skillstack.models.features import features_of
from skillstack.models.heads import Head, stored_head
from skillstack.models.lora import LoraSpec
from skillstack.models.slot import Slot
from skillstack.models.split import SplitModel
from skillstack.skills import registry
from skillstack.skills.base import (
    Answer,
    CanaryFound,
    Loss,
    Tensors,
    TrainingRows,
    frame_adapter,
)
from skillstack.skills.head_training import HeadLoss, HeadTraining, right_answers
from skillstack.skills.ngrams import NGRAMS, NgramHead
from skillstack.store.records import CLASSIFICATION, FrameRecord, Rendering, Skill
from skillstack.store.rows import Row
from skillstack.store.states import read_state
from skillstack.store.store import Store

Floats = NDArray[np.float32]


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
    :ivar head: gives the logits of features; None where n-grams alone answer.
    :ivar rendering: how rows become the model's input.
    :ivar name: what errors call it.
    :ivar ngrams: gives the logits of texts, which are added; None for none.
    """

    kind: ClassVar[str] = CLASSIFICATION
    key: str
    load: Callable[[], Tensors]
    spec: LoraSpec | None
    head: LabelScorer | None
    rendering: Rendering
    name: str = "this one"
    ngrams: NgramHead | None = None


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
        """As the protocol says, with the skill's head, and its state as the registry reads it."""
        (head, ngrams), adapter = scorers(store, content, skill), frame_adapter(store, content)
        return LabelAnswerer(
            adapter.key, adapter.load, adapter.spec, head, skill.rendering, content.name, ngrams
        )

    def answer(
        self, model: Answering, rows: Sequence[Row], answerers: Sequence[LabelAnswerer]
    ) -> list[LabelAnswer]:
        """As the protocol says."""
        found = ngram_logits(rows, answerers)
        cut = dict.fromkeys(range(len(rows)), False)
        places = [place for place, asked in enumerate(answerers) if asked.head is not None]
        for seen in model.read([rows[place] for place in places], [answerers[place] for place in places]):
            place = places[seen.row]
            head = answerers[place].head
            if head is not None:
                logits = head.logits(seen.features[None])[0]
                found[place] = logits + found[place] if place in found else logits
            cut[place] = seen.truncated
        return [
            LabelAnswer(_finite(found[place], answerers[place].name), cut[place])
            for place in range(len(rows))
        ]

    def collected(self, answers: Sequence[LabelAnswer], skill: Skill) -> Floats:
        """Logits ``[rows, labels]``."""
        if not answers:
            return np.zeros((0, len(skill.labels)), dtype=np.float32)
        return np.stack([answer.logits for answer in answers])

    def scores(self, collected: Floats, gold: Sequence[int]) -> NDArray[np.float64]:
        """1 where the label of the highest logit is the right one, and 0 elsewhere."""
        return right_answers(collected, gold).astype(np.float64)

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
        """Logits with the adapter and without it, by the head on features where there is one.

        A head on n-grams needs no proof that it acts: its file's digest is all that decides what it says.
        """
        model.slot.clear()
        plain = _canary_logits(model, answerer, pair=pair)
        model.swap(answerer)
        return Canaries(plain, _canary_logits(model, answerer, pair=pair)).to_value()

    def compare(
        self, model: Answering, answerer: LabelAnswerer, stored: object, *, pair: bool, trained: str
    ) -> CanaryFound:
        """As the protocol says; answers are the same where their label is."""
        kept = Canaries.from_value(stored)
        model.swap(answerer)
        found = _canary_logits(model, answerer, pair=pair)
        return CanaryFound(
            distance=kept.distance(found),
            effect=kept.effect,
            limit=max(kept.limit(precision) for precision in (model.slot.base.precision, trained)),
            same=int((kept.adapted.argmax(axis=1) == found.argmax(axis=1)).sum()),
            n=len(found),
        )


KIND = Classification()


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


def ngram_logits(rows: Sequence[Row], answerers: Sequence[LabelAnswerer]) -> dict[int, Floats]:
    """Logits ``[labels]`` by the heads on n-grams, by the place of the row; rows without one are left out."""
    found: dict[int, Floats] = {}
    heads = {id(asked.ngrams): asked.ngrams for asked in answerers if asked.ngrams is not None}
    for key, head in heads.items():
        places = [place for place, asked in enumerate(answerers) if id(asked.ngrams) == key]
        found.update(zip(places, head.logits([rows[place] for place in places]), strict=True))
    return found


def _canary_logits(model: Answering, answerer: LabelAnswerer, *, pair: bool) -> Floats:
    """Logits of the canary sentences by what is in the slot now."""
    rows = canaries.rows(pair=pair)
    if answerer.head is None:
        return np.stack([ngram_logits([row], [answerer])[0] for row in rows])
    return skill_logits(model.slot, encode(model.slot.base, rows, answerer.rendering), answerer.head)


def scorers(store: Store, content: FrameRecord, skill: Skill) -> tuple[LabelScorer | None, NgramHead | None]:
    """What gives logits of features, and what gives logits of texts."""
    head = stored_head(store, content, skill) if skill.head is not None else None
    if skill.state is None:
        return head, None
    state = read_state(store, skill.state)
    if state.type == NGRAMS:
        return head, NgramHead.from_state(state, labels=len(skill.labels))
    found: LabelScorer = registry.state_reader(CLASSIFICATION, state.type, skill.name)(state, content, skill)
    return found, None


def _finite(logits: Floats, name: str) -> Floats:
    if not np.isfinite(logits).all():
        raise MismatchError(
            f"Of the frame {name!r}, a logit is not finite.",
            "It is damaged, or the precision too low for it: `skillstack verify --deep` says which.",
        )
    return logits

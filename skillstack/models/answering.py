"""Logits of frames over a base: rows are grouped by frame, each frame is swapped in once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import MismatchError
from skillstack.frames.records import Rendering
from skillstack.frames.rows import Row
from skillstack.models.encoding import Encoded, encode
from skillstack.models.features import features_of
from skillstack.models.frame_cache import FrameCache
from skillstack.models.heads import Head
from skillstack.models.lora import LoraSpec
from skillstack.models.slot import Slot
from skillstack.models.split import SplitModel

Floats = NDArray[np.float32]
#: Most padded tokens in one batch when answering; bounds memory for long texts.
TOKENS = 4096


@dataclass(frozen=True, eq=False)
class Answerer:
    """A skill, ready to answer.

    :ivar key: digest of the adapter's tensors, or empty without an adapter.
    :ivar load: reads the adapter's tensors.
    :ivar spec: the adapter's shape, or None.
    :ivar head: the skill's head.
    :ivar rendering: how rows become the model's input.
    """

    key: str
    load: Callable[[], Mapping[str, NDArray[np.generic]]]
    spec: LoraSpec | None
    head: Head
    rendering: Rendering


@dataclass(frozen=True)
class Answer:
    """One row's answer.

    :ivar logits: ``[labels]``.
    :ivar truncated: whether the row was too long and was cut.
    """

    logits: Floats
    truncated: bool


class Answering:
    """A base with its slot and a bounded cache of frames.

    :ivar slot: the slot.
    :ivar cache: frames' tensors by digest.
    """

    def __init__(self, slot: Slot, cache: FrameCache | None = None) -> None:
        self.slot = slot
        self.cache = cache if cache is not None else FrameCache()

    def swap(self, answerer: Answerer) -> None:
        """Put a skill's adapter into the slot, or leave the base alone where it has none.

        :raises MismatchError: if the adapter does not fit the base.
        """
        if answerer.spec is None:
            self.slot.clear()
        else:
            self.slot.copy_in(self.cache.get(answerer.key, answerer.load), answerer.spec)

    def answer(self, rows: Sequence[Row], answerers: Sequence[Answerer]) -> list[Answer]:
        """Each row's answer by its own skill; the order of the rows is kept.

        :param answerers: one per row.
        :raises MismatchError: if an adapter or a head does not fit the base, or a logit is not finite.
        """
        found: list[Answer | None] = [None] * len(rows)
        groups: dict[int, tuple[Answerer, list[int]]] = {}
        for number, answerer in enumerate(answerers):
            groups.setdefault(id(answerer), (answerer, []))[1].append(number)
        # Skills of one adapter follow each other, so that it is swapped in once.
        for answerer, numbers in sorted(groups.values(), key=lambda group: group[0].key):
            self.swap(answerer)
            encoded = encode(self.slot.base, [rows[number] for number in numbers], answerer.rendering)
            logits = skill_logits(self.slot, encoded, answerer.head)
            for place, number in enumerate(numbers):
                found[number] = Answer(logits[place], encoded.cut[place])
        return [answer for answer in found if answer is not None]


def skill_logits(slot: Slot, encoded: Encoded, head: Head) -> Floats:
    """Logits ``[rows, labels]`` of a head over what is in the slot now.

    :raises MismatchError: if the head does not fit, or a logit is not finite.
    """
    logits = head.logits(features_of(SplitModel(slot.base, 0), encoded))
    if not np.isfinite(logits).all():
        raise MismatchError(
            "A logit is not finite.", "The frame is damaged, or the precision too low for it."
        )
    return logits


def softmax(logits: Floats) -> NDArray[np.float64]:
    """Probabilities ``[labels]`` of one row's logits."""
    exponents = np.exp(logits.astype(np.float64) - float(logits.max()))
    shares: NDArray[np.float64] = exponents / exponents.sum()
    return shares

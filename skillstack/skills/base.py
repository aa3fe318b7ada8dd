"""What a kind of skill is: the protocol that each file here fulfils, and what passes through it.

Predictor, training, canaries and evaluation ask the kind of a skill, which `registry` finds by its name. They
assume neither a head nor labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from skillstack.models import adapter_config
from skillstack.models.answering import Reader
from skillstack.store.records import Count, FrameRecord, Skill
from skillstack.store.rows import Row
from skillstack.store.store import Store

if TYPE_CHECKING:
    import torch

    from skillstack.models.answering import Answering
    from skillstack.models.base import Base
    from skillstack.models.features import HiddenCache
    from skillstack.models.heads import Head
    from skillstack.models.lora import LoraSpec

Tensors = Mapping[str, NDArray[np.generic]]

#: The mean loss of some rows, by the model as it is now.
Loss = Callable[[Sequence[int]], "torch.Tensor"]


@dataclass(frozen=True, eq=False)
class FrameAdapter:
    """The adapter that a skill is asked with.

    :ivar key: digests of the adapter's config and tensors, or empty without an adapter.
    :ivar load: reads its tensors.
    :ivar spec: its shape, or None.
    """

    key: str
    load: Callable[[], Tensors]
    spec: LoraSpec | None


def frame_adapter(store: Store, content: FrameRecord) -> FrameAdapter:
    """The adapter of a content; its config is read now, and its tensors when they are needed.

    :raises IntegrityError: if the config is missing or altered.
    """
    ref = content.adapter
    if ref is None:
        return FrameAdapter("", dict, None)
    spec = adapter_config.parse(store.adapter_config(ref)).spec
    return FrameAdapter(f"{ref.config}:{ref.model}", lambda: store.adapter_tensors(ref), spec)


class Answerer(Reader, Protocol):
    """A skill, ready to answer: the kind of skill that made it knows what else it has."""

    @property
    def kind(self) -> str:
        """Name of its kind."""

    @property
    def name(self) -> str:
        """What errors call it."""


class Answer(Protocol):
    """One row's answer: the result of a kind."""

    @property
    def truncated(self) -> bool:
        """Whether the row was too long and was cut."""


class TrainingRows(Protocol):
    """Rows that a loss is taken of.

    :ivar labels: the right label of each row.
    :ivar heads: of each row the number of its head; all rows have head 0 where it is empty.
    """

    labels: Sequence[int]
    heads: Sequence[int]

    @property
    def cache(self) -> HiddenCache:
        """Their lower states."""


@dataclass(frozen=True)
class CanaryFound:
    """How a skill's answers to the canary sentences compare with the stored ones.

    :ivar distance: how far away they are.
    :ivar effect: how far away the bare base's are.
    :ivar limit: the largest distance that passes.
    :ivar same: answers that are the same for whoever reads them.
    :ivar n: answers asked.
    """

    distance: float
    effect: float
    limit: float
    same: int
    n: int


@dataclass(frozen=True, eq=False)
class SkillOutcome:
    """What a training has taught a skill beside the adapter, up to some step.

    :ivar head: its head, or None where the kind has none.
    :ivar dev: answers to dev rows.
    :ivar penalty: inverse penalty of a head in closed form; 0 for any other.
    """

    head: Head | None
    dev: Count
    penalty: float = 0.0


class SkillTraining(Protocol):
    """One training of a skill, as far as the kind decides it. The adapter is in the slot.

    :ivar loss: what training lowers.
    """

    loss: Loss

    def parameters(self) -> Mapping[str, torch.nn.Parameter]:
        """What is trained beside the adapter, by the names that checkpoints keep; none of many kinds."""

    def moved(self) -> None:
        """Forget what was remembered of the weights: they have moved."""

    def measure(self) -> SkillOutcome:
        """What the weights as they are now give on dev rows."""

    def refit(self, penalty: float = 0.0) -> SkillOutcome | None:
        """What a closed form on top of the adapter gives in place of what was trained; None without one.

        :param penalty: its inverse penalty; 0 for the one that dev prefers.
        """


AnswererT = TypeVar("AnswererT", bound=Answerer)
AnswerT = TypeVar("AnswerT", bound=Answer)


class SkillKind(Protocol[AnswererT, AnswerT]):
    """A kind of skill. A module has one as ``KIND``.

    :ivar name: as records have it.
    """

    name: str

    # answering

    def answerer(self, store: Store, content: FrameRecord, skill: Skill) -> AnswererT:
        """A skill, ready to answer with the adapter of a content, which need not be its own frame's.

        :raises IntegrityError: if a file is missing or altered.
        :raises StoreError: if its state is of a type that this version does not know.
        """

    def answer(
        self, model: Answering, rows: Sequence[Row], answerers: Sequence[AnswererT]
    ) -> Sequence[AnswerT]:
        """Each row's answer by its own answerer; the order of the rows is kept.

        :raises MismatchError: if an adapter or a head does not fit the base, or a number is not finite.
        """

    # scoring

    def collected(self, answers: Sequence[AnswerT], skill: Skill) -> Any:
        """Answers of one skill in the form that is scored; also of no answer at all."""

    def scores(self, collected: Any, gold: Sequence[Any]) -> NDArray[np.float64]:
        """How good each answer is against the right one, 0 to 1, ``[rows]``.

        It is 0 or 1 where an answer is right or wrong.

        :param collected: as `collected` gives them.
        :param gold: the right answer of each row.
        """

    def pack(self, answers: Sequence[AnswerT]) -> dict[str, NDArray[np.generic]]:
        """What of at least one answer is kept for later; `unpack` reads it."""

    def unpack(self, tensors: Tensors, rows: int, skill: Skill) -> Sequence[AnswerT] | None:
        """Answers that were kept; None where the tensors are not of so many answers of this skill."""

    # training

    def loss(
        self,
        base: Base,
        rows: TrainingRows,
        heads: Mapping[int, torch.nn.Linear],
        smoothing: float,
    ) -> Loss:
        """What training lowers, also where rows of several skills are mixed.

        :param heads: the heads that are trained, by their numbers; none where the kind has no heads.
        :param smoothing: of labels, 0 to 1.
        """

    def training(
        self,
        base: Base,
        train: TrainingRows,
        dev: TrainingRows,
        start: Head | None,
        *,
        labels: int,
        smoothing: float,
        read_train: Callable[[], NDArray[np.float32]],
        read_dev: Callable[[], NDArray[np.float32]],
    ) -> SkillTraining:
        """A training of one skill.

        :param start: the head that it starts from, where the kind has one.
        :param labels: how many there are.
        :param read_train: gives features ``[rows, hidden_size]`` of the training rows, with the adapter as it
            is then.
        :param read_dev: gives those of the dev rows.
        """

    # canaries

    def canary(self, model: Answering, answerer: AnswererT, *, pair: bool) -> Mapping[str, object]:
        """What proves later that a skill is loaded and acts: its part of a frame's canary record.

        :param pair: whether a row has a second text.
        """

    def compare(
        self, model: Answering, answerer: AnswererT, stored: object, *, pair: bool, trained: str
    ) -> CanaryFound:
        """Ask the canary sentences, and hold the answers against the stored ones.

        At another precision than that of the training, the rougher of the two sets the limit.

        :param stored: as `canary` gave it.
        :param trained: the precision of the training.
        :raises IntegrityError: if what was stored is damaged.
        :raises MismatchError: if a frame does not fit the base.
        """

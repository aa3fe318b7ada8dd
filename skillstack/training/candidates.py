"""Candidates for a frame: heads fitted on features, and what dev prefers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from skillstack.models.base import Base
from skillstack.models.heads import Head, centred, fit_logistic, label_word_head
from skillstack.skills.head_training import best_logistic, measure
from skillstack.skills.ngrams import NgramHead
from skillstack.store.records import Count
from skillstack.training.encoded import EncodedDataset, Floats
from skillstack.training.recipe import Recipe

#: What the mean of the last weights is called.
AVERAGE = "average"
#: What an adapter with a logistic head on its own features is called.
REFIT = "refit"
#: How the name of a candidate begins that is the weights after a step; the step's number follows.
STEP = "step "


@dataclass(frozen=True, eq=False)
class FrameCandidate:
    """An adapter and a head that could be the frame.

    :ivar name: how it came to be: ``frozen-linear``, ``start``, ``epoch 3``, ``average``, ``refit``, ...
    :ivar adapter: tensors by their PEFT names; None for the bare base.
    :ivar learned_head: the head, or None where the kind of skill has none.
    :ivar dev: accuracy on rows that it did not learn from when it was measured.
    :ivar penalty: inverse penalty of a head that was fitted on its features; 0 for any other.
    :ivar ngrams: the head on n-grams whose logits are added; None for none.
    """

    name: str
    adapter: Mapping[str, Floats] | None
    learned_head: Head | None
    dev: Count
    penalty: float = 0.0
    ngrams: NgramHead | None = None

    @property
    def head(self) -> Head:
        """The head, for what needs one.

        :raises ValueError: if there is none.
        """
        if self.learned_head is None:
            raise ValueError(f"the candidate {self.name!r} has no head")
        return self.learned_head


@dataclass(frozen=True, eq=False)
class Choice:
    """What a training on a part of the rows chose.

    :ivar candidate: the chosen one, with its dev accuracy.
    :ivar rows: rows that it was trained on.
    """

    candidate: FrameCandidate
    rows: int

    @property
    def is_trained(self) -> bool:
        """Whether steps were taken for it; a start and label words need none."""
        return self.candidate.name in (AVERAGE, REFIT) or self.candidate.name.startswith(STEP)

    def last_step(self, steps: int) -> int:
        """The step after which it was taken, of so many in all."""
        name = self.candidate.name
        return int(name.removeprefix(STEP)) if name.startswith(STEP) else steps


def preferred(candidates: Sequence[FrameCandidate]) -> FrameCandidate:
    """The candidate that dev prefers; of equals the last one, which has seen most."""
    return max(reversed(candidates), key=lambda one: one.dev.correct)


class FeatureHeads:
    """Heads fitted on the features that one adapter gives a task's rows, each measured on dev.

    Features are read when they are first needed; the adapter has to be in the slot then.
    """

    def __init__(
        self,
        base: Base,
        train: EncodedDataset,
        dev: EncodedDataset,
        labels: int,
        read: Callable[[EncodedDataset], Floats] = EncodedDataset.features,
    ) -> None:
        """Take the rows.

        :param labels: how many there are.
        :param read: gives features ``[rows, hidden_size]`` of all rows.
        """
        self._base, self._train, self._dev, self._labels, self._read = base, train, dev, labels, read

    @cached_property
    def train(self) -> Floats:
        """Features of the training rows."""
        return self._read(self._train)

    @cached_property
    def dev(self) -> Floats:
        """Features of the dev rows."""
        return self._read(self._dev)

    @cached_property
    def best(self) -> tuple[Head, Count]:
        """As `best_logistic`."""
        return best_logistic(
            self.train,
            self._train.labels,
            self.dev,
            self._dev.labels,
            self._labels,
            standardise=self._base.kind == "decoder",
        )

    def measure(self, head: Head) -> Count:
        """Dev accuracy of a head."""
        return measure(head, self.dev, self._dev.labels)

    def starting(
        self, recipe: Recipe, label_words: Sequence[str], adapter: Mapping[str, Floats] | None = None
    ) -> tuple[Head, list[FrameCandidate]]:
        """The head that a training starts from, and a decoder's heads of label words as candidates.

        It is the logistic head of the recipe's penalty, or label words where they do as well on dev.

        :param adapter: which the features were read with.
        """
        decoder, penalty = self._base.kind == "decoder", recipe.start_penalty
        if penalty:
            head = fit_logistic(self.train, self._train.labels, self._labels, penalty, standardise=decoder)
        else:
            head, _ = self.best
        if not (decoder and recipe.words and label_words):
            return head, []
        plain = label_word_head(self._base, label_words)
        by_words = [
            FrameCandidate(name, adapter, words, self.measure(words))
            for name, words in (("label-words", plain), ("centred label-words", centred(plain, self.train)))
        ]
        chosen = preferred([FrameCandidate("start", adapter, head, self.measure(head)), *by_words])
        return chosen.head, by_words

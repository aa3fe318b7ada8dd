"""The head that a training starts from and the one that answers, by the same rules for every method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skillstack.frames.records import Count
from skillstack.models.heads import Head, centred, fit_logistic, label_word_head
from skillstack.training.candidates import best_logistic, measure
from skillstack.training.methods.lessons import Floats, Lesson, Passages
from skillstack.training.methods.method import Terms


def starting_head(terms: Terms, lesson: Lesson, *, bare: bool) -> Head:
    """The logistic head of the recipe's penalty on the features as they are now, or a decoder's label words.

    :param bare: whether what is in the slot changes nothing yet, so that the base's own features will do.
        The slot is cleared for them.
    """
    recipe, base = terms.recipe, terms.slot.base
    decoder = base.kind == "decoder"
    words = lesson.rendering.label_words if decoder and recipe.words else ()
    seen = _features(lesson.train, bare=bare)
    if recipe.start_penalty and not words:
        # Nothing is chosen on dev, so it is not read.
        return fit_logistic(
            seen, lesson.train_labels, lesson.labels, recipe.start_penalty, standardise=decoder
        )
    seen_dev = _features(lesson.dev, bare=bare)
    if recipe.start_penalty:
        head = fit_logistic(
            seen, lesson.train_labels, lesson.labels, recipe.start_penalty, standardise=decoder
        )
    else:
        head, _ = best_logistic(
            seen, lesson.train_labels, seen_dev, lesson.dev_labels, lesson.labels, standardise=decoder
        )
    if words:
        count = measure(head, seen_dev, lesson.dev_labels)
        plain = label_word_head(base, words)
        for rival in (plain, centred(plain, seen)):
            rival_count = measure(rival, seen_dev, lesson.dev_labels)
            if rival_count.correct >= count.correct:
                head, count = rival, rival_count
    return head


@dataclass(frozen=True, eq=False)
class Answering:
    """What answers for a task.

    :ivar head: the head.
    :ivar bare: whether it reads the features of the bare base, and no adapter.
    """

    head: Head
    bare: bool = False


def answering_head(terms: Terms, lesson: Lesson, trained: Head) -> Answering:
    """The head that dev prefers of those that a frame may end with: frozen-linear, trained and refitted.

    Of equals the later one, as in a frame's training. The slot holds the trained adapter, and may be clear
    afterwards.
    """
    standardise = terms.slot.base.kind == "decoder"
    seen_dev = lesson.dev.features()
    found = [(measure(trained, seen_dev, lesson.dev_labels).correct, Answering(trained))]
    if terms.recipe.refit:
        fitted, count = best_logistic(
            lesson.train.features(),
            lesson.train_labels,
            seen_dev,
            lesson.dev_labels,
            lesson.labels,
            standardise=standardise,
        )
        found.append((count.correct, Answering(fitted)))
    frozen, count = frozen_head(terms, lesson)
    found.insert(0, (count.correct, Answering(frozen, bare=True)))
    most = max(correct for correct, _ in found)
    return [answering for correct, answering in found if correct == most][-1]


def frozen_head(terms: Terms, lesson: Lesson) -> tuple[Head, Count]:
    """The logistic head on the bare base whose penalty dev prefers, with its dev accuracy."""
    return best_logistic(
        lesson.train.bare(),
        lesson.train_labels,
        lesson.dev.bare(),
        lesson.dev_labels,
        lesson.labels,
        standardise=terms.slot.base.kind == "decoder",
    )


def head_logits(answering: Answering, passages: Passages, rows: Sequence[int] | None) -> Floats:
    """Logits ``[rows, labels]``; with the slot's adapter, unless the head reads the bare base."""
    if not answering.bare:
        return answering.head.logits(passages.features(rows))
    seen = passages.bare()
    return answering.head.logits(seen if rows is None else seen[list(rows)])


def _features(passages: Passages, *, bare: bool) -> Floats:
    return passages.bare() if bare else passages.features()


def head_size(heads: Sequence[Head]) -> int:
    """Numbers in heads."""
    return sum(tensor.size for head in heads for tensor in head.tensors().values())

"""The head that a training starts from, by the same rule for every method."""

from __future__ import annotations

from collections.abc import Sequence

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


def _features(passages: Passages, *, bare: bool) -> Floats:
    return passages.bare() if bare else passages.features()


def head_size(heads: Sequence[Head]) -> int:
    """Numbers in heads."""
    return sum(tensor.size for head in heads for tensor in head.tensors().values())

"""The frozen-linear baseline: a logistic head on the frozen base, taught the same rows as a frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from skillstack.data.task import Example, TaskData
from skillstack.errors import InputError, UsageError
from skillstack.evaluation.predictions import BaselineHead
from skillstack.store.records import FrameRecord, Skill, taught
from skillstack.training.baseline import SAMPLING, baseline_key, kept_baselines, sampling

if TYPE_CHECKING:
    from skillstack.models.heads import Floats, Head
    from skillstack.predictor import Predictor
    from skillstack.training.data import FrameData


def frozen_linear(
    folder: Path,
    load: Callable[[], Predictor],
    record: FrameRecord,
    skill: Skill,
    data: TaskData,
    *,
    precision: str,
) -> BaselineHead:
    """The head whose penalty the frame's dev rows prefer; a training keeps it, else it is fitted once.

    Its `head` raises `InputError` where the rows do not do for it; the base is not loaded then.

    :param folder: of all derived files.
    :param load: loads the base; not called where the head is known.
    :param data: the rows of the skill's task.
    :param precision: at which the base is held.
    :raises InputError: if the frame does not tell which rows it was taught.
    """
    if not set(SAMPLING) <= set(taught(record, skill.name)):
        raise InputError(
            f"Of {skill.name!r} it is not told how many rows of each class it was taught.",
            "Nothing can be held against it on the same rows.",
        )
    key = baseline_key(replace(record, precision=precision), skill, data.source.digest)

    @cache
    def head() -> Head:
        from skillstack.models.heads import Head

        files = kept_baselines(folder)
        found = files.read(key)
        if found is not None:
            return Head.from_tensors(found, hidden_size=record.base.hidden_size, labels=len(skill.labels))
        fitted = _fit(_rows(record, skill, data), load(), skill)
        files.write(key, fitted.tensors())
        return fitted

    return BaselineHead(key, head)


def _rows(record: FrameRecord, skill: Skill, data: TaskData) -> FrameData:
    """The rows that the frame was taught and that chose for it, as the recipe samples them.

    :raises InputError: if a label of the skill has none, or they have one that it lacks.
    """
    from skillstack.training.data import choose_rows
    from skillstack.training.recipe import Recipe

    try:
        values = taught(record, skill.name)
        recipe = Recipe.from_record(sampling(values))
    except UsageError as error:
        raise InputError(f"The recipe of the frame {record.name!r}: {error.message}", error.hint) from None
    rows = choose_rows(data, recipe)
    apart = sorted(set(skill.labels) ^ set(data.task.labels))
    if apart:
        whose = "the skill has and they lack" if apart[0] in skill.labels else "they have and the skill lacks"
        raise InputError(
            f"The training rows of {data.task.name!r} that are here have other labels: {apart[0]!r} is one "
            f"that {whose}.",
            "Give the rows that the skill was taught.",
        )
    if not rows.dev:
        raise InputError(f"Of {data.task.name!r} there are no rows here to choose with.", "Give more rows.")
    return rows


def _fit(rows: FrameData, predictor: Predictor, skill: Skill) -> Head:
    from skillstack.models.encoding import encode
    from skillstack.models.features import features_of
    from skillstack.models.split import SplitModel
    from skillstack.skills.head_training import best_logistic
    from skillstack.training.cross_fit import linear

    base = predictor.base

    def seen(examples: Sequence[Example]) -> Floats:
        with predictor.alone():
            encoded = encode(base, [example.row for example in examples], skill.rendering)
            return features_of(SplitModel(base, 0), encoded)

    places = [skill.labels.index(label) for label in rows.task.labels]
    train, dev = ([places[example.label] for example in part] for part in (rows.train, rows.dev))
    decoder = base.kind == "decoder"
    if set(rows.dev) <= set(rows.train):  # every row was learned from, and folds chose
        found = linear(seen(rows.train), train, len(skill.labels), standardise=decoder)
        if found.head is None:
            raise ValueError("a linear candidate has a head")
        return found.head
    return best_logistic(
        seen(rows.train),
        train,
        seen(rows.dev),
        dev,
        len(skill.labels),
        standardise=decoder,
    )[0]

"""The rival that costs nothing: a logistic head on the frozen base, taught the same rows as a frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from skillstack.evaluation.predictions import Rival
from skillstack.frames.records import Content, Skill
from skillstack.tasks.sources import TaskData
from skillstack.tasks.task import Example

if TYPE_CHECKING:
    from skillstack.loaded import LoadedStack
    from skillstack.models.heads import Floats, Head


def frozen_rival(
    folder: Path,
    load: Callable[[], LoadedStack],
    content: Content,
    skill: Skill,
    data: TaskData,
    *,
    precision: str,
) -> Rival:
    """The head whose penalty the frame's dev rows prefer; a training keeps it, else it is fitted once.

    :param folder: of all derived files.
    :param load: loads the base; not called where the head is known.
    :param data: the rows of the skill's task.
    :param precision: at which the base is held.
    """
    from skillstack.training.rival import rival_key, rivals

    key = rival_key(replace(content, precision=precision), skill, data.source.digest)

    @cache
    def head() -> Head:
        from skillstack.models.heads import Head

        files = rivals(folder)
        found = files.read(key)
        if found is not None:
            return Head.from_tensors(found, hidden_size=content.base.hidden_size, labels=len(skill.labels))
        fitted = _fit(load(), content, skill, data)
        files.write(key, fitted.tensors())
        return fitted

    return Rival(key, head)


def _fit(loaded: LoadedStack, content: Content, skill: Skill, data: TaskData) -> Head:
    from skillstack.models.encoding import encode
    from skillstack.models.features import features_of
    from skillstack.models.split import SplitModel
    from skillstack.training.candidates import best_logistic
    from skillstack.training.data import choose_rows
    from skillstack.training.recipe import Recipe

    rows = choose_rows(data, Recipe.from_record(content.recipe))
    slot = loaded.answering.slot
    slot.clear()

    def seen(examples: Sequence[Example]) -> Floats:
        encoded = encode(slot.base, [example.row for example in examples], skill.rendering)
        return features_of(SplitModel(slot.base, 0), encoded)

    places = [skill.labels.index(label) for label in data.task.labels]
    train, dev = ([places[example.label] for example in part] for part in (rows.train, rows.dev))
    return best_logistic(
        seen(rows.train),
        train,
        seen(rows.dev),
        dev,
        len(skill.labels),
        standardise=slot.base.kind == "decoder",
    )[0]

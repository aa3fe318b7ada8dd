"""Answers that an evaluation needs: gathered first, asked in one call, found by what they are for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import InputError
from skillstack.evaluation.baselines import frozen_linear
from skillstack.evaluation.metrics import NO_ANSWER
from skillstack.evaluation.predictions import PredictionRequest, Predictions
from skillstack.evaluation.questions import EvaluatedStack, SkillQuestions
from skillstack.results import Frame
from skillstack.store.records import Skill
from skillstack.store.rows import Row
from skillstack.wording import published

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

#: What an answer is for: the skill whose rows are asked, the way of answering, and a skill or frame.
Key = tuple[str, ...]

#: By key, logits ``[rows, labels]``.
Logits = Mapping[Key, Floats]

#: Why nothing that is taught on training rows can be held against a skill.
NO_TRAINING_ROWS = "Its test rows are those of a table, and no training rows are here."


class PredictionPlan:
    """What is to be asked of a stack.

    :ivar unmeasured: by skill, why there is no baseline on the frozen base to ask.
    """

    def __init__(self, stack: EvaluatedStack) -> None:
        self.stack = stack
        self.unmeasured: dict[str, str] = {}
        self.skills = {skill.name: (frame, skill) for frame in stack.frames for skill in frame.skills}
        self._parts: dict[Key, tuple[PredictionRequest, Sequence[Row]]] = {}

    def own(self, entry: SkillQuestions) -> None:
        """The skill itself: ``(skill, "own")``."""
        self._add((entry.skill.name, "own"), entry.asked(), entry.rows)

    def tip(self, entry: SkillQuestions) -> None:
        """The skill's head over the newest frame's adapter: ``(skill, "tip")``."""
        self._add((entry.skill.name, "tip"), entry.asked(self.stack.tip.content), entry.rows)

    def frozen(self, entry: SkillQuestions) -> None:
        """A logistic head on the frozen base, where its rows are here: ``(skill, "frozen")``.

        Where it cannot be had, this skill goes without, and `unmeasured` says why.
        """
        data, record, stack = entry.questions.data, entry.frame.content, self.stack
        if data is None:
            self.unmeasured[entry.skill.name] = NO_TRAINING_ROWS
            return
        try:
            baseline = frozen_linear(
                stack.derived, stack.load, record, entry.skill, data, precision=stack.precision
            )
        except InputError as error:
            self.unmeasured[entry.skill.name] = published(error.message)
        else:
            asked = PredictionRequest(record, entry.skill, baseline=baseline)
            self._add((entry.skill.name, "frozen"), asked, entry.rows)

    def routed(self, entry: SkillQuestions, choices: Sequence[str | None], way: str = "routed") -> None:
        """Rows for which another skill is chosen, asked of that one: ``(skill, way, other skill)``."""
        for other in strays(entry.skill.name, choices):
            frame, skill = self.skills[other]
            rows = [entry.rows[place] for place in _going_to(other, choices)]
            self._add((entry.skill.name, way, other), PredictionRequest(frame.content, skill), rows)

    def adapters(self, entry: SkillQuestions) -> None:
        """The skill's head over every frame's adapter: ``(skill, "adapter", frame id)``."""
        for frame in self.stack.frames:
            self._add((entry.skill.name, "adapter", frame.id), entry.asked(frame.content), entry.rows)

    def whole_frames(self, entry: SkillQuestions) -> None:
        """Every frame as it is that has a skill of the same labels: ``(skill, "frame", frame id)``."""
        for frame in self.stack.frames:
            alike = like(frame, entry.skill)
            if alike is not None:
                self._add(
                    (entry.skill.name, "frame", frame.id),
                    PredictionRequest(frame.content, alike),
                    entry.rows,
                )

    @property
    def count(self) -> int:
        """Answers in all."""
        return sum(len(rows) for _, rows in self._parts.values())

    def ask(self, predictions: Predictions) -> Logits:
        """The answers of each part. A baseline that cannot be fitted from its rows is left out.

        :raises SkillStackError: one of its kinds, if they cannot be had.
        """
        self._fit_baselines(predictions)
        return dict(zip(self._parts, predictions.ask(list(self._parts.values())), strict=True))

    def answers(
        self, entry: SkillQuestions, choices: Sequence[str | None], logits: Logits, way: str = "routed"
    ) -> Integers:
        """Of each row the label, as its own skill numbers labels, that the chosen skill gives it.

        Labels of two skills are the same where their names are; another one's label that the own skill does
        not have, and a rejected row, is no answer.
        """
        name, skill = entry.skill.name, entry.skill
        home = np.array([choice == name for choice in choices], dtype=bool)
        found = np.where(home, logits[name, "own"].argmax(axis=1), NO_ANSWER)
        for other in strays(name, choices):
            theirs = logits[name, way, other].argmax(axis=1)
            found[_going_to(other, choices)] = label_places(self.skills[other][1], skill)[theirs]
        return found

    def whole_frame_answers(self, entry: SkillQuestions, frame: Frame, logits: Logits) -> Integers | None:
        """The same of a frame as it is; None where it has no skill of these labels."""
        alike = like(frame, entry.skill)
        if alike is None:
            return None
        found = logits[entry.skill.name, "frame", frame.id].argmax(axis=1)
        places: Integers = label_places(alike, entry.skill)[found]
        return places

    def _fit_baselines(self, predictions: Predictions) -> None:
        """Have each baseline that is to be asked something; `unmeasured` says of which that cannot be."""
        for key, (asked, rows) in list(self._parts.items()):
            if asked.baseline is None or predictions.knows(asked, rows):
                continue
            try:
                asked.baseline.head()
            except InputError as error:
                del self._parts[key]
                self.unmeasured[key[0]] = published(error.message)

    def _add(self, key: Key, asked: PredictionRequest, rows: Sequence[Row]) -> None:
        self._parts[key] = asked, rows


def strays(skill: str, choices: Sequence[str | None]) -> list[str]:
    """Other skills that are chosen for rows of a skill."""
    return sorted({choice for choice in choices if choice is not None and choice != skill})


def like(frame: Frame, skill: Skill) -> Skill | None:
    """A frame's skill that reads the same rows and has the same labels as another one, if it has one."""
    found = [one for one in frame.skills if set(one.labels) == set(skill.labels) and one.pair == skill.pair]
    return next((one for one in found if one.name == skill.name), found[0] if found else None)


def families_of(frame: Frame) -> tuple[str, ...]:
    """The families of a frame's skills, each once."""
    return tuple(dict.fromkeys(skill.family for skill in frame.skills))


def _going_to(skill: str, choices: Sequence[str | None]) -> list[int]:
    return [place for place, choice in enumerate(choices) if choice == skill]


def label_places(theirs: Skill, own: Skill) -> Integers:
    """Of each of another skill's labels, its number among the own skill's."""
    places = {label: place for place, label in enumerate(own.labels)}
    return np.array([places.get(label, NO_ANSWER) for label in theirs.labels], dtype=np.int64)

"""Right answers before and after a change, of each skill itself and of the one that the router picks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from skillstack.compression.rows import Labelled, SkillRows
from skillstack.compression.trial import Answering, Trial
from skillstack.evaluation.metrics import Mask
from skillstack.evaluation.prediction_plan import label_places
from skillstack.routers.base import Scores
from skillstack.routers.calibration import Chain
from skillstack.store.records import Skill
from skillstack.store.rows import Row

Part = Literal["dev", "guard"]


@dataclass(frozen=True, eq=False)
class State:
    """A stack as it answers.

    :ivar answering: of each skill, by its name, what answers.
    :ivar places: of each skill, the position of its frame, 0 for the oldest. A skill without one is gone.
    """

    answering: Mapping[str, Answering]
    places: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Right:
    """Right answers to the rows of one skill.

    :ivar own: by the skill itself; None where it is gone.
    :ivar routed: by the skill that the router picks.
    :ivar choices: names of these; None where no skill that is left can read the row.
    """

    own: Mask | None
    routed: Mask
    choices: tuple[str | None, ...]


class Judge:
    """Asks the rows of every skill.

    :ivar skills: with their rows, oldest first; skills of the stack without rows are only picked.
    """

    def __init__(
        self,
        trial: Trial,
        known: Mapping[str, Skill],
        skills: Sequence[SkillRows],
        scores: Callable[[list[Row]], Scores],
    ) -> None:
        """Prepare.

        :param known: every skill of the stack by its name.
        :param scores: gives the router's scores of rows.
        """
        self.skills = tuple(skills)
        self._trial, self._known, self._scores = trial, known, scores
        self._scored: dict[tuple[str, Part], Scores] = {}

    def rows(self, one: SkillRows, part: Part) -> Labelled:
        """The rows of a part."""
        return one.dev if part == "dev" else one.guard

    def own(self, one: SkillRows, part: Part, answering: Answering) -> Mask:
        """Which rows a skill answers rightly by this adapter and head."""
        rows = self.rows(one, part)
        if not len(rows):
            return np.zeros(0, dtype=np.bool_)
        seen = self._trial.passages(rows.rows, one.skill.rendering).features(answering.adapter)
        found: Mask = answering.head.logits(seen).argmax(axis=1) == rows.labels
        return found

    def right(self, one: SkillRows, part: Part, state: State) -> Right:
        """Right answers to the rows of a skill.

        An answer is right when its label has the right name, whoever gives it.
        """
        rows, name = self.rows(one, part), one.skill.name
        choices = self.choices(one, part, state)
        own = self.own(one, part, state.answering[name]) if name in state.places else None
        routed = np.zeros(len(rows), dtype=np.bool_)
        for choice in dict.fromkeys(choices):
            places = [place for place, chosen in enumerate(choices) if chosen == choice]
            if choice is None:
                continue  # nobody's answer is wrong
            if choice == name and own is not None:
                routed[places] = own[places]
                continue
            other = self._known[choice]
            logits = self._trial.logits(rows.rows, places, other.rendering, state.answering[choice])
            answers = label_places(other, one.skill)[logits.argmax(axis=1)]
            routed[places] = answers == rows.labels[places]
        return Right(own, routed, choices)

    def choices(self, one: SkillRows, part: Part, state: State) -> tuple[str | None, ...]:
        """The skills that the router picks for a skill's rows, with its scores as they are today.

        A skill that is gone is scored no more; the others' scores are taken to stay. Where none of those that
        are left can read a row, a pair perhaps, nobody is picked.
        """
        rows = self.rows(one, part)
        if not len(rows):
            return ()
        key = one.skill.name, part
        if key not in self._scored:
            self._scored[key] = self._scores(list(rows.rows))
        scores = self._scored[key]
        there = [place for place, skill in enumerate(scores.skills) if skill in state.places]
        names = [scores.skills[place] for place in there]
        values = scores.values[:, there]
        chain = Chain.of(values, [state.places[name] for name in names])
        # What the router leaves to all because no skill can read it, `predict` refuses.
        pairs = {self._known[name].pair for name in names}
        readable = [
            bool(row.any()) and one.has_pair in pairs
            for row, one in zip(np.isfinite(values), rows.rows, strict=True)
        ]
        return tuple(
            names[number] if can else None
            for number, can in zip(chain.choose(scores.threshold).skills, readable, strict=True)
        )

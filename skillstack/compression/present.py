"""A stack as it answers today: its rows, its adapters, and what is asked of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from skillstack.answers import Frame
from skillstack.compression.adapters import Adapter, stored
from skillstack.compression.judging import Judge, State
from skillstack.compression.rows import SkillRows, skill_rows
from skillstack.compression.terms import Terms
from skillstack.compression.trial import Answering, Trial
from skillstack.errors import SkillStackError, UsageError, did_you_mean
from skillstack.evaluation.questions import published
from skillstack.predictor import Predictor
from skillstack.routers.base import Scores
from skillstack.store.records import FrameRecord, Skill
from skillstack.store.rows import Row

#: Contents with their ids, oldest first.
Chain = Sequence[tuple[str, FrameRecord]]


@dataclass(frozen=True)
class Subject:
    """The stack that is to become smaller.

    :ivar name: its name.
    :ivar frames: oldest first.
    :ivar scores: gives the router's scores of rows.
    :ivar load: loads the base.
    :ivar derived: folder of files that can be made again.
    :ivar scores_of: gives scores of rows by a router that is fitted for other contents, oldest first; None
        where only the frames' own is asked.
    """

    name: str
    frames: tuple[Frame, ...]
    scores: Callable[[list[Row]], Scores]
    load: Callable[[], Predictor]
    derived: Path
    scores_of: Callable[[Chain, list[Row]], Scores] | None = None

    @property
    def skills(self) -> dict[str, tuple[Frame, Skill]]:
        """Every skill with its frame, by its name, oldest first."""
        return {skill.name: (frame, skill) for frame in self.frames for skill in frame.skills}


class Present:
    """A stack with its base in memory.

    :ivar subject: the stack.
    :ivar store: where it lies.
    :ivar adapters: by the names of their frames.
    :ivar trial: the base, cut below the lowest layer that any of the adapters changes.
    :ivar judge: asks the rows.
    :ivar state: the stack as it answers.
    """

    def __init__(self, subject: Subject, rows: Sequence[SkillRows]) -> None:
        """Load the base and the adapters.

        :raises SkillStackError: one of its kinds, if either cannot be had.
        """
        predictor = subject.load()
        self.subject, self.store = subject, predictor.store
        self.adapters: dict[str, Adapter] = {
            frame.name: stored(predictor.store, frame.content)
            for frame in subject.frames
            if frame.content.adapter is not None
        }
        first = min((adapter.spec.first_layer for adapter in self.adapters.values()), default=0)
        self.trial = Trial(predictor, first, subject.derived)
        self.state = State(
            {
                name: Answering(self.adapters.get(frame.name), predictor.answerer(frame.content, skill).head)
                for name, (frame, skill) in subject.skills.items()
            },
            {name: frame.position for name, (frame, _) in subject.skills.items()},
        )
        self.judge = self.judged_by(subject.scores, rows)

    def judged_by(self, scores: Callable[[list[Row]], Scores], rows: Sequence[SkillRows]) -> Judge:
        """What asks the rows of the same adapters, and chooses by a router's scores."""
        known = {name: skill for name, (_, skill) in self.subject.skills.items()}
        return Judge(self.trial, known, rows, scores)


def stack_rows(
    subject: Subject, needed: Collection[str], terms: Terms
) -> tuple[tuple[SkillRows, ...], dict[str, str]]:
    """Rows of each skill, oldest first; others than the needed ones are left out where there are none.

    :param needed: names of skills.
    :param terms: say where rows are; tables may be named by skill or task.
    :returns: with them, why others are left out, by the names of the skills.
    :raises UsageError: if there is a table for a skill that the stack does not have.
    :raises SkillStackError: one of its kinds, if rows of a needed skill, or of a table, cannot be had.
    """
    known = {known for name, (_, skill) in subject.skills.items() for known in (name, skill.task)}
    tables, data_dir = terms.tables, terms.data_dir
    for name in tables:
        if name not in known:
            raise UsageError(f"The stack {subject.name!r} has no {name[:80]!r}.", did_you_mean(name, known))
    found, skipped = [], {}
    for name, (frame, skill) in subject.skills.items():
        table = tables.get(name) or tables.get(skill.task)
        try:
            at_hand = terms.known.get(name, ())
            rows = skill_rows(frame, skill, data_dir=data_dir, table=table, known=at_hand)
        except SkillStackError as error:
            if name in needed or table is not None:
                raise
            skipped[name] = published(error.message, *[p for p in (data_dir, table) if p is not None])
        else:
            found.append(rows)
    return tuple(found), skipped

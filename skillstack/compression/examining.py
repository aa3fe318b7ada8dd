"""A stack before and after frames of it are replaced, on one part of the rows."""

from __future__ import annotations

from collections.abc import Sequence

from skillstack.compression.changes import change_of
from skillstack.compression.families import Family, merged_chain
from skillstack.compression.judging import Judge, Part, Right, State
from skillstack.compression.present import Present
from skillstack.compression.result import Judged, Whole
from skillstack.compression.rows import SkillRows
from skillstack.compression.terms import Terms
from skillstack.compression.trial import Answering
from skillstack.compression.tried import Replacement
from skillstack.evaluation.metrics import accuracy, macro


class Examiner:
    """Compares a stack with what it would be.

    :ivar present: the stack as it is.
    :ivar terms: what a task may lose.
    """

    def __init__(self, present: Present, terms: Terms) -> None:
        self.present, self.terms = present, terms
        self._before: dict[tuple[str, Part], Right] = {}
        self._judges: dict[tuple[str, ...], Judge] = {}

    @property
    def rows(self) -> tuple[SkillRows, ...]:
        """Of every skill that has some, oldest first."""
        return self.present.judge.skills

    @property
    def bytes(self) -> int:
        """Of the stack's adapters as they are; each frame's has a file of its own."""
        return sum(adapter.bytes for adapter in self.present.adapters.values())

    def bytes_of(self, family: Family) -> int:
        """Of a family's adapters as they are."""
        return sum(self.present.adapters[frame.name].bytes for frame in family.frames)

    def judged(self, part: Part, parts: Sequence[Replacement]) -> Judged:
        """Every skill before and after on one part of the rows, with the router as it will be.

        :param parts: what takes the place of which family.
        """
        touched = {name for one in parts for name in one.heads}
        after, judge = self._after(parts), self._judge(parts)
        changes, rights = [], []
        # Frames of the family that stay share its texts: what becomes of theirs is shown in the whole.
        kin = {one.family.name for one in parts}
        skills = self.present.subject.skills.items()
        unasked = {name for name, (_, skill) in skills if name not in touched and skill.family not in kin}
        others = others_of = 0
        for one in self.rows:
            if not len(judge.rows(one, part)) and one.skill.name not in touched:
                continue
            before, now = self.before(one, part), judge.right(one, part, after)
            rights.append((before, now))
            if one.skill.name in touched:
                if before.own is None or now.own is None:
                    raise ValueError(f"the skill {one.skill.name} is gone")
                limits = {"margin": self.terms.margin, "level": self.terms.level}
                changes.append(change_of(one, before.own, now.own, **limits))
            elif one.skill.family not in kin:
                others += int((before.routed != now.routed).sum())
                others_of += len(before.routed)
                unasked.discard(one.skill.name)
        return Judged(
            part=part,
            skills=tuple(changes),
            before=_whole([before for before, _ in rights]),
            after=_whole([now for _, now in rights]),
            others=others,
            others_of=others_of,
            unasked=tuple(sorted(unasked)),
        )

    def before(self, one: SkillRows, part: Part) -> Right:
        """A skill's rows asked of the stack as it is."""
        key = one.skill.name, part
        if key not in self._before:
            self._before[key] = self.present.judge.right(one, part, self.present.state)
        return self._before[key]

    def _after(self, parts: Sequence[Replacement]) -> State:
        """The stack as it would be: merged frames stand where the newest of them is."""
        now = self.present.state
        answering, places = dict(now.answering), dict(now.places)
        for one in parts:
            for frame, skill in one.family.skills:
                answering[skill.name] = Answering(one.proposal.adapters[frame.name], one.heads[skill.name])
                if one.proposal.merges:
                    places[skill.name] = one.family.frames[-1].position
        return State(answering, places)

    def _judge(self, parts: Sequence[Replacement]) -> Judge:
        """Chooses as the router will: where frames become one, it is fitted for that order."""
        scores_of = self.present.subject.scores_of
        families = [one.family for one in parts if one.proposal.merges]
        if scores_of is None or not families:
            return self.present.judge
        key = tuple(sorted(family.name for family in families))
        if key not in self._judges:
            chain = merged_chain(self.present.subject.frames, families)
            self._judges[key] = self.present.judged_by(lambda rows: scores_of(chain, rows), self.rows)
        return self._judges[key]


def _whole(rights: Sequence[Right]) -> Whole:
    own = [0.0 if right.own is None else accuracy(right.own) for right in rights]
    return Whole(macro(own), macro([accuracy(right.routed) for right in rights]))

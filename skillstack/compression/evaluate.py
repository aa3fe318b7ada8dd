"""How candidates do on dev rows: all are screened on a few short ones, and some evaluated on all.

That the many are compared on little and the few on much is successive halving (Jamieson & Talwalkar 2016,
https://proceedings.mlr.press/v51/jamieson16.html), with two rounds. In the second a candidate is asked one
task after the other, those with the shortest rows first, and given up as soon as it can hardly pass (Maron &
Moore 1993, Hoeffding races).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from skillstack.compression.candidate import Candidate
from skillstack.compression.choose import chances, expected
from skillstack.compression.heads import REFITS, SOURCES, Seen, given, heads_of, preferred
from skillstack.compression.results import HOPELESS, Comparison, SkillChange, Whole
from skillstack.compression.rows import Labelled, SkillRows
from skillstack.compression.workspace import SkillWeights, Workspace
from skillstack.evaluation.intervals import Interval
from skillstack.evaluation.metrics import Mask, accuracy, count_of, macro
from skillstack.evaluation.prediction_plan import label_places
from skillstack.evaluation.statistics import NonInferiority, non_inferior, paired
from skillstack.models.heads import Head
from skillstack.results import Frame
from skillstack.routers.base import Scores
from skillstack.routers.calibration import Chain
from skillstack.store.records import Skill

#: Called with what is done next: the name of a candidate, and how far it is asked.
Tell = Callable[[str], None]


def screen(workspace: Workspace, candidate: Candidate, tell: Tell) -> Candidate:
    """Compare a candidate of one family on a few short dev rows, with the heads that do best there."""
    tell(candidate.name)
    rows_of = workspace.rows_of
    seen = [
        _seen(workspace, candidate, frame, skill, *rows_of[skill.name].screen)
        for frame, skill in candidate.skills
    ]
    heads, _ = preferred(seen, head_options(workspace, seen, SOURCES, candidate.given))
    tests = {one.skill.name: _test(workspace, one, heads, rows_of[one.skill.name].screen[1]) for one in seen}
    return replace(candidate, screened=tests)


def promising(workspace: Workspace, candidate: Candidate, tell: Tell) -> bool:
    """Whether a candidate may still pass after every task but the longest was evaluated by itself."""
    tell(f"{candidate.name}, task by task")
    rows_of = workspace.rows_of
    tests: list[NonInferiority] = []
    guards = []
    for frame, skill in sorted(candidate.skills, key=lambda one: _length(rows_of[one[1].name]))[:-1]:
        (seen,), heads, _ = _fitted(workspace, candidate, [(frame, skill)])
        tests.append(_test(workspace, seen, heads, rows_of[skill.name].dev))
        guards.append(len(rows_of[skill.name].guard))
        if math.prod(chances(tests, guards)) < HOPELESS:
            return False
    return True


def evaluate(workspace: Workspace, candidate: Candidate, tell: Tell) -> Candidate:
    """Compare a candidate of one family on all dev rows, with the heads that do best there."""
    tell(f"{candidate.name}, in full")
    _, heads, heads_from = _fitted(workspace, candidate, candidate.skills)
    return with_expectation(workspace, candidate.with_heads(heads, heads_from))


def with_expectation(workspace: Workspace, candidate: Candidate) -> Candidate:
    """Compare a candidate that has its heads on all dev rows, and predict the guard's verdict."""
    dev = compare(workspace, candidate, "dev")
    verdict, why, chance = expected(dev, workspace.guard_rows)
    return replace(candidate, dev=dev, verdict=verdict, why=why, chance=chance)


def compare(workspace: Workspace, candidate: Candidate, part: str) -> Comparison:
    """Every skill before and after on one part of the rows.

    Who answers a text stays, as a merge leaves the router's walk as it was.

    :param part: ``dev`` or ``guard``.
    """
    margin, level = workspace.config.margin, workspace.config.level
    new = {
        skill.name: SkillWeights(part_.adapters[frame.name], part_.heads[skill.name])
        for part_ in candidate.parts
        for frame, skill in part_.family.skills
    }
    # Frames of the family that stay share its texts: what becomes of theirs is shown in the whole.
    kin = {part_.family.name for part_ in candidate.parts}
    skills = workspace.snapshot.skills.items()
    unasked = {name for name, (_, skill) in skills if name not in new and skill.family not in kin}
    changes, pairs = [], []
    others: list[tuple[Mask, Mask]] = []
    for one in workspace.rows:
        if not len(one.part(part)) and one.skill.name not in new:
            continue
        before = answers_today(workspace, one, part)
        after = _answers_after(workspace, one, part, before, new)
        pairs.append((before, after))
        if one.skill.name in new:
            changes.append(change_of(one, before.own, after.own, margin=margin, level=level))
        elif one.skill.family not in kin:
            others.append((before.routed, after.routed))
            unasked.discard(one.skill.name)
    none = np.zeros(0, dtype=np.bool_)
    was, now = (np.concatenate([none, *(pair[when] for pair in others)]) for when in (0, 1))
    return Comparison(
        part=part,
        skills=tuple(changes),
        before=_whole([before for before, _ in pairs]),
        after=_whole([after for _, after in pairs]),
        others=non_inferior(was, now, margin=margin, level=level),
        unasked=tuple(sorted(unasked)),
    )


# --- right answers -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class RightAnswers:
    """Right answers to the rows of one skill.

    :ivar own: by the skill itself; none are right where it is removed.
    :ivar routed: by the skill that the router picks.
    :ivar choices: names of these; None where no skill that is left can read the row.
    """

    own: Mask
    routed: Mask
    choices: tuple[str | None, ...]


def answers_today(workspace: Workspace, one: SkillRows, part: str) -> RightAnswers:
    """The right answers of the stack as it is to a skill's rows; they are computed once."""
    key = one.skill.name, part
    if key not in workspace.answers:
        workspace.answers[key] = right_answers(workspace, one, part, workspace.scores(one, part))
    return workspace.answers[key]


def right_answers(
    workspace: Workspace, one: SkillRows, part: str, scores: Scores, gone: Collection[str] = ()
) -> RightAnswers:
    """Ask the stack about a skill's rows, without some skills if any are named.

    An answer is right when its label has the right name, whoever gives it. A skill that is gone is scored no
    more; the others' scores are taken to stay.

    :param scores: the router's, of these rows.
    """
    name, rows = one.skill.name, one.part(part)
    choices = _choices(workspace, rows, scores, gone)
    routed = np.zeros(len(rows), dtype=np.bool_)
    own = routed.copy() if name in gone else _right(workspace, one, rows, name, workspace.weights[name])
    for choice in dict.fromkeys(choices):
        if choice is None:
            continue  # nobody's answer is wrong
        places = [place for place, chosen in enumerate(choices) if chosen == choice]
        if choice == name:
            routed[places] = own[places]
        else:
            routed[places] = _right(workspace, one, rows.take(places), choice, workspace.weights[choice])
    return RightAnswers(own, routed, choices)


def _answers_after(
    workspace: Workspace, one: SkillRows, part: str, before: RightAnswers, new: Mapping[str, SkillWeights]
) -> RightAnswers:
    """The right answers to the same rows, routed as before, where some skills have other weights."""
    name, rows = one.skill.name, one.part(part)
    own, routed = before.own, before.routed.copy()
    if name in new:
        own = _right(workspace, one, rows, name, new[name])
    for choice in {choice for choice in before.choices if choice in new}:
        places = [place for place, chosen in enumerate(before.choices) if chosen == choice]
        if choice == name:
            routed[places] = own[places]
        elif choice is not None:
            routed[places] = _right(workspace, one, rows.take(places), choice, new[choice])
    return RightAnswers(own, routed, before.choices)


def _right(workspace: Workspace, one: SkillRows, rows: Labelled, name: str, weights: SkillWeights) -> Mask:
    """Which of a skill's rows are answered rightly by this skill or another one with some weights."""
    skill = workspace.snapshot.skills[name][1]
    answers = weights.answers(workspace.trial, rows.rows, skill.rendering)
    found: Mask = label_places(skill, one.skill)[answers] == rows.labels
    return found


def _choices(
    workspace: Workspace, rows: Labelled, scores: Scores, gone: Collection[str]
) -> tuple[str | None, ...]:
    """The skills that the router picks for rows; None where none of those that are left can read a row."""
    if not len(rows):
        return ()
    skills, places = workspace.snapshot.skills, workspace.snapshot.places
    left = [column for column, name in enumerate(scores.skills) if name not in gone]
    names = [scores.skills[column] for column in left]
    values = scores.values[:, left]
    chosen = Chain.of(values, [places[name] for name in names]).choose(scores.threshold).skills
    # What the router leaves to all because no skill can read it, `predict` refuses.
    pairs = {skills[name][1].pair for name in names}
    readable = [
        bool(row.any()) and one.has_pair in pairs
        for row, one in zip(np.isfinite(values), rows.rows, strict=True)
    ]
    return tuple(names[number] if can else None for number, can in zip(chosen, readable, strict=True))


def change_of(one: SkillRows, before: Mask, after: Mask, *, margin: float, level: float) -> SkillChange:
    """Compare a skill's answers before and after; without rows, every difference is possible.

    :param before: right answers of the stack as it is.
    :param after: right answers of the stack as it would be, to the same rows.
    """
    return SkillChange(
        skill=one.skill.name,
        task=one.skill.task,
        frame=one.frame.name,
        before=count_of(before),
        after=count_of(after),
        interval=paired([(after, before)]).interval if len(before) else Interval(-1.0, 1.0),
        test=non_inferior(before, after, margin=margin, level=level),
    )


def _whole(rights: Sequence[RightAnswers]) -> Whole:
    return Whole(
        macro([accuracy(right.own) for right in rights]), macro([accuracy(right.routed) for right in rights])
    )


# --- heads of a candidate ----------------------------------------------------------------------------------


def head_options(
    workspace: Workspace, seen: Sequence[Seen], sources: Sequence[str], giver: str = ""
) -> dict[str, Mapping[str, Head]]:
    """Heads by their source.

    :param giver: skill whose head may answer for all; empty for none.
    """
    standardise = workspace.trial.predictor.base.kind == "decoder"
    made = {source: heads_of(source, seen, standardise=standardise) for source in sources}
    options = {source: heads for source, heads in made.items() if heads is not None}
    if giver in {one.skill.name for one in seen}:
        options[f"that of {giver}"] = given(seen, giver)
    return options


def seen_under(
    workspace: Workspace,
    candidate: Candidate,
    part: str,
    skills: Sequence[tuple[Frame, Skill]] | None = None,
) -> list[Seen]:
    """Features of the skills' rows under a candidate's adapters.

    :param part: rows to fit heads on: ``fit`` or ``more``; they are chosen on all dev rows.
    :param skills: with their frames; by default all that are affected.
    """
    return [
        _seen(workspace, candidate, frame, skill, getattr(rows, part), rows.dev)
        for frame, skill in skills or candidate.skills
        for rows in [workspace.rows_of[skill.name]]
    ]


def _seen(
    workspace: Workspace, candidate: Candidate, frame: Frame, skill: Skill, fit: Labelled, dev: Labelled
) -> Seen:
    adapter = candidate.parts[0].adapters[frame.name]
    features = [workspace.trial.features(rows.rows, skill.rendering, adapter) for rows in (fit, dev)]
    head = workspace.weights[skill.name].head
    return Seen(skill, head, features[0], fit.labels, features[1], dev.labels)


def _fitted(
    workspace: Workspace, candidate: Candidate, skills: Sequence[tuple[Frame, Skill]]
) -> tuple[list[Seen], dict[str, Head], str]:
    """The heads that all dev rows of some skills prefer, and where they came from."""
    few = seen_under(workspace, candidate, "fit", skills)
    options = head_options(workspace, few, SOURCES, candidate.given)
    more = head_options(workspace, seen_under(workspace, candidate, "more", skills), REFITS)
    options |= {f"{source}, more rows": heads for source, heads in more.items()}
    return few, *preferred(few, options)


def _test(workspace: Workspace, one: Seen, heads: Mapping[str, Head], dev: Labelled) -> NonInferiority:
    """Test a candidate's answers to dev rows of a skill against those that it gives today."""
    name, config = one.skill.name, workspace.config
    before = _right(workspace, workspace.rows_of[name], dev, name, workspace.weights[name])
    return non_inferior(before, one.right(heads), margin=config.margin, level=config.level)


def _length(rows: SkillRows) -> int:
    """Characters that evaluating a candidate reads."""
    return sum(len(row.joined) for part in (rows.fit, rows.more, rows.dev) for row in part.rows)

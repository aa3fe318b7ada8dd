"""Ablation: a stack without each of its frames in turn, and one frame pruned where the guard lets it go.

What a part of a system is worth shows when it is taken out (Meyes et al. 2019, Ablation studies in artificial
neural networks, https://arxiv.org/abs/1901.08644). Nothing is trained: the router picks among the skills that
are left, and whoever it picks answers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from skillstack.answers import Frame
from skillstack.compression.ablated import Ablated
from skillstack.compression.families import members
from skillstack.compression.present import Chain, Present, Subject, stack_rows
from skillstack.compression.pruning import prune
from skillstack.compression.removals import Tell, ask, removal
from skillstack.compression.terms import Terms
from skillstack.errors import InputError, UsageError
from skillstack.evaluation.metrics import accuracy, macro
from skillstack.store.store import Store


@dataclass(frozen=True)
class AblationWish:
    """What is asked for.

    :ivar frames: to be removed, each by itself.
    :ivar named: whether a person named them, so that their tasks' rows have to be there.
    :ivar apply: whether the one frame is to be pruned.
    :ivar terms: what the guard holds that to.
    """

    frames: tuple[Frame, ...]
    named: bool = False
    apply: bool = False
    terms: Terms = field(default_factory=Terms)

    def __post_init__(self) -> None:
        """Check it.

        :raises UsageError: if several frames are to be pruned at once.
        """
        if self.apply and (len(self.frames) != 1 or not self.named):
            raise UsageError(
                "One frame is pruned at a time.", "Name it with --frame, and nothing else beside it."
            )


def chosen(every: Sequence[Frame], named: Sequence[Frame], family: str | None) -> tuple[Frame, ...]:
    """The frames to remove, oldest first: the named ones, those of a family, or all.

    :param every: frames of the stack, oldest first.
    :raises UsageError: if frames and a family are named, or there is no such family.
    """
    if named and family is not None:
        raise UsageError("Frames and a family are named.", "Give --frame or --family, not both.")
    if family is not None:
        return members(every, family)
    ids = {frame.id for frame in named or every}
    return tuple(frame for frame in every if frame.id in ids)


def ablate(
    subject: Subject,
    wish: AblationWish,
    store: Store,
    fit_router: Callable[[Chain], object],
    tell: Tell = lambda done, of: None,
) -> Ablated:
    """Say what the stack loses with each frame, and prune one if that is asked for and the guard passes.

    :param fit_router: makes and keeps the state of a chain.
    :param tell: called with the number of tasks done, and of all.
    :raises UsageError: if nothing would be left.
    :raises InputError: if rows that it needs cannot be had.
    :raises SkillStackError: one of its kinds, if anything else cannot be done; nothing has changed then.
    """
    if not subject.frames:
        raise UsageError(f"The stack {subject.name!r} has no frames.", "Train something first.")
    if len(subject.frames) == 1:
        raise UsageError(
            f"The stack {subject.name!r} has one frame, so nothing would be left without it.",
            "`skillstack stacks delete` removes a whole stack.",
        )
    rows, skipped = stack_rows(subject, _needed(subject, wish), wish.terms)
    skipped |= {one.skill.name: "It has no dev rows." for one in rows if not len(one.dev)}
    if len(skipped) == len(subject.skills):
        why = next(iter(skipped.values()))
        raise InputError(
            f"No task of the stack has rows here. {why}", "Give --data-dir, or rows with --rows."
        )
    present = Present(subject, rows)
    asked = ask(present, present.judge, "dev", wish.frames, tell)
    removals = [removal(frame, asked) for frame in wish.frames]
    pruning = None
    if wish.apply:
        (frame,) = wish.frames
        pruning = prune(present, frame, store, fit_router, margin=wish.terms.margin, level=wish.terms.level)
    return Ablated(
        stack=subject.name,
        tip=subject.frames[-1].id,
        frames=len(subject.frames),
        texts=sum(len(one.labels) for one in asked),
        tasks=len(asked),
        routed=macro([accuracy(one.before.routed) for one in asked]),
        margin=wish.terms.margin,
        level=wish.terms.level,
        removals=tuple(sorted(removals, key=lambda one: (one.loss.difference, -one.bytes))),
        skipped=skipped,
        pruning=pruning,
    )


def _needed(subject: Subject, wish: AblationWish) -> Collection[str]:
    """Skills whose rows have to be there: without a task's rows nobody can promise that it loses nothing."""
    if wish.apply:
        return subject.skills
    return {skill.name for frame in wish.frames for skill in frame.skills} if wish.named else ()

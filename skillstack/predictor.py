"""A stack's base in memory, with its slot: all that answers, and the only way to it from several threads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from skillstack.errors import IntegrityError, MissingError, UsageError
from skillstack.models import canaries
from skillstack.models.answering import Answering
from skillstack.models.base import Base
from skillstack.models.computation import check_computation
from skillstack.models.heads import Head
from skillstack.models.identity import check_same
from skillstack.models.loading import compute_alone_where_forked, load_base
from skillstack.models.slot import Slot
from skillstack.process_lock import ProcessLock
from skillstack.results import Agreement, CanaryCheck, Frame, Predicted, Route
from skillstack.skills.answers import predicted
from skillstack.skills.base import Answer, Answerer, CanaryFound
from skillstack.skills.classification import LabelAnswer, bare, labelled
from skillstack.skills.registry import kind_named
from skillstack.store.records import FrameRecord, Skill
from skillstack.store.rows import Row
from skillstack.store.store import Store


def load_predictor(
    store: Store,
    tip: FrameRecord,
    model: str | None = None,
    device: str = "auto",
    precision: str | None = None,
    below: Iterable[FrameRecord] = (),
) -> Predictor:
    """Load the base that a stack's newest frame was trained on.

    :param below: the other frames, the newest first, by which it is proven to compute the same.
    :param model: where it is, if not under the name that the frame remembers.
    :param precision: another one than that of the frames, or None.
    :raises MismatchError: if the base of this name is another one now, or computes something else.
    :raises MissingError: if it is not here.
    """
    try:
        base = load_base_of(tip, model, device, precision)
    except MissingError as error:
        if precision is None and tip.precision != "fp32":
            error.hint = f"{error.hint} Or hold the base at another precision with --precision-change fp32."
        raise
    check_computation(store, (tip, *below), base)
    return Predictor(store, Slot(base))


def load_base_of(content: FrameRecord, model: str | None, device: str, precision: str | None = None) -> Base:
    """The base of a frame, and no other.

    :param model: where it is, if not under the name and revision that the frame remembers.
    :param precision: another one than the frame's own, or None.
    :raises MismatchError: if the base of this name is another one now.
    :raises MissingError: if it is not here.
    """
    base = load_base(
        model or content.base.name,
        precision=precision or content.precision,
        device=device,
        revision="" if model else content.base.revision,
    )
    check_same(content.base, base.identity)
    return base


class Predictor:
    """A base in memory that any frame of its stack can be put into.

    It is safe from threads: there is one slot, so a frame is swapped in and asked in one step, and one thread
    at a time passes through the model; the others wait. It belongs to the process that made it, as a forked
    one may have taken it over in the middle of a swap.

    :ivar store: where the frames lie.
    :ivar base: the base.
    """

    def __init__(self, store: Store, slot: Slot) -> None:
        self.store = store
        self.base = slot.base
        self._answering = Answering(slot)
        self._answerers: dict[str, Answerer] = {}
        self._lock = ProcessLock()
        self._process = os.getpid()

    @property
    def is_of_this_process(self) -> bool:
        """Whether it was made in this process."""
        return os.getpid() == self._process

    @contextmanager
    def alone(self, answerer: Answerer | None = None) -> Iterator[Slot]:
        """The slot, which is this thread's alone until the block is left.

        :param answerer: whose adapter is in it; None for an empty one.
        :raises UsageError: in a process that was forked from the one that made the predictor.
        :raises MismatchError: if the adapter does not fit the base.
        """
        if not self.is_of_this_process:
            raise UsageError(
                "This predictor was made by the process that this one was forked from.",
                "Ask the stack, which loads its base anew, or start processes by multiprocessing's spawn.",
            )
        compute_alone_where_forked()
        with self._lock:
            if answerer is None:
                self._answering.slot.clear()
            else:
                self._answering.swap(answerer)
            yield self._answering.slot

    def ask(self, rows: Sequence[Row], answerers: Sequence[Answerer]) -> list[Answer]:
        """Each row's answer by its own answerer, whatever kinds of skills these are.

        :raises IntegrityError: if a file of a frame is missing or altered.
        :raises MismatchError: if an adapter or a head does not fit the base, or a logit is not finite.
        """
        found: dict[int, Answer] = {}
        with self.alone():
            for name in sorted({answerer.kind for answerer in answerers}):
                places = [place for place, answerer in enumerate(answerers) if answerer.kind == name]
                kind = kind_named(name, answerers[places[0]].name)
                asked = [answerers[place] for place in places]
                answers = kind.answer(self._answering, [rows[place] for place in places], asked)
                found.update(zip(places, answers, strict=True))
        return [found[place] for place in range(len(rows))]

    def answer(self, rows: Sequence[Row], frames: Sequence[Frame], skills: Sequence[Skill]) -> list[Answer]:
        """Each row's answer by its own frame and skill.

        :raises IntegrityError: if a file of a frame is missing or altered.
        :raises MismatchError: if a frame does not fit the base.
        """
        pairs = zip(frames, skills, strict=True)
        return self.ask(rows, [self.answerer(frame.content, skill) for frame, skill in pairs])

    def predict(
        self, rows: Sequence[Row], frames: Sequence[Frame], skills: Sequence[Skill], routes: Sequence[Route]
    ) -> list[Predicted]:
        """Each row's answer by its own frame and skill, as people get it.

        :param routes: how each frame was chosen.
        :raises IntegrityError: if a file of a frame is missing or altered.
        :raises MismatchError: if a frame does not fit the base.
        """
        held = self.base.precision
        found = []
        for answer, frame, skill, route in zip(
            self.answer(rows, frames, skills), frames, skills, routes, strict=True
        ):
            changed = held if held != frame.content.precision else None
            logits = labelled(answer).logits
            found.append(
                predicted(route, skill, logits, truncated=answer.truncated, precision_change=changed)
            )
        return found

    def beside(
        self, rows: Sequence[Row], frame: Frame, skill: Skill, rival: Head | None
    ) -> tuple[list[LabelAnswer], list[LabelAnswer]]:
        """Each row's answer by a skill with labels, and by another head on the bare base, if there is one."""
        own = self.answerer(frame.content, skill)
        asked: list[Answerer] = [own] * len(rows)
        if rival is not None:
            asked += [bare(rival, skill)] * len(rows)
        found = [labelled(answer) for answer in self.ask([*rows, *rows][: len(asked)], asked)]
        return found[: len(rows)], found[len(rows) :]

    def agreement(self, frames: Sequence[Frame]) -> Agreement | None:
        """How many canary answers keep their label at this precision; None at the precision of the training.

        :raises IntegrityError: if a file is missing or altered.
        """
        trained, held = frames[0].content.precision, self.base.precision
        if held == trained:
            return None
        found = [one for _, _, one in self._canaries(frames)]
        return Agreement(trained, held, sum(one.same for one in found), sum(one.n for one in found))

    def check_canaries(self, frames: Sequence[Frame]) -> tuple[CanaryCheck, ...]:
        """Ask every skill the canary sentences, and hold the answers against the stored ones.

        At another precision than that of the training, the rougher of the two sets the limit.

        :raises IntegrityError: if a file is missing or altered.
        :raises MismatchError: if a frame does not fit the base.
        """
        return tuple(
            CanaryCheck(frame.name, skill, found.distance, found.effect, found.limit)
            for frame, skill, found in self._canaries(frames)
        )

    def _canaries(self, frames: Sequence[Frame]) -> Iterator[tuple[Frame, str, CanaryFound]]:
        """Of every skill, how what it answers now compares with what is stored."""
        for frame in frames:
            content = frame.content
            if content.canaries is None:
                continue
            stored = canaries.parts(self.store.canaries(content.canaries))
            for skill in content.skills:
                if skill.name not in stored:
                    raise IntegrityError(
                        f"The frame {frame.name!r} has no canaries of its skill {skill.name!r}.",
                        "Its record is damaged; restore it from a copy of the store.",
                    )
                answerer = self.answerer(content, skill)
                kind, part = kind_named(skill.kind, skill.name), stored[skill.name]
                with self.alone():
                    found = kind.compare(
                        self._answering, answerer, part, pair=skill.pair, trained=content.precision
                    )
                yield frame, skill.name, found

    def answerer(self, content: FrameRecord, skill: Skill) -> Answerer:
        """A skill with the adapter of a content, which need not be its own frame's.

        :raises IntegrityError: if a file is missing or altered.
        :raises StoreError: if the skill's kind or state is one that this version does not know.
        """
        key = content.behaviour(skill)
        if key not in self._answerers:
            self._answerers[key] = kind_named(skill.kind, skill.name).answerer(self.store, content, skill)
        return self._answerers[key]

"""A stack's base in memory, with its slot: all that answers, and the only way to it from several threads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from skillstack.errors import IntegrityError, MissingError, UsageError
from skillstack.models import adapter_config, canaries
from skillstack.models.answering import Answer, Answerer, Answering, skill_logits
from skillstack.models.base import Base
from skillstack.models.computation import check_computation
from skillstack.models.encoding import encode
from skillstack.models.heads import Head
from skillstack.models.identity import check_same
from skillstack.models.loading import compute_alone_where_forked, load_base
from skillstack.models.slot import Slot
from skillstack.process_lock import ProcessLock
from skillstack.results import Agreement, CanaryCheck, Frame, Predicted, Route
from skillstack.routers.base import probabilities
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
        """Each row's answer by its own answerer.

        :raises IntegrityError: if a file of a frame is missing or altered.
        :raises MismatchError: if an adapter or a head does not fit the base, or a logit is not finite.
        """
        with self.alone():
            return self._answering.answer(rows, answerers)

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
            label = int(answer.logits.argmax())
            shares = dict(zip(skill.labels, probabilities(answer.logits).tolist(), strict=True))
            changed = held if held != frame.content.precision else None
            found.append(Predicted(route, label, skill.labels[label], shares, answer.truncated, changed))
        return found

    def beside(
        self, rows: Sequence[Row], frame: Frame, skill: Skill, rival: Head | None
    ) -> tuple[list[Answer], list[Answer]]:
        """Each row's answer by a skill, and by another head on the bare base, if there is one."""
        own = self.answerer(frame.content, skill)
        asked = [own] * len(rows)
        if rival is not None:
            asked += [bare(rival, skill)] * len(rows)
        found = self.ask([*rows, *rows][: len(asked)], asked)
        return found[: len(rows)], found[len(rows) :]

    def agreement(self, frames: Sequence[Frame]) -> Agreement | None:
        """How many canary answers keep their label at this precision; None at the precision of the training.

        :raises IntegrityError: if a file is missing or altered.
        """
        trained, held = frames[0].content.precision, self.base.precision
        if held == trained:
            return None
        same = n = 0
        for _, _, stored, found in self._canaries(frames):
            same += int((stored.adapted.argmax(axis=1) == found.argmax(axis=1)).sum())
            n += len(found)
        return Agreement(trained, held, same, n)

    def check_canaries(self, frames: Sequence[Frame]) -> tuple[CanaryCheck, ...]:
        """Ask every skill the canary sentences, and hold the answers against the stored ones.

        At another precision than that of the training, the rougher of the two sets the limit.

        :raises IntegrityError: if a file is missing or altered.
        :raises MismatchError: if a frame does not fit the base.
        """
        held = self.base.precision
        return tuple(
            CanaryCheck(
                frame=frame.name,
                skill=skill,
                distance=kept.distance(found),
                effect=kept.effect,
                limit=max(kept.limit(precision) for precision in (held, frame.content.precision)),
            )
            for frame, skill, kept, found in self._canaries(frames)
        )

    def _canaries(
        self, frames: Sequence[Frame]
    ) -> Iterator[tuple[Frame, str, canaries.Canaries, canaries.Logits]]:
        """Of every skill, the stored logits and those of now."""
        for frame in frames:
            content = frame.content
            if content.canaries is None:
                continue
            stored = canaries.from_record(self.store.canaries(content.canaries))
            for skill in content.skills:
                if skill.name not in stored:
                    raise IntegrityError(
                        f"The frame {frame.name!r} has no canaries of its skill {skill.name!r}.",
                        "Its record is damaged; restore it from a copy of the store.",
                    )
                answerer = self.answerer(content, skill)
                with self.alone(answerer) as slot:
                    encoded = encode(slot.base, canaries.rows(pair=skill.pair), skill.rendering)
                    found = skill_logits(slot, encoded, answerer.head)
                yield frame, skill.name, stored[skill.name], found

    def answerer(self, content: FrameRecord, skill: Skill) -> Answerer:
        """A skill with the adapter of a content, which need not be its own frame's.

        :raises IntegrityError: if a file is missing or altered.
        """
        adapter = content.adapter
        key = content.behaviour(skill)
        if key not in self._answerers:
            head = Head.from_tensors(
                self.store.head(skill.head), hidden_size=content.base.hidden_size, labels=len(skill.labels)
            )
            spec = None
            if adapter is not None:
                spec = adapter_config.parse(self.store.adapter_config(adapter)).spec
            self._answerers[key] = Answerer(
                key="" if adapter is None else f"{adapter.config}:{adapter.model}",
                load=lambda: self.store.adapter_tensors(adapter) if adapter is not None else {},
                spec=spec,
                head=head,
                rendering=skill.rendering,
                name=content.name,
            )
        return self._answerers[key]


def bare(head: Head, skill: Skill) -> Answerer:
    """A head of a skill's labels on the base alone."""
    return Answerer("", dict, None, head, skill.rendering, skill.name)

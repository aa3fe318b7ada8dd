"""One new skill from a person's own table: trained, tested on rows held back, and its effect on routing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from skillstack.compression.growing import AutoCompress
from skillstack.compression.request import GuardConfig
from skillstack.data.memory import TableOptions
from skillstack.data.own_table import TableTask
from skillstack.errors import UsageError
from skillstack.evaluation.intervals import wilson
from skillstack.evaluation.metrics import Confusion, confusions
from skillstack.models.base import Base
from skillstack.models.computation import check_computation
from skillstack.models.loading import load_base, pick_device
from skillstack.models.slot import Slot
from skillstack.models.sources import DEFAULT
from skillstack.predictor import Predictor, load_base_of
from skillstack.results import Frame, Route
from skillstack.routers.stack_router import StackRouter
from skillstack.store.files import training_lock
from skillstack.store.records import Count, FrameRecord
from skillstack.store.rows import Row
from skillstack.store.store import Store
from skillstack.training.execution import RunState
from skillstack.training.options import RunOptions
from skillstack.training.plan import TrainingPlan, holds, kept_elsewhere
from skillstack.training.progress import Deadline, Listener, Waiting
from skillstack.training.recipe import GUARDED_FROM, Recipe
from skillstack.training.resolve import base_kind, default_precision, recipe_of
from skillstack.training.run import Settle, TrainingResult, train_held
from skillstack.wording import listed

#: Held-back rows that are asked at most: an accuracy is then known to about two points.
MOST_TESTED = 2000
#: Labels of a frame that a message names.
MOST_LABELS = 5
Change = Literal["learned", "replaced", "brought back", "nothing", "unfinished"]


@dataclass(frozen=True)
class TakenTexts:
    """Texts that a router gives to another skill than their own.

    :ivar task: whose texts they are, or who gets them.
    :ivar rows: how many.
    :ivar of: of how many.
    """

    task: str
    rows: int
    of: int


@dataclass(frozen=True)
class HeldOutResult:
    """What the rows held back tell.

    :ivar frame: right answers of the new frame.
    :ivar frozen_linear: those of a linear head on the frozen base; None where the frame was there already.
    :ivar majority: rows of the most frequent label.
    :ivar routed: rows that the router gives to the new skill.
    :ivar strays: who gets the others, most first.
    :ivar confusions: the most confused labels.
    """

    frame: Count
    frozen_linear: Count | None
    majority: Count
    routed: Count
    strays: tuple[TakenTexts, ...]
    confusions: tuple[Confusion, ...]

    def to_json(self) -> dict[str, Any]:
        """Counts with their 95 % intervals."""
        return {
            "frame": _count_json(self.frame),
            "frozen_linear": None if self.frozen_linear is None else _count_json(self.frozen_linear),
            "majority": _count_json(self.majority),
            "routed": _count_json(self.routed),
            "strays": [asdict(taken) for taken in self.strays],
            "confusions": [asdict(confusion) for confusion in self.confusions],
        }


def _count_json(count: Count) -> dict[str, Any]:
    interval = wilson(count)
    shares = {"accuracy": count.accuracy, "low": interval.low, "high": interval.high}
    return {"correct": count.correct, "n": count.n, **{name: round(x, 6) for name, x in shares.items()}}


@dataclass(frozen=True)
class LearnRequest:
    """What is to be learned, where and how.

    :ivar table: the rows.
    :ivar stack: the stack's name.
    :ivar replace: whether a frame of this name gives way.
    :ivar model: the base of a stack that is empty yet; None for the built-in one.
    :ivar precision: how that is held; None for the default.
    :ivar device: ``auto``, ``cpu`` or ``cuda``.
    :ivar recipe: what differs from the base's recipe.
    :ivar keep_texts: whether the store keeps sample texts.
    :ivar execution: how the training is carried out here.
    :ivar merging: on which terms the new frame may be merged with its family; None to leave all as it is.
    """

    table: TableTask
    stack: str
    replace: bool = False
    model: str | None = None
    precision: str | None = None
    device: str = "auto"
    recipe: Mapping[str, Any] | None = None
    keep_texts: bool = True
    execution: RunState = field(default_factory=RunState)
    merging: GuardConfig | None = None


def request_of(
    stack: str,
    rows: TableTask,
    options: TableOptions,
    replace: bool,
    recipe: Recipe | None,
    run: RunOptions,
    deadline: Deadline,
    **where: Any,
) -> LearnRequest:
    """What is to be learned, from what a person said.

    :param deadline: of the run's time limit, counted from when it began.
    :param where: ``model``, ``precision`` and ``device``, as a stack is opened with them.
    """
    most = {"samples_per_class": options.max_per_class} if options.max_per_class else {}
    return LearnRequest(
        table=rows,
        stack=stack,
        replace=replace,
        recipe={**most, **(recipe.changes if recipe is not None else {})},
        keep_texts=options.keep_texts,
        execution=RunState.of(run, deadline),
        merging=None if run.merging is None else GuardConfig.merging(run.merging),
        **where,
    )


class Learning:
    """A lesson in a store. Made, run once, thrown away.

    :param store: where the stack lies.
    """

    def __init__(self, store: Store, lesson: LearnRequest) -> None:
        self.store, self.lesson = store, lesson
        self._base: Base | None = None

    def run(self, listen: Listener) -> tuple[TrainingResult, Change]:
        """Train the frame, or find that it is there; returns what became of the stack.

        Another training of the stack is waited for, and what is to be done follows from what is there then.

        :raises UsageError: if the stack has another frame of this name, and it is not to be replaced or came
            while this waited.
        :raises BusyError: if the time limit comes while another training of the stack is under way.
        :raises SkillStackError: one of its kinds, if anything else cannot be done.
        """
        store, stack, deadline = self.store, self.lesson.stack, self.lesson.execution.deadline
        seen, told = self._namesake(), False

        def patience() -> bool:
            nonlocal told
            if not told:
                listen(Waiting(stack))
            told = True
            return not deadline.over

        with training_lock(store.root, stack, patience):
            return self._run(listen, seen)

    def _run(self, listen: Listener, seen: str | None) -> tuple[TrainingResult, Change]:
        """Under the stack's training lock.

        :param seen: the content of this name before there was a lock.
        """
        store, lesson = self.store, self.lesson
        before, chain = store.tip(lesson.stack), store.contents(lesson.stack)
        names = [content.name for _, content in chain]
        name = lesson.table.data.task.name
        place = names.index(name) if name in names else len(names)
        job = self._job(chain[-1][1] if chain else None, place)
        if kept_elsewhere(job, chain):
            return TrainingResult((name,), before), "nothing"
        if place < len(names) and not holds(job, chain):
            there = f"of other rows or settings; its labels are {_labels(chain[place][1])}"
            if chain[place][0] != seen:
                raise UsageError(
                    f"Another command gave the stack {lesson.stack!r} a frame {name!r} meanwhile, {there}.",
                    f"It stays as it is: choose another name. `skillstack show {name}` tells more of it.",
                )
            if not lesson.replace:
                raise UsageError(
                    f"The stack {lesson.stack!r} has a frame {name!r} already, {there}.",
                    "Choose another name, or pass --replace to have this one in its place.",
                )
            job = self._job(chain[-1][1], len(names) - 1, replaces=name)
        _check_alone(lesson, [content for _, content in chain])
        fit = StackRouter(store, lesson.stack).fit
        settle = self._settle(job, listen)
        result = train_held(store, job, self._load(job), fit, listen, lesson.execution, settle)
        if not result.complete:
            return result, "unfinished"
        if store.tip(lesson.stack) == before:
            return result, "nothing"
        if not result.trained:
            return result, "brought back"
        return result, "replaced" if name in names else "learned"

    def test(
        self, frame: Frame, result: TrainingResult, route: Callable[[list[Row]], list[Route]]
    ) -> HeldOutResult:
        """Ask the rows held back.

        :param frame: the new frame.
        :param route: says which skill the router gives each row to.
        """
        skill = frame.skill(self.lesson.table.data.task.name)
        rows = self.lesson.table.data.test[:MOST_TESTED]
        labels = [example.label for example in rows]
        predictor = Predictor(self.store, Slot(self._base or self._reload(frame.content)))
        baseline = result.made[0].outcome.frozen.head if result.made else None
        found, bare = predictor.beside([example.row for example in rows], frame, skill, baseline)
        answers = [int(answer.logits.argmax()) for answer in found]
        routes = route([example.row for example in rows])
        strays = Counter(one.task or "nobody" for one in routes if one.task != skill.task)
        return HeldOutResult(
            frame=_right(answers, labels),
            frozen_linear=_right([int(one.logits.argmax()) for one in bare], labels) if baseline else None,
            majority=Count(labels.count(self._most_frequent()), len(labels)),
            routed=Count(len(rows) - sum(strays.values()), len(rows)),
            strays=tuple(TakenTexts(task, count, len(rows)) for task, count in strays.most_common()),
            confusions=confusions(
                [skill.labels[label] for label in labels],
                [skill.labels[answer] for answer in answers],
                [example.row.joined for example in rows],
            ),
        )

    def lost(self, skill: str) -> tuple[TakenTexts, ...] | None:
        """Sample texts of other tasks that go to a skill, each by a router that did not see it."""
        router = StackRouter(self.store, self.lesson.stack)
        chain = self.store.contents(self.lesson.stack)
        fitted = router.fitted(chain)
        if fitted.lost is None:
            return None
        new = fitted.skills.index(skill)
        found = [
            TakenTexts(fitted.skills[own], count, router.sample_count(chain, fitted.skills[own]))
            for own, other, count in fitted.lost
            if other == new
        ]
        return tuple(sorted(found, key=lambda taken: (-taken.rows, taken.task)))

    def _namesake(self) -> str | None:
        """Id of the content that has the skill's name on the stack now."""
        name = self.lesson.table.data.task.name
        found = self.store.contents(self.lesson.stack)
        return next((content_id for content_id, content in found if content.name == name), None)

    def _job(self, tip: FrameRecord | None, first: int, replaces: str = "") -> TrainingPlan:
        lesson = self.lesson
        kind: Literal["encoder", "decoder"]
        if tip is None:
            model = lesson.model or DEFAULT
            kind = base_kind(model)
            precision = lesson.precision or default_precision(kind, lesson.device)
        else:
            model, kind, precision = tip.base.name, tip.base_kind, tip.precision
            if lesson.precision not in (None, precision):
                raise UsageError(
                    f"The stack {lesson.stack!r} is held at {precision}, not at {lesson.precision}.",
                    "Leave --precision out, or start another stack with --stack.",
                )
        return TrainingPlan(
            stack=lesson.stack,
            tasks=(lesson.table.data,),
            recipe=recipe_of(model, kind, None, overrides(lesson)),
            precision=precision,
            keep_texts=lesson.keep_texts,
            first=first,
            replaces=replaces,
            merges=lesson.merging is not None,
        )

    def _settle(self, job: TrainingPlan, listen: Listener) -> Settle | None:
        config, data = self.lesson.merging, self.lesson.table.data
        if config is None:
            return None
        known = {**config.known, data.task.name: data.train}  # what is held back to test with guards nothing
        own = replace(config, known=known)
        return AutoCompress(self.store, job.stack, job.transaction, own, listen)

    def _load(self, job: TrainingPlan) -> Callable[[], Base]:
        chain = self.store.contents(self.lesson.stack)

        def load() -> Base:
            if chain:
                self._base = load_base_of(chain[-1][1], self.lesson.model, self.lesson.device)
            else:
                name, device = self.lesson.model or DEFAULT, self.lesson.device
                self._base = load_base(name, precision=job.precision, device=device)
            return self._base

        return load

    def _reload(self, content: FrameRecord) -> Base:
        base = load_base_of(content, self.lesson.model, self.lesson.device)
        check_computation(self.store, [content], base)
        return base

    def _most_frequent(self) -> int:
        """The label that a guess without reading would give: the most frequent one in training."""
        counts = Counter(example.label for example in self.lesson.table.data.train)
        return min(counts, key=lambda label: (-counts[label], label))


def _check_alone(lesson: LearnRequest, contents: Sequence[FrameRecord]) -> None:
    """See that no frame would be trained in vain, and none replaced that has other skills as well.

    :raises UsageError: if the skill is one of a merged frame, or the frame to be replaced has several.
    """
    name = lesson.table.data.task.name
    for content in contents:
        skills = [skill.name for skill in content.skills]
        if content.name == name and lesson.replace and len(skills) > 1:
            raise UsageError(
                f"The frame {name!r} has several skills: {listed(skills)}.",
                f"Choose another name; `skillstack log --stack {lesson.stack} --history` tells how it came.",
            )
        if content.name != name and name in skills:
            raise UsageError(
                f"The stack {lesson.stack!r} has a skill {name!r} already, in the frame {content.name!r}.",
                f"Choose another name; `skillstack log --stack {lesson.stack} --history` tells how it came.",
            )


def check(lesson: LearnRequest) -> None:
    """Refuse what cannot be meant of a lesson for an empty stack, before anything is written.

    :raises UsageError: for an unknown device, or a setting that no recipe has.
    :raises MissingError: if the device or the model is not here.
    """
    pick_device(lesson.device)
    model = lesson.model or DEFAULT
    recipe_of(model, base_kind(model), None, overrides(lesson))


def overrides(lesson: LearnRequest) -> dict[str, Any]:
    """What a lesson changes of its base's recipe.

    By default every row is learned from, by what answers unseen rows best; by an adapter where it is to be
    merged. Rows for the guard of a compression are set aside only where they
    can be enough to decide, or the frame is to be merged.
    """
    rows = len(lesson.table.data.train)
    merges = lesson.merging is not None
    chosen = {
        "samples_per_class": 0,
        "method": "lora" if merges else "auto",
        "hold_guard": merges or rows >= GUARDED_FROM,
    }
    return {**chosen, **(lesson.recipe or {})}


def _labels(content: FrameRecord) -> str:
    """The labels of a frame's skills in words, the first few of many."""
    labels = [label for skill in content.skills for label in skill.labels]
    more = len(labels) - MOST_LABELS
    return listed(labels[:MOST_LABELS] + ([f"{more} more"] if more > 0 else []))


def _right(answers: list[int], labels: list[int]) -> Count:
    right = sum(answer == label for answer, label in zip(answers, labels, strict=True))
    return Count(right, len(labels))

"""The plan of a training: the tasks that the stack will hold, and all that decides each of its frames.

A finished training is recognised by its plan, never by the ids of what came out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from skillstack.data.task import TaskData, rendering
from skillstack.errors import UsageError
from skillstack.store import canonical
from skillstack.store.canonical import sha256
from skillstack.store.records import BaseIdentity, FrameRecord, Rendering, Skill, taught
from skillstack.training.data import FrameData, choose_rows
from skillstack.training.progress import FrameKept, Listener
from skillstack.training.recipe import Recipe

#: Raised when the training code changes what comes out of an equal recipe.
VERSION = 1


@dataclass(frozen=True)
class FramePlan:
    """The plan of one frame's training: everything that decides its result.

    :ivar data: the rows of the task.
    :ivar recipe: the hyperparameters.
    :ivar rendering: how rows become the model's input.
    :ivar base: identity of the base.
    :ivar precision: precision of the base.
    :ivar position: its place on the stack, from 0.
    :ivar starts: ids of frame records whose adapters it may start from, the preferred one first; none for a
        fresh adapter.
    :ivar keep_texts: whether its router samples hold texts.
    """

    data: FrameData
    recipe: Recipe
    rendering: Rendering
    base: BaseIdentity
    precision: str
    position: int
    starts: tuple[str, ...]
    keep_texts: bool

    @property
    def name(self) -> str:
        """Name of the frame and its skill: the task's."""
        return self.data.task.name

    def digest(self) -> str:
        """SHA-256 over everything that decides the result."""
        task = self.data.task
        return sha256(
            canonical.dumps(
                {
                    "base": [self.base.weights, self.base.tokenizer],
                    "starts": self.starts,
                    "keep_texts": self.keep_texts,
                    "position": self.position,
                    "precision": self.precision,
                    "recipe": self.recipe.to_record(),
                    "rendering": [
                        self.rendering.prompt,
                        self.rendering.label_words,
                        self.rendering.truncation,
                        self.rendering.max_length,
                    ],
                    "rows": self.data.digest(),
                    "task": [task.name, task.family, task.kind, task.labels, task.pair],
                    "version": VERSION,
                }
            )
        )


#: Frame records of a stack with their ids, oldest first.
Chain = tuple[tuple[str, FrameRecord], ...]


@dataclass(frozen=True)
class TrainingPlan:
    """The plan of a stack's training.

    :ivar stack: the stack's name.
    :ivar tasks: tasks of the frames, oldest first.
    :ivar recipe: how each frame is trained.
    :ivar precision: precision of the base.
    :ivar base_name: what the base calls itself, so that a finished stack is recognised without loading it;
        empty where that does not matter.
    :ivar keep_texts: whether router samples hold texts.
    :ivar reference: allows training the stack that ships with the package.
    :ivar first: number of frames at the bottom of the stack that do not belong to this plan.
    :ivar replaces: name of a frame that the new frame replaces; empty for none.
    :ivar merges: whether frames may be merged as they come. A task is held then wherever its skill is.
    """

    stack: str
    tasks: tuple[TaskData, ...]
    recipe: Recipe
    precision: str
    keep_texts: bool = True
    reference: bool = False
    base_name: str = ""
    first: int = 0
    replaces: str = ""
    merges: bool = False

    @property
    def end(self) -> int:
        """Number of frames on the stack when the plan is done."""
        return self.first + len(self.tasks)

    @property
    def transaction(self) -> str:
        """Digest by which a command that was killed and run again is one transaction."""
        return sha256(
            canonical.dumps(
                {
                    "precision": self.precision,
                    "recipe": self.recipe.to_record(),
                    "stack": self.stack,
                    "tasks": [[data.task.name, data.source.digest] for data in self.tasks],
                    **(
                        {"first": self.first, "replaces": self.replaces}
                        if self.first or self.replaces
                        else {}
                    ),
                    **({"merges": True} if self.merges else {}),
                }
            )
        )


def plan_of(job: TrainingPlan, data: TaskData, older: Chain, base: BaseIdentity, kind: str) -> FramePlan:
    """Make the plan of one frame.

    :param data: the frame's task.
    :param older: the stack below the frame.
    :param kind: ``encoder`` or ``decoder``.
    """
    return FramePlan(
        data=choose_rows(data, job.recipe),
        recipe=job.recipe,
        rendering=rendering(data.task, "encoder" if kind == "encoder" else "decoder", job.recipe.max_length),
        base=base,
        precision=job.precision,
        position=len(older),
        starts=_starts(job, data.task.family, older),
        keep_texts=job.keep_texts,
    )


def _starts(job: TrainingPlan, family: str, older: Chain) -> tuple[str, ...]:
    """Ids of records whose adapters a frame may start from: the newest, and the newest of its family."""
    if job.recipe.init == "fresh" or job.recipe.method == "frozen-linear":
        return ()
    adapted = [(record_id, record) for record_id, record in reversed(older) if record.adapter is not None]
    relatives = [pair for pair in adapted if any(skill.family == family for skill in pair[1].skills)]
    chosen = adapted[:1] + (relatives[:1] if job.recipe.init == "auto" else [])
    return tuple(dict.fromkeys(record_id for record_id, _ in chosen))


def holds(job: TrainingPlan, chain: Chain) -> bool:
    """Whether the chain holds every frame of the plan, each made by the same plan."""
    return len(chain) >= job.end and all(
        record.plan == _plan_at(job, chain, position, record).digest()
        for position, (_, record) in enumerate(chain[: job.end])
        if position >= job.first
    )


def keep_frames(job: TrainingPlan, chain: Chain, listen: Listener) -> tuple[str, ...]:
    """Names of the plan's frames that the stack already holds.

    :raises UsageError: if it holds others.
    """
    for _, record in chain if job.merges else chain[: job.end]:
        if job.base_name and record.base.name != job.base_name:
            raise UsageError(
                f"The stack {job.stack!r} stands on {record.base.name}, not on {job.base_name}.",
                "One stack has one base: name another stack with --stack.",
            )
        if job.merges and record.precision != job.precision:
            raise _holds_others(job, f"{record.name!r} has precision {record.precision}, not {job.precision}")
    if job.merges:
        kept = kept_skills(job, chain)
    else:
        for position, (_, record) in enumerate(chain[: job.end]):
            if position >= job.first:
                _check_plan(job, chain, position, record)
        kept = tuple(record.name for _, record in chain[job.first : job.end])
    names = [data.task.name for data in job.tasks]
    for name in kept:
        listen(FrameKept(names.index(name) + 1, len(names), name))
    return kept


def kept_skills(job: TrainingPlan, chain: Chain) -> tuple[str, ...]:
    """Names of the plan's tasks whose skills the stack has, on any of its frames.

    :raises UsageError: if it has others, or one of the same name that was taught otherwise.
    """
    wanted = {data.task.name: data for data in job.tasks}
    found = set()
    for _, record in chain[job.first : job.end]:
        for skill in record.skills:
            data = wanted.get(skill.name)
            difference: str | None = f"it has the skill {skill.name!r}, which is not asked for"
            if data is not None:
                difference = _otherwise(job, data, record, skill)
            if difference is not None:
                raise _holds_others(job, difference)
            found.add(skill.name)
    return tuple(name for name in wanted if name in found)


def kept_elsewhere(job: TrainingPlan, chain: Chain) -> bool:
    """Whether a merged frame already has the skill of a one-task plan, taught the same way."""
    (data,) = job.tasks
    for _, record in chain:
        for skill in record.skills:
            if skill.name == data.task.name and not record.plan:
                return _otherwise(job, data, record, skill) is None
    return False


def _otherwise(job: TrainingPlan, data: TaskData, record: FrameRecord, skill: Skill) -> str | None:
    """Say how a skill differs from the one that the plan would teach; None if it does not."""
    if skill.source.get("digest") != data.source.digest:
        return f"{skill.name!r} was trained on other rows"
    return _changed(skill.name, taught(record, skill.name), job.recipe)


def _check_plan(job: TrainingPlan, chain: Chain, position: int, record: FrameRecord) -> None:
    plan = _plan_at(job, chain, position, record)
    if record.plan != plan.digest():
        raise _holds_others(job, _difference(position, record, plan))


def _holds_others(job: TrainingPlan, difference: str) -> UsageError:
    return UsageError(
        f"The stack {job.stack!r} holds other frames already: {difference}.",
        f"Name another stack with --stack; `skillstack log --stack {job.stack}` shows what this one holds.",
    )


def _plan_at(job: TrainingPlan, chain: Chain, position: int, record: FrameRecord) -> FramePlan:
    """The plan by which this training would have made the frame at a position."""
    data = job.tasks[position - job.first]
    return plan_of(job, data, chain[:position], record.base, record.base_kind)


def _difference(position: int, record: FrameRecord, plan: FramePlan) -> str:
    """Say how a frame differs from the one that was planned in its place."""
    if record.name != plan.name:
        return f"frame {position + 1} is {record.name!r}, not {plan.name!r}"
    changed = _changed(record.name, record.recipe, plan.recipe)
    if changed is not None:
        return changed
    if record.precision != plan.precision:
        return f"{record.name!r} has precision {record.precision}, not {plan.precision}"
    return f"{record.name!r} was trained on other rows, or by another version"


def _changed(name: str, recipe: Mapping[str, Any], job: Recipe) -> str | None:
    """Say how a frame's recipe differs from the plan's."""
    wanted = job.to_record()
    for key in sorted({*wanted, *recipe}):
        if recipe.get(key) != wanted.get(key):
            return f"{name!r} has {key} {recipe.get(key)!r}, not {wanted.get(key)!r}"
    return None

"""What a stack holds of a job already, told by plans and not by the ids of what came out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skillstack.errors import UsageError
from skillstack.frames.records import Content, Skill
from skillstack.frames.taught import taught
from skillstack.tasks.sources import TaskData
from skillstack.training.events import FrameKept, Listener
from skillstack.training.job import Chain, Job, plan_of
from skillstack.training.plan import FramePlan
from skillstack.training.recipe import Recipe


def holds(job: Job, chain: Chain) -> bool:
    """Whether a stack of this chain holds all that a job asks for, frame by frame of the same plan."""
    return len(chain) >= job.end and all(
        content.plan == _plan_at(job, chain, position, content).digest()
        for position, (_, content) in enumerate(chain[: job.end])
        if position >= job.first
    )


def keep_frames(job: Job, chain: Chain, listen: Listener) -> tuple[str, ...]:
    """Names of the job's frames that the stack holds already.

    :raises UsageError: if it holds others.
    """
    for _, content in chain if job.merges else chain[: job.end]:
        if job.base_name and content.base.name != job.base_name:
            raise UsageError(
                f"The stack {job.stack!r} stands on {content.base.name}, not on {job.base_name}.",
                "One stack has one base: name another stack with --stack.",
            )
        if job.merges and content.precision != job.precision:
            raise _holds_others(
                job, f"{content.name!r} has precision {content.precision}, not {job.precision}"
            )
    if job.merges:
        kept = kept_skills(job, chain)
    else:
        for position, (_, content) in enumerate(chain[: job.end]):
            if position >= job.first:
                _check_plan(job, chain, position, content)
        kept = tuple(content.name for _, content in chain[job.first : job.end])
    names = [data.task.name for data in job.tasks]
    for name in kept:
        listen(FrameKept(names.index(name) + 1, len(names), name))
    return kept


def kept_skills(job: Job, chain: Chain) -> tuple[str, ...]:
    """Names of the job's tasks whose skills a stack has, whatever frames they are on.

    :raises UsageError: if it has others, or one of the same name that was taught otherwise.
    """
    wanted = {data.task.name: data for data in job.tasks}
    found = set()
    for _, content in chain[job.first : job.end]:
        for skill in content.skills:
            data = wanted.get(skill.name)
            difference: str | None = f"it has the skill {skill.name!r}, which is not asked for"
            if data is not None:
                difference = _otherwise(job, data, content, skill)
            if difference is not None:
                raise _holds_others(job, difference)
            found.add(skill.name)
    return tuple(name for name in wanted if name in found)


def kept_elsewhere(job: Job, chain: Chain) -> bool:
    """Whether frames that were merged have the skill of a job of one task already, taught just so."""
    (data,) = job.tasks
    for _, content in chain:
        for skill in content.skills:
            if skill.name == data.task.name and not content.plan:
                return _otherwise(job, data, content, skill) is None
    return False


def _otherwise(job: Job, data: TaskData, content: Content, skill: Skill) -> str | None:
    """What sets a skill apart from what a job would teach, in words."""
    if skill.source.get("digest") != data.source.digest:
        return f"{skill.name!r} was trained on other rows"
    return _changed(skill.name, taught(content, skill.name), job.recipe)


def _check_plan(job: Job, chain: Chain, position: int, content: Content) -> None:
    plan = _plan_at(job, chain, position, content)
    if content.plan != plan.digest():
        raise _holds_others(job, _difference(position, content, plan))


def _holds_others(job: Job, difference: str) -> UsageError:
    return UsageError(
        f"The stack {job.stack!r} holds other frames already: {difference}.",
        "Name another stack with --stack, or run `skillstack undo` first.",
    )


def _plan_at(job: Job, chain: Chain, position: int, content: Content) -> FramePlan:
    """What a frame that is there would be, had the job trained it."""
    data = job.tasks[position - job.first]
    return plan_of(job, data, chain[:position], content.base, content.base_kind)


def _difference(position: int, content: Content, plan: FramePlan) -> str:
    """What sets a frame apart from what was to be trained in its place, in words."""
    if content.name != plan.name:
        return f"frame {position + 1} is {content.name!r}, not {plan.name!r}"
    changed = _changed(content.name, content.recipe, plan.recipe)
    if changed is not None:
        return changed
    if content.precision != plan.precision:
        return f"{content.name!r} has precision {content.precision}, not {plan.precision}"
    return f"{content.name!r} was trained on other rows, or by another version"


def _changed(name: str, recipe: Mapping[str, Any], job: Recipe) -> str | None:
    """What sets a frame's recipe apart from the job's, in words."""
    wanted = job.to_record()
    for key in sorted({*wanted, *recipe}):
        if recipe.get(key) != wanted.get(key):
            return f"{name!r} has {key} {recipe.get(key)!r}, not {wanted.get(key)!r}"
    return None

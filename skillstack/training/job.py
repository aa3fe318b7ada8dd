"""A training of a stack: what it is to hold, and the plan of each frame."""

from __future__ import annotations

from dataclasses import dataclass

from skillstack.frames import canonical
from skillstack.frames.digests import sha256
from skillstack.frames.records import BaseIdentity, Content
from skillstack.tasks.rendering import rendering
from skillstack.tasks.sources import TaskData
from skillstack.training.data import choose_rows
from skillstack.training.plan import FramePlan
from skillstack.training.recipe import Recipe

#: Contents of a stack with their ids, oldest first.
Chain = tuple[tuple[str, Content], ...]


@dataclass(frozen=True)
class Job:
    """A training of a stack.

    :ivar stack: the stack's name.
    :ivar tasks: what it is to hold, oldest first.
    :ivar recipe: how each frame is trained.
    :ivar precision: how the base is held.
    :ivar base_name: what the base calls itself, so that a finished stack is recognised without loading it;
        empty where that does not matter.
    :ivar keep_texts: whether router samples hold texts.
    :ivar reference: allows training the stack that ships with the package.
    :ivar first: frames at the bottom of the stack that are none of this job's.
    :ivar replaces: name of a frame that leaves the stack when the job's own one comes; empty for none.
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
        """Frames that the stack has when the job is done."""
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


def plan_of(job: Job, data: TaskData, older: Chain, base: BaseIdentity, kind: str) -> FramePlan:
    """The plan of one frame.

    :param data: its task.
    :param older: what is on the stack before it.
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


def _starts(job: Job, family: str, older: Chain) -> tuple[str, ...]:
    """Contents whose adapters a frame may start from: the newest one, and the newest of its family."""
    if job.recipe.init == "fresh" or job.recipe.method == "frozen-linear":
        return ()
    adapted = [
        (content_id, content) for content_id, content in reversed(older) if content.adapter is not None
    ]
    relatives = [pair for pair in adapted if any(skill.family == family for skill in pair[1].skills)]
    chosen = adapted[:1] + (relatives[:1] if job.recipe.init == "auto" else [])
    return tuple(dict.fromkeys(content_id for content_id, _ in chosen))

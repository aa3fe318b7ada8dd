"""What a stack loses with each of its frames, and what became of one that was pruned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from skillstack.answers import SCHEMA
from skillstack.compression.document import change_json, count_json
from skillstack.compression.result import SkillChange, Verdict
from skillstack.evaluation.document import paired_json, rounded
from skillstack.evaluation.statistics import Paired
from skillstack.store.records import Count


@dataclass(frozen=True)
class TaskLoss:
    """One task, with a frame and without it, on the same rows; the router picks who answers.

    :ivar skill: the skill whose rows they are.
    :ivar task: its task.
    :ivar frame: the frame that has it.
    :ivar before: right answers of the stack as it is.
    :ivar after: right answers without the frame that is removed.
    :ivar loss: accuracy before minus after.
    """

    skill: str
    task: str
    frame: str
    before: Count
    after: Count
    loss: Paired

    def to_json(self) -> dict[str, Any]:
        """Shares with six digits."""
        return {
            "skill": self.skill,
            "task": self.task,
            "frame": self.frame,
            "before": count_json(self.before),
            "after": count_json(self.after),
            "loss": paired_json(self.loss),
        }


@dataclass(frozen=True)
class Removal:
    """What a stack is without one of its frames.

    :ivar frame: the frame's name.
    :ivar id: its node's id.
    :ivar skills: names of its skills, which all go.
    :ivar bytes: of its adapter.
    :ivar loss: mean over tasks of routed accuracy before minus after.
    :ivar tasks: one by one, oldest first.
    :ivar taken: of the texts that the router gives to the frame, how many go to which skill instead, most
        first; to None go those that no other skill can read.
    :ivar before: routed accuracy of the frame's own tasks as it is, a mean over them; None without rows.
    :ivar after: likewise without it.
    :ivar redundancy: which share of its own tasks' lead over their most frequent labels the stack keeps, 0 to
        1; None where there is no lead.
    """

    frame: str
    id: str
    skills: tuple[str, ...]
    bytes: int
    loss: Paired
    tasks: tuple[TaskLoss, ...]
    taken: Mapping[str | None, int]
    before: float | None
    after: float | None
    redundancy: float | None

    @property
    def texts(self) -> int:
        """Texts that the router gives to the frame."""
        return sum(self.taken.values())

    def to_json(self) -> dict[str, Any]:
        """Shares with six digits."""
        return {
            "frame": self.frame,
            "id": self.id,
            "skills": list(self.skills),
            "bytes": self.bytes,
            "loss": paired_json(self.loss),
            "own_tasks": {"before": rounded(self.before), "after": rounded(self.after)},
            "redundancy": rounded(self.redundancy),
            "texts": self.texts,
            "taken": [{"skill": skill, "texts": texts} for skill, texts in self.taken.items()],
            "tasks": [task.to_json() for task in self.tasks],
        }


@dataclass(frozen=True)
class Pruning:
    """What the guard says of one removal, and what was done.

    :ivar frame: the frame's name.
    :ivar skills: every task on the guard rows, with the router as it is and as it is fitted anew.
    :ivar verdict: ``passes``, ``loses too much`` or ``cannot tell``.
    :ivar why: in words.
    :ivar tip: the stack's new newest node; None where nothing has changed.
    """

    frame: str
    skills: tuple[SkillChange, ...]
    verdict: Verdict
    why: str
    tip: str | None

    @property
    def applied(self) -> bool:
        """Whether the stack has changed."""
        return self.tip is not None

    def to_json(self) -> dict[str, Any]:
        """Shares with six digits."""
        return {
            "frame": self.frame,
            "verdict": self.verdict,
            "why": self.why,
            "applied": self.applied,
            "tip": self.tip,
            "tasks": [change_json(one) for one in self.skills],
        }


@dataclass(frozen=True)
class Ablated:
    """A stack without each of its frames in turn.

    :ivar stack: its name.
    :ivar tip: its newest node when it was asked.
    :ivar frames: how many it has.
    :ivar texts: rows that were asked, of all tasks.
    :ivar tasks: how many tasks they are of.
    :ivar routed: accuracy of the stack as it is, a mean over tasks.
    :ivar margin: the loss that the guard allows, as a share.
    :ivar level: chance, at most, of passing what loses more.
    :ivar removals: what costs least first.
    :ivar skipped: skills without rows here, and why.
    :ivar pruning: what the guard said; None where nothing was to be changed.
    """

    stack: str
    tip: str
    frames: int
    texts: int
    tasks: int
    routed: float
    margin: float
    level: float
    removals: tuple[Removal, ...]
    skipped: Mapping[str, str]
    pruning: Pruning | None = None

    def to_json(self) -> dict[str, Any]:
        """As `ablate --json` prints it."""
        return {
            "schema": SCHEMA,
            "stack": self.stack,
            "tip": self.tip,
            "part": "dev",
            "texts": self.texts,
            "tasks": self.tasks,
            "routed": rounded(self.routed),
            "margin": self.margin,
            "level": self.level,
            "removals": [removal.to_json() for removal in self.removals],
            "skipped": dict(self.skipped),
            "pruning": None if self.pruning is None else self.pruning.to_json(),
        }

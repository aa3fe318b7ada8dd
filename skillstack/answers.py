"""What the API answers with: frames as people see them, routes and predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skillstack.store.records import FrameRecord, Skill

if TYPE_CHECKING:
    from skillstack.store.store import Store


#: Version of the JSON that commands print.
SCHEMA = 1


@dataclass(frozen=True)
class Frame:
    """A frame of a stack.

    :ivar id: its node's id.
    :ivar position: its place, 0 for the oldest.
    :ivar content_id: its content's id.
    :ivar content: what it is.
    :ivar parent: id of the frame before it, or None.
    :ivar parent_name: that frame's name, or None.
    """

    id: str
    position: int
    content_id: str
    content: FrameRecord
    parent: str | None
    parent_name: str | None

    @property
    def name(self) -> str:
        """Its name."""
        return self.content.name

    @property
    def skills(self) -> tuple[Skill, ...]:
        """What it can answer."""
        return self.content.skills

    def skill(self, name: str) -> Skill:
        """The skill of this name, which it has."""
        return next(skill for skill in self.skills if skill.name == name)

    @property
    def adapter_bytes(self) -> int:
        """Size of its adapter's tensors on disk; 0 without an adapter."""
        return self.content.adapter.bytes if self.content.adapter else 0

    def to_json(self) -> dict[str, Any]:
        """As `log --json` shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "skills": [
                {"name": s.name, "task": s.task, "family": s.family, "labels": list(s.labels)}
                for s in self.skills
            ],
            "parent": self.parent,
            "init_from": self.content.init_from,
            "adapter_bytes": self.adapter_bytes,
            "metrics": {
                s.name: {
                    kind: {"correct": c.correct, "n": c.n, "accuracy": round(c.accuracy, 6)}
                    for kind, c in s.metrics.items()
                }
                for s in self.skills
            },
        }


def frames_from(store: Store, tip: str | None) -> tuple[Frame, ...]:
    """The frames from a node on, the newest first.

    :raises IntegrityError: if a record is missing or damaged.
    """
    nodes = list(store.walk(tip))
    contents = [store.content(node.content) for _, node in nodes]
    return tuple(
        Frame(
            id=node_id,
            position=len(nodes) - 1 - index,
            content_id=node.content,
            content=contents[index],
            parent=node.parent,
            parent_name=contents[index + 1].name if index + 1 < len(nodes) else None,
        )
        for index, (node_id, node) in enumerate(nodes)
    )


@dataclass(frozen=True)
class RankedTask:
    """A task and its router score."""

    task: str
    score: float


@dataclass(frozen=True)
class Routed:
    """Which skill answers a text.

    `skill`, `task`, `family`, `frame` and `frame_id` are None for a rejected text.

    :ivar skill: name of the skill.
    :ivar task: its task.
    :ivar family: its family.
    :ivar frame: name of the frame that has it.
    :ivar frame_id: that frame's id.
    :ivar score: the skill's score.
    :ivar confidence: probability that the choice is right, as far as ``calibrated``; low for a text that
        looks like no skill's.
    :ivar calibrated: whether the confidence was fitted on held-back scores.
    :ivar accepted: whether the score reached the threshold.
    :ivar fallback: whether no score did, and the best of all was taken.
    :ivar depth: frames looked at.
    :ivar router: name of the router.
    :ivar ranking: all skills that can answer, the best first.
    """

    skill: str | None
    task: str | None
    family: str | None
    frame: str | None
    frame_id: str | None
    score: float
    confidence: float
    calibrated: bool
    accepted: bool
    fallback: bool
    depth: int
    router: str
    ranking: Sequence[RankedTask]

    def to_json(self) -> dict[str, Any]:
        """As `route --json` shows it."""
        return {
            "schema": SCHEMA,
            "skill": self.skill,
            "task": self.task,
            "family": self.family,
            "frame": self.frame,
            "frame_id": self.frame_id,
            "score": round(self.score, 6),
            "confidence": round(self.confidence, 6),
            "calibrated": self.calibrated,
            "accepted": self.accepted,
            "fallback": self.fallback,
            "depth": self.depth,
            "router": self.router,
            "ranking": [{"task": r.task, "score": round(r.score, 6)} for r in self.ranking],
        }


@dataclass(frozen=True)
class Predicted:
    """The chosen frame's answer. `label` and `label_name` are None for a rejected text.

    :ivar routed: how the frame was chosen.
    :ivar label: index of the label.
    :ivar label_name: its name.
    :ivar probabilities: of each label name, by the chosen frame alone.
    :ivar truncated: whether the text was too long and was cut.
    :ivar precision_change: the precision at which the base was held, where the frame was trained at another.
    """

    routed: Routed
    label: int | None
    label_name: str | None
    probabilities: Mapping[str, float]
    truncated: bool = False
    precision_change: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As `predict --json` shows it."""
        return {
            **self.routed.to_json(),
            "label": self.label,
            "label_name": self.label_name,
            "probabilities": {name: round(p, 6) for name, p in self.probabilities.items()},
            "truncated": self.truncated,
            "precision_change": self.precision_change,
        }


@dataclass(frozen=True)
class Trained:
    """What a training did.

    :ivar stack: the stack's name.
    :ivar trained: names of the frames it added.
    :ivar kept: names of the frames that were there already, with the same plan.
    :ivar tip: id of the newest frame.
    :ivar complete: whether all is done; False where the time limit came first. The same call goes on.
    """

    stack: str
    trained: tuple[str, ...]
    kept: tuple[str, ...]
    tip: str | None
    complete: bool = True


@dataclass(frozen=True)
class Agreement:
    """How well a stack answers the canary sentences at another precision than its own.

    :ivar trained: the precision of the training.
    :ivar held: the precision now.
    :ivar same: answers whose label is the stored one.
    :ivar n: answers asked.
    """

    trained: str
    held: str
    same: int
    n: int


@dataclass(frozen=True)
class CanaryCheck:
    """Whether a skill answers the canary sentences as it did when it was made.

    :ivar frame: name of the frame.
    :ivar skill: name of the skill.
    :ivar distance: largest difference to the stored logits.
    :ivar effect: largest difference that the adapter makes to the logits; 0 without an adapter.
    :ivar limit: largest distance that passes.
    """

    frame: str
    skill: str
    distance: float
    effect: float
    limit: float

    @property
    def ok(self) -> bool:
        """Whether the distance is within the limit."""
        return self.distance <= self.limit

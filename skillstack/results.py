"""What people get back: frames, routes, predictions. Each prints as one short line.

It is long because every such result stands here, so that there is one place to look.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from skillstack.errors import UsageError
from skillstack.store.records import CLASSIFICATION, FrameRecord, Skill
from skillstack.wording import listed, many, percent

if TYPE_CHECKING:
    from skillstack.store.store import Store


#: Version of the JSON that commands print.
SCHEMA = 1


@dataclass(frozen=True, repr=False)
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

    def method(self, skill: Skill) -> str:
        """What answers for a skill: ``linear``, ``ngrams``, ``average``, ``lora`` or ``lora+ngrams``.

        Of another kind than classification, the kind.
        """
        if skill.kind != CLASSIFICATION:
            return skill.kind
        if self.content.adapter is not None:
            return "lora" if skill.state is None else "lora+ngrams"
        if skill.state is None:
            return "linear"
        return "ngrams" if skill.head is None else "average"

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
                {
                    "name": s.name,
                    "task": s.task,
                    "family": s.family,
                    "labels": list(s.labels),
                    "method": self.method(s),
                }
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

    def __repr__(self) -> str:
        skills = (
            ""
            if [skill.name for skill in self.skills] == [self.name]
            else (f", {many(len(self.skills), 'skill')}")
        )
        return f"Frame({self.name!r}, {self.id[:8]}{skills})"


def _fields(value: Any) -> dict[str, Any]:
    """A dataclass by the names of its fields, without copying what they hold."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


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
class RankedSkill:
    """A skill, its task, and its router score."""

    skill: str
    task: str
    score: float


class Ranking(Sequence[RankedSkill]):
    """Every skill that can answer a text, the best score first; of equals the older skill.

    Put in order when it is first looked at: of thousands of texts in bulk nobody looks at all rankings.

    :param skills: names of all skills.
    :param tasks: of each skill, its task; a router alone knows none and gives the names of the skills.
    :param scores: of each; minus infinity for a skill that cannot answer, which is left out.
    """

    def __init__(self, skills: Sequence[str], tasks: Sequence[str], scores: Sequence[float]) -> None:
        self._skills, self._tasks, self._scores = skills, tasks, scores

    def with_tasks(self, tasks: Sequence[str]) -> Ranking:
        """The same ranking with the task of each skill."""
        return Ranking(self._skills, tasks, self._scores)

    @cached_property
    def _entries(self) -> tuple[RankedSkill, ...]:
        order = sorted(range(len(self._scores)), key=lambda place: -self._scores[place])
        return tuple(
            RankedSkill(self._skills[place], self._tasks[place], self._scores[place])
            for place in order
            if not math.isinf(self._scores[place])
        )

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> RankedSkill: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[RankedSkill, ...]: ...
    def __getitem__(self, index: int | slice) -> RankedSkill | tuple[RankedSkill, ...]:
        return self._entries[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(self._entries)

    def __repr__(self) -> str:
        return repr(self._entries)


@dataclass(frozen=True, kw_only=True, repr=False)
class Route:
    """Which skill answers a text.

    `skill`, `task`, `family`, `frame` and `frame_id` are None for a rejected text. A router alone knows the
    skill; a stack adds where it is.

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
    task: str | None = None
    family: str | None = None
    frame: str | None = None
    frame_id: str | None = None
    score: float
    confidence: float
    calibrated: bool
    accepted: bool
    fallback: bool
    depth: int
    router: str
    ranking: Sequence[RankedSkill]

    @classmethod
    def to_frame(cls, frame: Frame, name: str) -> Route:
        """The route to a frame that was named: no router was asked.

        :param name: of one of its skills, or of itself if it has one.
        :raises UsageError: if it has several, and none was named.
        """
        named = [skill for skill in frame.skills if skill.name == name or len(frame.skills) == 1]
        if not named:
            raise UsageError(
                f"The frame {frame.name!r} has {many(len(frame.skills), 'skill')}.",
                f"Name one of them: {listed([skill.name for skill in frame.skills])}.",
            )
        alone = cls(
            skill=named[0].name,
            score=0.0,
            confidence=1.0,
            calibrated=False,
            accepted=True,
            fallback=False,
            depth=0,
            router="none",
            ranking=Ranking((), (), ()),
        )
        return alone.placed(frame, named[0], ())

    @property
    def rejected(self) -> bool:
        """Whether no skill answers."""
        return self.skill is None

    def placed(self, frame: Frame, skill: Skill, tasks: Sequence[str]) -> Route:
        """The same route, with where the skill is.

        :param frame: the frame that has the skill.
        :param tasks: of each skill that was scored.
        """
        ranking = self.ranking.with_tasks(tasks) if isinstance(self.ranking, Ranking) else self.ranking
        return replace(
            self,
            task=skill.task,
            family=skill.family,
            frame=frame.name,
            frame_id=frame.id,
            ranking=ranking,
        )

    def to_dict(self) -> dict[str, Any]:
        """Every field by its name; the ranking as a list."""
        return {**_fields(self), "rejected": self.rejected, "ranking": [_fields(one) for one in self.ranking]}

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
            "route_confidence": round(self.confidence, 6),
            "calibrated": self.calibrated,
            "accepted": self.accepted,
            "fallback": self.fallback,
            "depth": self.depth,
            "router": self.router,
            "ranking": [{"task": r.task, "score": round(r.score, 6)} for r in self.ranking],
        }

    def __repr__(self) -> str:
        if self.rejected:
            return f"Route(rejected, by {self.router})"
        how = "accepted" if self.accepted else "the best of all"
        return f"Route({self.skill}, {percent(self.confidence)}, {how}, by {self.router})"


@dataclass(frozen=True, repr=False)
class Predicted:
    """The chosen frame's answer. `label` and `label_name` are None for a rejected text, or an unsure answer.

    :ivar routed: how the frame was chosen.
    :ivar label: index of the label.
    :ivar label_name: its name.
    :ivar probabilities: of each label name, by the chosen frame alone.
    :ivar truncated: whether the text was too long and was cut.
    :ivar precision_change: the precision at which the base was held, where the frame was trained at another.
    :ivar nearest: name of the label that an unsure answer would have been; else None.
    """

    routed: Route
    label: int | None
    label_name: str | None
    probabilities: Mapping[str, float]
    truncated: bool = False
    precision_change: str | None = None
    nearest: str | None = None

    @property
    def probability(self) -> float | None:
        """The probability of the label; None where there is none."""
        return None if self.label_name is None else self.probabilities[self.label_name]

    def if_sure(self, min_probability: float) -> Predicted:
        """The same answer, or one without a label where its probability is below this one."""
        if self.probability is None or self.probability >= min_probability:
            return self
        return replace(self, label=None, label_name=None, nearest=self.label_name)

    def to_dict(self) -> dict[str, Any]:
        """Every field by its name, those of the route among them."""
        own = {**_fields(self), "probability": self.probability, "probabilities": dict(self.probabilities)}
        del own["routed"]
        return {**self.routed.to_dict(), **own}

    def to_json(self) -> dict[str, Any]:
        """As `predict --json` shows it."""
        return {
            **self.routed.to_json(),
            "label": self.label,
            "label_name": self.label_name,
            "probability": None if self.probability is None else round(self.probability, 6),
            "probabilities": {name: round(p, 6) for name, p in self.probabilities.items()},
            "truncated": self.truncated,
            "precision_change": self.precision_change,
            "nearest": self._nearest(),
        }

    def _nearest(self) -> dict[str, Any] | None:
        if self.nearest is None:
            return None
        label = list(self.probabilities).index(self.nearest)
        probability = round(self.probabilities[self.nearest], 6)
        return {"label": label, "label_name": self.nearest, "probability": probability}

    def __repr__(self) -> str:
        if self.nearest is not None:
            return f"Predicted(unsure, nearest {self.nearest!r}, by {self.routed.skill})"
        if self.probability is None:
            return f"Predicted(rejected, by {self.routed.router})"
        return f"Predicted({self.label_name!r}, {percent(self.probability)}, by {self.routed.skill})"


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

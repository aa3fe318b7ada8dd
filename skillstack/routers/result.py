"""What a router answers with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ranked:
    """A skill and its score."""

    skill: str
    score: float


@dataclass(frozen=True)
class RouteResult:
    """Which skill answers a text.

    :ivar skill: its name; None for a rejected text.
    :ivar score: its score.
    :ivar confidence: probability of the skill, from a softmax over all scores.
    :ivar calibrated: whether the softmax's temperature was fitted on out-of-fold scores.
    :ivar accepted: whether the score reached the router's threshold.
    :ivar fallback: whether none did, and the best of all was taken.
    :ivar depth: frames looked at.
    :ivar router: name of the router.
    :ivar ranking: all skills, the best score first.
    """

    skill: str | None
    score: float
    confidence: float
    calibrated: bool
    accepted: bool
    fallback: bool
    depth: int
    router: str
    ranking: tuple[Ranked, ...]

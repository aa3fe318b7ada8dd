"""Canaries: fixed sentences whose stored logits prove that a frame is loaded and acts.

An adapter whose names do not match is ignored without a word by many loaders. Here the logits with and
without the adapter are kept, and a frame passes when it is near the former, measured by how far the latter
are away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import IntegrityError
from skillstack.store.rows import Row

FORMAT = 1
#: Neutral sentences on everyday matters, long and short; pair tasks read each with the next one.
SENTENCES: tuple[str, ...] = (
    "The meeting was moved to Thursday afternoon.",
    "It rained for most of the week, but the roof held and nobody complained.",
    "Please send the two signed copies back before the end of the month.",
    "The museum opened a new wing last year.",
    "I would not buy it again, although the colour is nice.",
    "How many litres of water does a bathtub hold?",
    "The team won the second match after losing the first one badly.",
    "A river runs through the middle of the old town.",
)
#: Part of the adapter's effect that the distance may reach, by precision. Half precision and four-bit kernels
#: differ between devices; fp32 differs only by the order of sums.
SHARE: Mapping[str, float] = {"fp32": 0.01, "bf16": 0.1, "fp16": 0.05, "nf4": 0.1}
#: What the distance may always reach, relative to the largest logit: rounding.
ROUNDING: Mapping[str, float] = {"fp32": 1e-4, "bf16": 2e-2, "fp16": 5e-3, "nf4": 2e-2}

Logits = NDArray[np.float32]


@dataclass(frozen=True)
class Canaries:
    """Logits ``[sentences, labels]`` of one skill.

    :ivar plain: by the head over the base without the adapter.
    :ivar adapted: by the head over the base with it.
    """

    plain: Logits
    adapted: Logits

    @property
    def effect(self) -> float:
        """Largest difference that the adapter makes."""
        return float(np.abs(self.adapted - self.plain).max())

    def distance(self, found: Logits) -> float:
        """Largest difference of logits to the stored ones; infinite for another shape."""
        if found.shape != self.adapted.shape or not np.isfinite(found).all():
            return float("inf")
        return float(np.abs(found - self.adapted).max())

    def limit(self, precision: str) -> float:
        """Largest distance that passes at this precision."""
        return SHARE[precision] * self.effect + ROUNDING[precision] * max(
            1.0, float(np.abs(self.adapted).max())
        )

    def to_value(self) -> dict[str, object]:
        """Its part of a canary record: decimal strings of six digits after the point."""
        return {"adapted": _strings(self.adapted), "plain": _strings(self.plain)}

    @classmethod
    def from_value(cls, value: object) -> Canaries:
        """The logits of a part of a canary record.

        :raises IntegrityError: if it is none.
        """
        try:
            return _canaries(value)  # type: ignore[arg-type]
        except (KeyError, TypeError, ValueError) as error:
            raise IntegrityError(
                f"The canary record is damaged: {error}.", "Restore it from a copy."
            ) from None


def rows(*, pair: bool) -> tuple[Row, ...]:
    """The sentences as a skill's input."""
    following = SENTENCES[1:] + SENTENCES[:1]
    return tuple(Row(a, b if pair else None) for a, b in zip(SENTENCES, following, strict=True))


def record(parts: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    """A canary record of several skills.

    :param parts: by a skill's name, what its kind keeps of it.
    """
    return {
        "format": FORMAT,
        "sentences": list(SENTENCES),
        "skills": {name: dict(part) for name, part in parts.items()},
    }


def parts(record: Mapping[str, object]) -> dict[str, object]:
    """What a canary record keeps, by skill.

    :raises IntegrityError: if it is none, or holds other sentences.
    """
    skills = record.get("skills")
    if (
        record.get("format") != FORMAT
        or record.get("sentences") != list(SENTENCES)
        or not isinstance(skills, dict)
    ):
        raise IntegrityError("The canary record is not of this version.", "Update skillstack.")
    return skills


def to_record(canaries: Mapping[str, Canaries]) -> dict[str, object]:
    """A record of several skills' logits."""
    return record({name: found.to_value() for name, found in canaries.items()})


def from_record(record: Mapping[str, object]) -> dict[str, Canaries]:
    """The logits of a record, by skill.

    :raises IntegrityError: if it is none, or holds other sentences.
    """
    return {name: Canaries.from_value(value) for name, value in parts(record).items()}


def _canaries(value: Mapping[str, Sequence[Sequence[str]]]) -> Canaries:
    plain, adapted = _floats(value["plain"]), _floats(value["adapted"])
    if plain.shape != adapted.shape:
        raise ValueError("tables of two sizes")
    return Canaries(plain, adapted)


def _strings(logits: Logits) -> list[list[str]]:
    return [[f"{value:.6f}" for value in row] for row in logits.tolist()]


def _floats(strings: Sequence[Sequence[str]]) -> Logits:
    found = np.array([[float(value) for value in row] for row in strings], dtype=np.float32)
    if found.ndim != 2 or len(found) != len(SENTENCES) or not found.size or not np.isfinite(found).all():
        raise ValueError("not a table of finite numbers")
    return found

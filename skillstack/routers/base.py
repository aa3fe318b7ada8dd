"""Routers: what they are fitted on, what they answer, and the class that each of them extends."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import IntegrityError, StoreError, UsageError
from skillstack.results import Ranking, Route
from skillstack.routers.features import HashedRows
from skillstack.store import canonical
from skillstack.store.canonical import sha256
from skillstack.store.files import write_file
from skillstack.store.rows import Row


@dataclass(frozen=True)
class Parameters:
    """Settings of the fit, as strings and integers because they are part of a digest.

    The values were chosen by out-of-fold accuracy on training rows of two eight-task stacks.

    :ivar c: inverse strength of the support vector machine's regularisation.
    :ivar words: weight of the block of word n-grams; the block of character n-grams has 1.
    :ivar flags: weight of each flag (second text, line breaks).
    :ivar folds: parts for the out-of-fold scores.
    :ivar many: rows from which three parts do, as two thirds of them teach almost what four fifths would.
    :ivar seed: random state of the solver.
    """

    c: str = "0.5"
    words: str = "0.7"
    flags: str = "0.8"
    folds: int = 5
    many: int = 4096
    seed: int = 0

    def parts(self, rows: int) -> int:
        """Parts for the out-of-fold scores of this many rows."""
        return self.folds if rows < self.many else min(self.folds, 3)

    def to_json(self) -> dict[str, object]:
        """By name."""
        return asdict(self)


@dataclass(frozen=True)
class SkillSamples:
    """The sample rows of one skill.

    :ivar skill: its name.
    :ivar frame: position of its frame in the stack, 0 for the oldest; skills of one frame share it.
    :ivar rows: the hashed rows, at least one.
    """

    skill: str
    frame: int
    rows: HashedRows


def check_samples(samples: Sequence[SkillSamples]) -> tuple[SkillSamples, ...]:
    """These samples, if they stand in stack order, oldest to newest, with names of their own and rows.

    :raises UsageError: if there are none, a name occurs twice, a skill has no rows, or the order is wrong.
    """
    if not samples:
        raise UsageError("A router needs at least one skill.", "Train a frame first.")
    names = [s.skill for s in samples]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"The skill {twice[0]!r} occurs twice.", "Give each skill a name of its own.")
    empty = [s.skill for s in samples if not len(s.rows)]
    if empty:
        raise UsageError(f"The skill {empty[0]!r} has no router samples.", "Keep at least one row per skill.")
    frames = [s.frame for s in samples]
    if frames != sorted(frames) or frames[0] < 0:
        raise UsageError("The skills are not in stack order.", "Give the oldest frame first.")
    return tuple(samples)


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of rows, before a frame is chosen.

    :ivar values: float32 ``[rows, skills]``; minus infinity for a skill that cannot read the row.
    :ivar skills: names, in stack order.
    :ivar frames: of each skill, its frame's position in the stack, 0 for the oldest.
    :ivar threshold: score above which the chain accepts a frame.
    """

    values: NDArray[np.float32]
    skills: tuple[str, ...]
    frames: tuple[int, ...]
    threshold: float


@dataclass(frozen=True)
class Choices:
    """The choice for each row.

    :ivar skills: int64 [rows], columns of the scores.
    :ivar accepted: bool [rows], whether a frame was sure enough; elsewhere the best of all was taken.
    :ivar depths: int64 [rows], frames looked at.
    """

    skills: NDArray[np.int64]
    accepted: NDArray[np.bool_]
    depths: NDArray[np.int64]


class Router(ABC):
    """Decides which skill answers a row. Routers do not change; `add` and `remove` give new ones.

    A router has a name and `scores`. What else it overrides is its own: here a router learns nothing but its
    skills and their frames, keeps them as its state, and picks the best score. Routers whose `digests` are
    equal share their states.

    :cvar name: what it is called on the command line; the registry has it as well.
    :cvar options: names of the options that it is made with, beside its state.
    :ivar inputs: the one of `digests` that names its state.
    :ivar skills: names of the skills in stack order, oldest to newest.
    :ivar frames: of each skill, its frame's position in the stack.
    :ivar calibrated: whether the temperature was fitted.
    :ivar temperature: divisor of the scores under the softmax that gives the confidence.
    :ivar lost: ``(skill, other, rows)`` for sample rows of a skill that go to another one, skills as
        positions in stack order; None where the router does not know.
    """

    name: ClassVar[str]
    options: ClassVar[tuple[str, ...]] = ()
    calibrated: bool = False
    temperature: float = 1.0
    lost: tuple[tuple[int, int, int], ...] | None = None

    def __init__(self, inputs: str, skills: Sequence[str], frames: Sequence[int]) -> None:
        self.inputs, self.skills, self.frames = inputs, tuple(skills), tuple(frames)

    @property
    def threshold(self) -> float:
        """Score above which a frame is accepted: any."""
        return -math.inf

    # fitting -----------------------------------------------------------------------------------------

    @classmethod
    def digests(cls, contents: Sequence[tuple[str, str, int]]) -> Iterator[str]:
        """SHA-256 (hex) of what a state follows from; it names the state before it is fitted.

        The first is that of this version's fit. Those of older fits come after it: their states serve stacks
        whose texts are gone.

        :param contents: of each skill in stack order its name, the digest of its samples as the store keeps
            them, and the position of its frame.
        """
        yield sha256(canonical.dumps({"contents": [list(entry) for entry in contents], "router": cls.name}))

    @classmethod
    def fit(cls, samples: Sequence[SkillSamples], *, inputs: str | None = None) -> Self:
        """A router of these skills, given in stack order.

        :param inputs: the first of `digests`, where the caller knows the digests that the store has for the
            samples; otherwise the digests of the hashed rows are taken.
        :raises UsageError: if there are no samples, a name occurs twice, or the order is not a stack's.
        """
        samples = check_samples(samples)
        contents = [(s.skill, s.rows.digest(), s.frame) for s in samples]
        inputs = inputs or next(cls.digests(contents))
        return cls(inputs, [s.skill for s in samples], [s.frame for s in samples])

    @classmethod
    def on(cls, fitted: Router) -> Self:
        """This router on the state of a fitted one of the same digests; options are further arguments."""
        return cls(fitted.inputs, fitted.skills, fitted.frames)

    # choosing ----------------------------------------------------------------------------------------

    @abstractmethod
    def scores(self, rows: Sequence[Row]) -> NDArray[np.float32]:
        """A score per row and skill, float32 [rows, skills]; the higher, the likelier."""

    def route(self, rows: Sequence[Row]) -> list[Route]:
        """The choice for each row."""
        return self.decide(*self.read(rows))

    def read(self, rows: Sequence[Row]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """The `scores`, and how far each row's confidence is to be trusted, float64 [rows], 0 to 1."""
        return self.scores(rows), np.ones(len(rows))

    def decide(self, scores: NDArray[np.float32], trust: NDArray[np.float64]) -> list[Route]:
        """The choice for each row of what was `read`; a score of minus infinity bars a skill."""
        choices = self.choices(scores)
        confident = probabilities(scores, self.temperature) * trust[:, None]
        return [
            Route(
                skill=self.skills[skill],
                score=values[skill],
                confidence=float(confidence[skill]),
                calibrated=self.calibrated,
                accepted=accepted,
                fallback=not accepted,
                depth=depth,
                router=self.name,
                ranking=Ranking(self.skills, self.skills, values),
            )
            for skill, accepted, depth, values, confidence in zip(
                choices.skills.tolist(),
                choices.accepted.tolist(),
                choices.depths.tolist(),
                scores.tolist(),
                confident,
                strict=True,
            )
        ]

    def choices(self, scores: NDArray[np.float32]) -> Choices:
        """The best score of each row."""
        count, frames = len(scores), len(set(self.frames))
        return Choices(scores.argmax(axis=1), np.ones(count, np.bool_), np.full(count, frames))

    # keeping -----------------------------------------------------------------------------------------

    def encode(self) -> dict[str, bytes]:
        """The files of the state by their names, in the order of writing: any `TENSORS`, then `RECORD`."""
        skills = [{"frame": at, "name": name} for name, at in zip(self.skills, self.frames, strict=True)]
        record = {"format": 1, "inputs": self.inputs, "router": self.name, "skills": skills}
        return {RECORD: canonical.seal(record)}

    @classmethod
    def decode(cls, files: Mapping[str, bytes], digest: str, *, what: str) -> Self:
        """The router of these files of a state.

        :param digest: the one of `digests` that the state must be of.
        :param what: names their folder in errors.
        :raises IntegrityError: if they were altered, or the state follows from something else.
        :raises StoreError: if a newer version wrote it.
        """
        record = canonical.unseal(files[RECORD], what=f"The router state {what}/{RECORD}")
        if (record.get("format"), record.get("router"), record.get("inputs")) != (1, cls.name, digest):
            raise IntegrityError(f"The router state in {what} belongs to another stack or router.", REFIT)
        try:
            skills = [(str(skill["name"]), int(skill["frame"])) for skill in record["skills"]]
        except (KeyError, TypeError, ValueError) as error:
            raise IntegrityError(
                f"The router state in {what} does not fit together: {error}.", REFIT
            ) from None
        return cls(digest, [name for name, _ in skills], [frame for _, frame in skills])

    def save(self, folder: Path) -> None:
        """Write the state into this folder, the record last, so that it never names what is not there.

        :raises StoreError: if the disk refuses.
        """
        for name, data in self.encode().items():
            write_file(folder / name, data)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The router whose state lies in this folder, which has the name of one of `digests`.

        :raises IntegrityError: if a file is missing or was altered, or the state follows from something else.
        :raises StoreError: if a newer version wrote it.
        """
        return cls.decode(read_state(folder), folder.name, what=str(folder))


def probabilities(scores: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Softmax of scores or logits over the last axis, divided by the temperature before, float64."""
    scaled = scores.astype(np.float64) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    powers = np.exp(scaled)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


#: The files of a state: any tensors are written first, and the record makes it whole.
RECORD = "state.json"
TENSORS = "state.safetensors"

#: What to do about a state that is lost or damaged.
REFIT = "It is fitted again from the samples; where they were left out, import the same bundle again."
_MAX_BYTES = 1 << 30


def read_state(folder: Path) -> dict[str, bytes]:
    """The bytes of a state's files by their names, unchecked.

    :raises IntegrityError: if the record is missing.
    """
    tensors = [TENSORS] if (folder / TENSORS).exists() else []
    return {name: read_state_file(folder / name) for name in (*tensors, RECORD)}


def read_state_file(path: Path) -> bytes:
    """The bytes of a file of a state.

    :raises IntegrityError: if it is missing, or too large for one.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise IntegrityError(f"{path} is too large for a router state.", REFIT)
        return path.read_bytes()
    except FileNotFoundError:
        raise IntegrityError(f"{path} is missing.", REFIT) from None
    except OSError as error:
        raise StoreError(f"Cannot read {path}: {error.strerror}.", "Check its permissions.") from error

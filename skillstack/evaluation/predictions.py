"""Answers of skills to rows, asked once: what decides an answer and the text are its key.

A skill may be asked with an adapter that is not its own, such as that of the newest frame.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skillstack.store.derived import Derived, needs
from skillstack.store.records import FrameRecord, Skill
from skillstack.store.rows import Row

if TYPE_CHECKING:
    from skillstack.models.heads import Head
    from skillstack.predictor import Predictor
    from skillstack.skills.base import Answer, Answerer, SkillKind


#: Raised when the same key would mean other numbers.
KIND = "predictions-1"

#: Rows whose states are held in memory at once.
ROWS_AT_ONCE = 2048
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class BaselineHead:
    """A head on the base alone.

    :ivar key: SHA-256 of all that it follows from.
    :ivar head: reads or fits it; called only where an answer is not known.
    """

    key: str
    head: Callable[[], Head]


@dataclass(frozen=True)
class PredictionRequest:
    """A skill that is asked rows.

    :ivar content: the frame that the skill belongs to.
    :ivar skill: its head, labels and rendering.
    :ivar adapter: the frame whose adapter is used; by default the skill's own.
    :ivar baseline: what answers instead.
    """

    content: FrameRecord
    skill: Skill
    adapter: FrameRecord | None = None
    baseline: BaselineHead | None = None

    @property
    def together(self) -> FrameRecord:
        """The skill's content with the adapter that it is asked with."""
        if self.baseline is not None:
            return dataclasses.replace(self.content, adapter=None)
        if self.adapter is None:
            return self.content
        both = f"{self.adapter.name} under the head of {self.content.name}"
        name = self.content.name if self.adapter.name == self.content.name else both
        return dataclasses.replace(self.content, name=name, adapter=self.adapter.adapter)

    def behaviour(self, precision: str) -> str:
        """Digest of all that decides the answers, with the base held at a precision."""
        skill = self.skill
        if self.baseline is not None:
            skill = dataclasses.replace(skill, head=self.baseline.key, state=None, prompt=None)
        return dataclasses.replace(self.together, precision=precision).behaviour(skill)

    @property
    def needs(self) -> tuple[str, ...]:
        """Behaviours of the frames that take part; where one of them is gone, nobody asks this again."""
        other = [] if self.adapter is None else [self.adapter.behaviour(self.adapter.skills[0])]
        return (self.content.behaviour(self.skill), *other)

    def answerer(self, predictor: Predictor) -> Answerer:
        """It, ready to answer."""
        if self.baseline is not None:
            from skillstack.skills.classification import bare

            return bare(self.baseline.head(), self.skill)
        return predictor.answerer(self.together, self.skill)


@dataclass
class _Known:
    """Answers of one behaviour."""

    kind: SkillKind[Any, Any]
    needs: tuple[str, ...]
    answers: dict[bytes, Answer] = field(default_factory=dict)
    new: int = 0


class Predictions:
    """Answers, read from the store's derived files where they are there, and asked of the model where not.

    :ivar asked: answers that the model had to give since this was made.
    """

    def __init__(
        self,
        folder: Path,
        load: Callable[[], Predictor],
        precision: str,
        tell: Callable[[int, int], None] = lambda asked, of: None,
    ) -> None:
        """Read what is there when it is asked for.

        :param folder: of all derived files.
        :param load: loads the base; not called where every answer is known.
        :param precision: at which it holds it.
        :param tell: called after each part with answers that the model gave, and those that it has to.
        """
        self._files, self._load, self._precision = Derived(folder, KIND), load, precision
        self._tell = tell
        self._known: dict[str, _Known] = {}
        self.asked = 0

    def ask(self, wanted: Sequence[tuple[PredictionRequest, Sequence[Row]]]) -> list[Floats]:
        """For each skill its answers as its kind collects them: logits ``[rows, labels]`` of classifications.

        What is not known is asked in one call.

        :raises MismatchError: if a frame does not fit the base, or answers with numbers that are not finite.
        :raises SkillStackError: if the base cannot be loaded.
        """
        missing: list[tuple[PredictionRequest, str, Row, bytes]] = []
        seen: set[tuple[str, bytes]] = set()
        keys = [asked.behaviour(self._precision) for asked, _ in wanted]
        digests = [[bytes.fromhex(row.digest()) for row in rows] for _, rows in wanted]
        for (asked, rows), key, names in zip(wanted, keys, digests, strict=True):
            known = self._of(key, asked)
            for row, name in zip(rows, names, strict=True):
                if name not in known.answers and (key, name) not in seen:
                    seen.add((key, name))
                    missing.append((asked, key, row, name))
        if missing:
            self._fill(missing)
        found = []
        for (asked, _), key, names in zip(wanted, keys, digests, strict=True):
            known = self._known[key]
            found.append(known.kind.collected([known.answers[name] for name in names], asked.skill))
        return found

    def knows(self, asked: PredictionRequest, rows: Sequence[Row]) -> bool:
        """Whether all of these answers are known, so that nothing has to be asked for them."""
        known = self._of(asked.behaviour(self._precision), asked)
        return all(bytes.fromhex(row.digest()) in known.answers for row in rows)

    def keep(self) -> None:
        """Write what is new."""
        for key, known in self._known.items():
            if known.new:
                names = sorted(known.answers)
                self._files.write(
                    key,
                    {
                        "rows": np.frombuffer(b"".join(names), dtype=np.uint8).reshape(len(names), 32),
                        **known.kind.pack([known.answers[name] for name in names]),
                        **needs(known.needs),
                    },
                )
                known.new = 0

    def _of(self, key: str, asked: PredictionRequest) -> _Known:
        if key not in self._known:
            from skillstack.skills.registry import kind_named

            kind = kind_named(asked.skill.kind, asked.skill.name)
            self._known[key] = known = _Known(kind, asked.needs)
            found = self._files.read(key) or {}
            rows = found.get("rows")
            answers = None if rows is None else kind.unpack(found, len(rows), asked.skill)
            if rows is not None and answers is not None:
                names = (row.tobytes() for row in rows)
                known.answers = dict(zip(names, answers, strict=True))
        return self._known[key]

    def _fill(self, missing: Sequence[tuple[PredictionRequest, str, Row, bytes]]) -> None:
        """Ask the model, part by part; what is answered stays if it is stopped."""
        predictor, total = self._load(), self.asked + len(missing)
        order = {name: place for place, name in enumerate(dict.fromkeys(name for *_, name in missing))}
        parts: dict[int, list[tuple[PredictionRequest, str, Row, bytes]]] = {}
        for one in missing:
            parts.setdefault(order[one[3]] // ROWS_AT_ONCE, []).append(one)
        for part in parts.values():
            made = {id(asked): asked.answerer(predictor) for asked, *_ in part}
            answerers = [made[id(asked)] for asked, *_ in part]
            answers = predictor.ask([row for _, _, row, _ in part], answerers)
            for (_, key, _, name), answer in zip(part, answers, strict=True):
                self._known[key].answers[name] = answer
                self._known[key].new += 1
            self.asked += len(part)
            self.keep()
            self._tell(self.asked, total)

"""The plan of a frame: all that decides its training, known before it begins.

A finished training is recognised by its plan, never by the ids of what came out.
"""

from __future__ import annotations

from dataclasses import dataclass

from skillstack.frames import canonical
from skillstack.frames.digests import sha256
from skillstack.frames.records import BaseIdentity, Rendering
from skillstack.training.data import FrameData
from skillstack.training.recipe import Recipe

#: Raised when the training code changes what comes out of an equal recipe.
VERSION = 1


@dataclass(frozen=True)
class FramePlan:
    """What one frame's training is to do.

    :ivar data: its rows.
    :ivar recipe: how.
    :ivar rendering: how rows become the model's input.
    :ivar base: on which model.
    :ivar precision: how that is held.
    :ivar position: its place on the stack, from 0.
    :ivar starts: contents whose adapters it may start from, the preferred one first; none for a fresh one.
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

"""How a task's rows are shown to a base: the hints of the task as the record that a frame keeps."""

from __future__ import annotations

from typing import Literal

from skillstack.errors import UsageError
from skillstack.frames.records import Rendering
from skillstack.tasks.families import default_prompt
from skillstack.tasks.task import Task

BaseKind = Literal["encoder", "decoder"]

#: Tokens in all, where the recipe says nothing else.
DEFAULT_MAX_LENGTH: dict[str, int] = {"encoder": 128, "decoder": 160}
MAX_LENGTHS = range(8, 131_073)


def rendering(task: Task, base_kind: BaseKind, max_length: int | None = None) -> Rendering:
    """How this task is shown to an encoder or a decoder.

    Encoders read the bare texts. Decoders read the task's prompt, or its family's default one.

    :param max_length: tokens in all; None for the default of the kind of base.
    :raises UsageError: if the kind of base is unknown or ``max_length`` is not between 8 and 131,072.
    """
    if base_kind not in DEFAULT_MAX_LENGTH:
        raise UsageError(f"The kind of base {base_kind!r} is unknown.", "Use encoder or decoder.")
    length = DEFAULT_MAX_LENGTH[base_kind] if max_length is None else max_length
    if length not in MAX_LENGTHS:
        raise UsageError(f"The maximum length is {length} tokens.", "Give between 8 and 131,072.")
    if base_kind == "encoder":
        return Rendering(truncation=task.truncation, max_length=length)
    return Rendering(
        prompt=task.prompt or default_prompt(task.family, pair=task.pair),
        label_words=task.label_words,
        truncation=task.truncation,
        max_length=length,
    )

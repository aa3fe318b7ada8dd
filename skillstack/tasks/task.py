"""A task: what a skill is taught, and one labelled row of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from skillstack.errors import InputError
from skillstack.frames.names import is_name
from skillstack.frames.rows import Row

KINDS = ("classification",)
TRUNCATIONS = ("head", "head_tail")
MAX_LABELS = 10_000
MAX_LABEL_CHARACTERS = 200
MAX_PROMPT_CHARACTERS = 4_000

_BRACED = re.compile(r"\{[^{}]*\}|[{}]")


@dataclass(frozen=True, slots=True)
class Example:
    """A row and its class.

    :ivar label: index into the task's labels.
    """

    row: Row
    label: int


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a skill is taught.

    :ivar name: safe as a file name.
    :ivar family: one of :data:`skillstack.tasks.families.FAMILIES`, or another name.
    :ivar labels: class names; an example's label is an index into them.
    :ivar pair: whether every row has a second text.
    :ivar prompt: for decoders: a template with ``{text}`` and, for pairs, ``{text_pair}``, that ends where
        the answer would stand; empty if the family's default will do. Encoders read the bare texts.
    :ivar label_words: for decoders: per label the word that would stand there, with its leading blank, so
        that the head may start from the language-model head's rows; empty if no good words exist.
    :ivar truncation: which part of a text that is too long is kept, "head" or "head_tail".
    :raises InputError: if any of this cannot be meant.
    """

    name: str
    family: str
    labels: tuple[str, ...]
    pair: bool = False
    kind: str = "classification"
    prompt: str = ""
    label_words: tuple[str, ...] = ()
    truncation: str = "head_tail"
    description: str = ""

    def __post_init__(self) -> None:
        for what, name in (("task name", self.name), ("family", self.family)):
            if not is_name(name):
                raise InputError(
                    f"The {what} {str(name)[:80]!r} is no valid name.",
                    "Use 1 to 64 of a-z, 0-9, '.', '_' and '-', starting with a letter or digit.",
                )
        if self.kind not in KINDS:
            raise InputError(f"The kind {str(self.kind)[:80]!r} is unknown.", f"Known: {', '.join(KINDS)}.")
        if self.truncation not in TRUNCATIONS:
            raise InputError(
                f"The truncation {str(self.truncation)[:80]!r} is unknown.",
                f"Known: {', '.join(TRUNCATIONS)}.",
            )
        _check_labels(self.labels)
        _check_prompt(self.prompt, pair=self.pair)
        if self.label_words and len(self.label_words) != len(self.labels):
            raise InputError(
                f"There are {len(self.label_words)} label words for {len(self.labels)} labels.",
                "Give one word per label, or none at all.",
            )
        if len(set(self.label_words)) != len(self.label_words):
            raise InputError("Two labels share a label word.", "Give each label its own, or none at all.")


def _check_labels(labels: tuple[str, ...]) -> None:
    if not 2 <= len(labels) <= MAX_LABELS:
        raise InputError(
            f"There are {len(labels)} label names; a classification task has 2 to {MAX_LABELS:,}.",
            "List the name of every class in label_names.",
        )
    for index, label in enumerate(labels):
        # Not printable covers control and bidi characters, lone surrogates and line breaks.
        if not label.strip() or not label.isprintable() or len(label) > MAX_LABEL_CHARACTERS:
            raise InputError(
                f"Label name {index} is {label[:80]!r}.",
                f"Use 1 to {MAX_LABEL_CHARACTERS} printable characters.",
            )
    if len(set(labels)) != len(labels):
        twice = next(label for index, label in enumerate(labels) if label in labels[:index])
        raise InputError(f"The label name {twice!r} stands there twice.", "Give each class its own name.")


def _check_prompt(prompt: str, *, pair: bool) -> None:
    if not prompt:
        return
    wanted = ["{text}", "{text_pair}"] if pair else ["{text}"]
    if sorted(_BRACED.findall(prompt)) != sorted(wanted) or len(prompt) > MAX_PROMPT_CHARACTERS:
        raise InputError(
            f"The prompt {prompt[:80]!r} does not fit the task.",
            f"It holds {' and '.join(wanted)} once, no other braces, and ends where the answer would stand.",
        )
    if prompt != prompt.rstrip():
        raise InputError("The prompt ends with a blank.", "Remove it: label words bring their own.")

"""A task: what a skill is taught, one labelled row of it, its family, and what a source gives of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from skillstack.errors import InputError, UsageError
from skillstack.store import canonical
from skillstack.store.canonical import sha256
from skillstack.store.fields import is_name
from skillstack.store.records import Rendering
from skillstack.store.rows import Row


@dataclass(frozen=True)
class SkillFamily:
    """Skills of one kind.

    :ivar name: as it stands in a skill's record.
    :ivar description: one sentence for people.
    :ivar ending: how a decoder's prompt ends for a text whose task has no prompt of its own. Small models
        go on with a sentence far better than they answer a question.
    :ivar question: what a decoder is asked about a pair of texts.
    """

    name: str
    description: str
    ending: str
    question: str


FAMILIES: dict[str, SkillFamily] = {
    family.name: family
    for family in (
        SkillFamily(
            "sentiment",
            "How somebody feels about something.",
            "The sentiment of this text is",
            "What is the sentiment?",
        ),
        SkillFamily("topic", "What a text is about.", "Category:", "What is the topic?"),
        SkillFamily(
            "intent",
            "What a person wants an assistant to do.",
            "The intent of this request is",
            "What is the intent?",
        ),
        SkillFamily(
            "nli",
            "Whether one text follows from another.",
            "Category:",
            "Does the second follow from the first?",
        ),
        SkillFamily("paraphrase", "Whether two texts mean the same.", "Category:", "Do both mean the same?"),
        SkillFamily(
            "qa", "The answer to a question, from a passage.", "The answer is", "What is the answer?"
        ),
    )
}
_OTHER = SkillFamily("", "Any other.", "Category:", "Which category?")


def default_prompt(family: str, *, pair: bool) -> str:
    """A prompt for a task that has none: it ends where the answer would stand.

    :param family: a known family's name or any other.
    """
    known = FAMILIES.get(family, _OTHER)
    if pair:
        return f"First text: {{text}}\nSecond text: {{text_pair}}\nQuestion: {known.question} Answer:"
    return f"{{text}}\n{known.ending}"


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
    :ivar family: one of :data:`skillstack.data.task.FAMILIES`, or another name.
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


@dataclass(frozen=True)
class SourceInfo:
    """Where rows came from; part of a frame's record, so it holds no path of this machine.

    :ivar kind: "starter", "folder", "hub" or "table".
    :ivar name: kind, slash, task name; what router samples of the kind *reference* are resolved by.
    :ivar digest: SHA-256 over labels, train and validation rows, whatever their order.
    :ivar licence: as the source states it; may be empty.
    :ivar citation: likewise.
    :ivar origin: where the source took them from: a title, or repository, commit and files.
    """

    kind: str
    name: str
    digest: str
    licence: str = ""
    citation: str = ""
    origin: str = ""


@dataclass(frozen=True)
class TaskData:
    """A task and its rows, checked.

    :ivar train: at least two different examples of each class.
    :ivar validation: the source's own validation split, if it has one; it joins dev.
    """

    task: Task
    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    source: SourceInfo
    read_test: Callable[[], tuple[Example, ...]] = field(repr=False, compare=False)

    @cached_property
    def test(self) -> tuple[Example, ...]:
        """The source's own test split, read when it is first asked for.

        :raises InputError: if its file is broken.
        """
        return self.read_test()


def rows_digest(task: Task, **splits: Iterable[Example]) -> str:
    """SHA-256 (hex) of a task's labels and rows, the same whatever the order of the rows.

    It is taken over canonical JSON: the labels, and by split the digest of its sorted examples.
    """
    parts: dict[str, object] = {"labels": task.labels, "pair": task.pair}
    for split, examples in splits.items():
        lines = sorted(f"{example.row.digest()} {example.label}\n" for example in examples)
        parts[split] = hashlib.sha256("".join(lines).encode()).hexdigest()
    return sha256(canonical.dumps(parts))

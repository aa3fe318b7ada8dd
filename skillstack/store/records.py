"""The records of a store: what a frame is (`FrameRecord`), where it stands (`Node`), and their JSON.

Both are canonical JSON, named by the SHA-256 of their bytes. Numbers are integers or strings. A frame record
has one form, that of the lowest format that can hold it; `records_v1` and `records_v2` read and write them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Literal

from skillstack.errors import MismatchError
from skillstack.store import canonical, fields, learned
from skillstack.store.canonical import sha256
from skillstack.store.states import StateRef

#: The newest format of frame records that this version reads. To raise it: keep the readers of the old
#: numbers as they are in modules named after them, give the new number its own, let `Skill.format` say what
#: needs it, add a golden store of the old one to the tests, and raise `marker.FORMAT` as well. A record is
#: written in the lowest format that holds it, so ids stay; and a store takes on the number of its newest
#: record before that is written (`Store.admit`), so that older programs refuse it and do not misread it.
FORMAT = 2

#: The format of nodes, which hold nothing that has changed.
NODE_FORMAT = 1

#: Kinds of skills that records are checked for. `skillstack.skills.registry` says which can be asked.
CLASSIFICATION, GENERATION, DOCUMENT = "classification", "generation", "document"

#: The files of an adapter folder, in the order of `AdapterRef`.
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors", "README.md")

#: Where a merged frame's recipe keeps those of its members.
TAUGHT = "taught"


@dataclass(frozen=True)
class Rendering:
    """How a row becomes what the model reads. Part of a frame's behaviour.

    :ivar prompt: for decoders a template with ``{text}`` and, for pairs, ``{text_pair}``, which ends where
        the answer would stand; empty for encoders.
    :ivar label_words: one per label, or none; the language-model head's rows of their first tokens may
        start the classification head.
    :ivar truncation: which tokens of a text that is too long are kept: ``head``, or ``head_tail``.
    :ivar max_length: tokens in all, special tokens and prompt included.
    """

    prompt: str = ""
    label_words: tuple[str, ...] = ()
    truncation: str = "head_tail"
    max_length: int = 128


@dataclass(frozen=True)
class BaseIdentity:
    """Which frozen model a frame was trained on.

    :ivar weights: SHA-256 fingerprint of the weights.
    :ivar tokenizer: SHA-256 of the tokenizer's behaviour.
    :ivar architecture: the model type in transformers' words: ``bert``, ``llama``, ...
    :ivar hidden_size: width of a hidden state.
    :ivar layers: number of transformer layers.
    :ivar name: where it came from; a hint.
    :ivar revision: which version of that; a hint.
    """

    weights: str
    tokenizer: str
    architecture: str
    hidden_size: int
    layers: int
    name: str
    revision: str

    def same_as(self, other: BaseIdentity) -> bool:
        """Whether they are of one model: weights, tokenizer and architecture, whatever the hints say.

        What else its configuration decides shows when it computes.
        """
        return self._told == other._told

    @property
    def _told(self) -> tuple[object, ...]:
        return self.weights, self.tokenizer, self.architecture, self.hidden_size, self.layers


@dataclass(frozen=True)
class Count:
    """An accuracy as whole numbers.

    :ivar correct: rows answered correctly.
    :ivar n: rows asked.
    """

    correct: int
    n: int

    @property
    def accuracy(self) -> float:
        """Correct share, 0 to 1; 0 without rows."""
        return self.correct / self.n if self.n else 0.0


@dataclass(frozen=True)
class GenerationPrompt:
    """How a generative skill answers; what it reads is in its rendering. Part of a frame's behaviour.

    :ivar style: how the prompt is laid out, such as ``plain`` or ``chat``.
    :ivar template: digest of the base's chat template, or None where none is used.
    :ivar answer: a template with ``{answer}``, which training teaches and answers are read from.
    :ivar choices: the answers that are possible, or none where any text is.
    :ivar stop: texts that end an answer besides the base's own end.
    :ivar max_new_tokens: length of an answer at most.
    """

    style: str
    template: str | None
    answer: str
    choices: tuple[str, ...]
    stop: tuple[str, ...]
    max_new_tokens: int


@dataclass(frozen=True)
class Skill:
    """One task that a frame can answer.

    :ivar name: unique within a stack.
    :ivar task: the catalogue's or the user's name of the task.
    :ivar family: sentiment, topic, intent, nli, paraphrase, qa, or the user's own.
    :ivar labels: label names, in the order of the head's rows; none where the kind has no labels.
    :ivar pair: whether a row has a second text.
    :ivar head: digest of the head's tensors, or None where a state takes its place or the kind needs none.
    :ivar samples: digest of the router samples, or None where none were kept.
    :ivar rendering: how a row becomes the model's input.
    :ivar metrics: accuracies of the training, such as ``dev`` and ``frozen_linear_dev``.
    :ivar source: where the rows came from: kind, name, digest, licence.
    :ivar kind: ``classification``, ``generation`` or ``document``, or one that a newer version knows.
    :ivar state: what it knows instead of a head, or None.
    :ivar prompt: how it answers, where its kind is ``generation``; else None.
    :ivar learned: digest of the keys of the rows that it learned from, where they were a person's own table;
        else None. No answer depends on them.
    """

    name: str
    task: str
    family: str
    labels: tuple[str, ...]
    pair: bool
    head: str | None
    samples: str | None
    rendering: Rendering
    metrics: Mapping[str, Count] = field(default_factory=dict)
    source: Mapping[str, str] = field(default_factory=dict)
    kind: str = CLASSIFICATION
    state: StateRef | None = None
    prompt: GenerationPrompt | None = None
    learned: str | None = None

    @property
    def format(self) -> int:
        """The lowest format of frame records that can hold it."""
        return 1 if self.is_plain and self.learned is None else 2

    @property
    def is_plain(self) -> bool:
        """Whether it answers as skills of format 1 do: a classification by a head alone."""
        plain = self.kind == CLASSIFICATION and self.head is not None
        return plain and self.state is None and self.prompt is None

    @property
    def head_digest(self) -> str:
        """The digest of its head, for what can carry nothing else.

        :raises MismatchError: if it has none, or another part of it answers as well.
        """
        if self.head is not None and self.state is not None:
            raise MismatchError(
                f"The skill {self.name!r} answers with n-grams beside its head.",
                "Leave it out, or learn it again with --method lora or linear.",
            )
        if self.head is None:
            raise MismatchError(
                f"The skill {self.name!r} of kind {self.kind!r} has no head.",
                "Leave it out: this needs skills with a head.",
            )
        return self.head


@dataclass(frozen=True)
class AdapterRef:
    """An adapter folder of the store.

    :ivar name: the readable part of the folder's name.
    :ivar config: digest of ``adapter_config.json``.
    :ivar model: digest of ``adapter_model.safetensors``.
    :ivar card: digest of ``README.md``.
    :ivar bytes: size of ``adapter_model.safetensors``.
    """

    name: str
    config: str
    model: str
    card: str
    bytes: int

    @property
    def folder(self) -> str:
        """The folder's name: readable, and unique by the first twelve digits of the digest of all three."""
        joined = canonical.dumps({"card": self.card, "config": self.config, "model": self.model})
        return f"{self.name}-{sha256(joined)[:12]}"


@dataclass(frozen=True)
class FrameRecord:
    """What a frame is, without its place.

    :ivar name: the frame's name.
    :ivar adapter: its LoRA adapter, or None where only heads were learned.
    :ivar skills: one or more.
    :ivar base: the frozen model it belongs to.
    :ivar precision: how the base was held: ``fp32``, ``bf16``, ``fp16`` or ``nf4``.
    :ivar pooling: ``mean`` or ``last``.
    :ivar recipe: everything that decided the training, as strings, integers, booleans, lists and objects.
    :ivar plan: digest of recipe, data, base, position and initial content, by which a finished training is
        recognised; empty for frames that no training made.
    :ivar canaries: digest of the stored canary logits, or None.
    :ivar init_from: content whose adapter the training started from, or None.
    """

    name: str
    adapter: AdapterRef | None
    skills: tuple[Skill, ...]
    base: BaseIdentity
    precision: str
    pooling: str
    recipe: Mapping[str, Any]
    plan: str = ""
    canaries: str | None = None
    init_from: str | None = None

    @property
    def base_kind(self) -> Literal["encoder", "decoder"]:
        """What the base is: of encoders the mean state counts, of decoders the last one."""
        return "encoder" if self.pooling == "mean" else "decoder"

    @property
    def format(self) -> int:
        """The format that it is written in: the lowest that can hold all of its skills."""
        return max((skill.format for skill in self.skills), default=1)

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return canonical.dumps({"format": self.format, **_module(self.format).write(self)})

    @property
    def id(self) -> str:
        """SHA-256 of the canonical JSON."""
        return sha256(self.to_bytes())

    @classmethod
    def from_bytes(cls, data: bytes, *, what: str = "The content") -> FrameRecord:
        """Read canonical JSON.

        :raises IntegrityError: if it is not canonical, or a field is missing, unknown or of another type.
        :raises StoreError: if a newer version wrote it.
        """
        loaded = canonical.loads(data, what=what)
        value = fields.versioned(loaded, FORMAT, what)
        found: FrameRecord = fields.reading(what, lambda: _module(loaded["format"]).read(value))
        return found

    @property
    def files(self) -> tuple[str, ...]:
        """Paths, relative to the store, of everything that this content needs besides itself."""
        paths = []
        if self.adapter is not None:
            folder = f"adapters/{self.adapter.folder}"
            paths += [f"{folder}/{name}" for name in ADAPTER_FILES]
        for skill in self.skills:
            if skill.head is not None:
                paths.append(f"heads/{skill.head}.safetensors")
            if skill.state is not None:
                paths += skill.state.digests()
            if skill.samples is not None:
                paths.append(f"samples/{skill.samples}")
            if skill.learned is not None:
                paths.append(learned.path_of(skill.learned))
        if self.canaries is not None:
            paths.append(f"canaries/{self.canaries}.json")
        return tuple(dict.fromkeys(paths))

    def behaviour(self, skill: Skill) -> str:
        """Digest of all that decides this skill's answers, and of nothing else.

        Names, metrics, samples, rows learned from, recipe and lineage are left out, so measurements keyed by
        it survive renaming, rebasing and undo.
        """
        adapter = self.adapter
        decisive = {
            "adapter": None if adapter is None else [adapter.config, adapter.model],
            "base": [self.base.weights, self.base.tokenizer],
            "head": skill.head,
            "labels": skill.labels,
            "pooling": self.pooling,
            "precision": self.precision,
            "rendering": fields.plain(skill.rendering),
        }
        if not skill.is_plain:
            state = None if skill.state is None else skill.state.digest
            decisive |= {"kind": skill.kind, "prompt": fields.plain(skill.prompt), "state": state}
        return sha256(canonical.dumps(decisive))


@dataclass(frozen=True)
class Node:
    """A frame's place in a stack.

    :ivar content: id of its content.
    :ivar parent: id of the node before it, or None for the first.
    """

    content: str
    parent: str | None

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return canonical.dumps({"content": self.content, "format": NODE_FORMAT, "parent": self.parent})

    @property
    def id(self) -> str:
        """SHA-256 of the canonical JSON."""
        return sha256(self.to_bytes())

    @classmethod
    def from_bytes(cls, data: bytes, *, what: str = "The node") -> Node:
        """Read canonical JSON.

        :raises IntegrityError: if it is damaged.
        :raises StoreError: if a newer version wrote it.
        """
        value = fields.versioned(canonical.loads(data, what=what), NODE_FORMAT, what)

        def read() -> Node:
            fields.keys(value, {"content", "parent"})
            return cls(fields.digest(value["content"]), fields.optional(value["parent"], fields.digest))

        return fields.reading(what, read)


def _module(number: int) -> ModuleType:
    """What reads and writes the records of a format; those modules build on this one."""
    from skillstack.store import records_v1, records_v2

    return {1: records_v1, 2: records_v2}[number]


def taught(content: FrameRecord, skill: str) -> Mapping[str, Any]:
    """The recipe of one of a frame's skills; empty where nobody wrote it down.

    :param skill: its name.
    """
    members = content.recipe.get(TAUGHT)
    if members is None:
        return content.recipe
    return members.get(skill, {}) if isinstance(members, Mapping) else {}

"""The records of a store: what a frame is (`FrameRecord`), where it stands (`Node`), and their JSON.

Both are canonical JSON, named by the SHA-256 of their bytes. Numbers are integers or strings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from skillstack.errors import IntegrityError, StoreError
from skillstack.store import canonical, fields
from skillstack.store.canonical import sha256

#: Version of the record formats. To raise it: keep the reader of the old number as it is in a module named
#: after it, give the new number its own reader, write only the newest, add a golden store of the old one to
#: the tests, and raise `store.FORMAT` as well, so that older programs refuse the store and do not misread it.
FORMAT = 1

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
class Skill:
    """One task that a frame can answer.

    :ivar name: unique within a stack.
    :ivar task: the catalogue's or the user's name of the task.
    :ivar family: sentiment, topic, intent, nli, paraphrase, qa, or the user's own.
    :ivar kind: always ``classification`` so far.
    :ivar labels: label names, in the order of the head's rows.
    :ivar pair: whether a row has a second text.
    :ivar head: digest of the head's tensors.
    :ivar samples: digest of the router samples, or None where none were kept.
    :ivar rendering: how a row becomes the model's input.
    :ivar metrics: accuracies of the training, such as ``dev`` and ``frozen_linear_dev``.
    :ivar source: where the rows came from: kind, name, digest, licence.
    """

    name: str
    task: str
    family: str
    labels: tuple[str, ...]
    pair: bool
    head: str
    samples: str | None
    rendering: Rendering
    metrics: Mapping[str, Count] = field(default_factory=dict)
    source: Mapping[str, str] = field(default_factory=dict)
    kind: str = "classification"


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

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return canonical.dumps({"format": FORMAT, **fields.plain(self)})

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
        value = _versioned(data, what)
        return fields.reading(what, lambda: _frame_record(value))

    @property
    def files(self) -> tuple[str, ...]:
        """Paths, relative to the store, of everything that this content needs besides itself."""
        paths = []
        if self.adapter is not None:
            folder = f"adapters/{self.adapter.folder}"
            paths += [f"{folder}/{name}" for name in ADAPTER_FILES]
        for skill in self.skills:
            paths.append(f"heads/{skill.head}.safetensors")
            if skill.samples is not None:
                paths.append(f"samples/{skill.samples}")
        if self.canaries is not None:
            paths.append(f"canaries/{self.canaries}.json")
        return tuple(dict.fromkeys(paths))

    def behaviour(self, skill: Skill) -> str:
        """Digest of all that decides this skill's answers, and of nothing else.

        Names, metrics, router samples, recipe and lineage are left out, so measurements keyed by it
        survive renaming, rebasing and undo.
        """
        adapter = self.adapter
        return sha256(
            canonical.dumps(
                {
                    "adapter": None if adapter is None else [adapter.config, adapter.model],
                    "base": [self.base.weights, self.base.tokenizer],
                    "head": skill.head,
                    "labels": skill.labels,
                    "pooling": self.pooling,
                    "precision": self.precision,
                    "rendering": fields.plain(skill.rendering),
                }
            )
        )


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
        return canonical.dumps({"content": self.content, "format": FORMAT, "parent": self.parent})

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
        value = _versioned(data, what)

        def read() -> Node:
            fields.keys(value, {"content", "parent"})
            return cls(fields.digest(value["content"]), fields.optional(value["parent"], fields.digest))

        return fields.reading(what, read)


def _versioned(data: bytes, what: str) -> fields.Json:
    value = canonical.loads(data, what=what)
    if not isinstance(value, dict) or type(value.get("format")) is not int:
        raise IntegrityError(f"{what} has no format version.", "It is damaged.")
    if value["format"] > FORMAT:
        raise StoreError(
            f"{what} has format {value['format']}; this version reads up to {FORMAT}.", "Update skillstack."
        )
    if value["format"] < 1:
        raise IntegrityError(f"{what} has the impossible format {value['format']}.", "It is damaged.")
    return {key: item for key, item in value.items() if key != "format"}


def _rendering(value: object) -> Rendering:
    v = fields.fields_of(Rendering, value)
    return Rendering(
        prompt=fields.string(v["prompt"]),
        label_words=fields.sequence(v["label_words"], fields.string),
        truncation=fields.one_of(v["truncation"], ("head", "head_tail")),
        max_length=fields.integer(v["max_length"]),
    )


def _base(value: object) -> BaseIdentity:
    v = fields.fields_of(BaseIdentity, value)
    return BaseIdentity(
        weights=fields.digest(v["weights"]),
        tokenizer=fields.digest(v["tokenizer"]),
        architecture=fields.string(v["architecture"]),
        hidden_size=fields.integer(v["hidden_size"]),
        layers=fields.integer(v["layers"]),
        name=fields.string(v["name"]),
        revision=fields.string(v["revision"]),
    )


def _count(value: object) -> Count:
    v = fields.fields_of(Count, value)
    count = Count(fields.integer(v["correct"]), fields.integer(v["n"]))
    if count.correct > count.n:
        raise ValueError("more correct rows than rows")
    return count


def _skill(value: object) -> Skill:
    v = fields.fields_of(Skill, value)
    labels = fields.sequence(v["labels"], fields.string)
    if len(labels) < 2 or len(set(labels)) != len(labels):
        raise ValueError("at least two labels, all different, expected")
    return Skill(
        name=fields.name(v["name"]),
        task=fields.name(v["task"]),
        family=fields.name(v["family"]),
        kind=fields.one_of(v["kind"], ("classification",)),
        labels=labels,
        pair=fields.boolean(v["pair"]),
        head=fields.digest(v["head"]),
        samples=fields.optional(v["samples"], fields.digest),
        rendering=_rendering(v["rendering"]),
        metrics=fields.mapping(v["metrics"], _count),
        source=fields.mapping(v["source"], fields.string),
    )


def _adapter(value: object) -> AdapterRef:
    v = fields.fields_of(AdapterRef, value)
    return AdapterRef(
        name=fields.name(v["name"]),
        config=fields.digest(v["config"]),
        model=fields.digest(v["model"]),
        card=fields.digest(v["card"]),
        bytes=fields.integer(v["bytes"]),
    )


def _frame_record(value: object) -> FrameRecord:
    v = fields.fields_of(FrameRecord, value)
    skills = fields.sequence(v["skills"], _skill)
    if not skills:
        raise ValueError("at least one skill expected")
    if v["plan"] != "":
        fields.digest(v["plan"])
    return FrameRecord(
        name=fields.name(v["name"]),
        adapter=fields.optional(v["adapter"], _adapter),
        skills=skills,
        base=_base(v["base"]),
        precision=fields.one_of(v["precision"], ("fp32", "bf16", "fp16", "nf4")),
        pooling=fields.one_of(v["pooling"], ("mean", "last")),
        recipe=fields.mapping(v["recipe"], lambda item: item),
        plan=fields.string(v["plan"]),
        canaries=fields.optional(v["canaries"], fields.digest),
        init_from=fields.optional(v["init_from"], fields.digest),
    )


def taught(content: FrameRecord, skill: str) -> Mapping[str, Any]:
    """The recipe of one of a frame's skills; empty where nobody wrote it down.

    :param skill: its name.
    """
    members = content.recipe.get(TAUGHT)
    if members is None:
        return content.recipe
    return members.get(skill, {}) if isinstance(members, Mapping) else {}

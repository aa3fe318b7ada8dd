"""Frame records of format 2: a skill has a kind, and a head, a state, both, or neither.

A generative skill has a prompt, and one that was learned from a person's own table names the keys of its
rows. A kind that this version does not know is read all the same, so that a stack can be listed; who asks
such a skill is told to update (`skillstack.skills.registry`).
"""

from __future__ import annotations

from skillstack.store import fields
from skillstack.store.records import (
    CLASSIFICATION,
    DOCUMENT,
    GENERATION,
    FrameRecord,
    GenerationPrompt,
    Skill,
)
from skillstack.store.records_v1 import common, frame_record, labels_of
from skillstack.store.states import parse_ref


def write(record: FrameRecord) -> fields.Json:
    """The record as dicts and lists."""
    value: fields.Json = fields.plain(record)
    return value


def read(value: object) -> FrameRecord:
    """The record of an object.

    :raises ValueError: if a field is missing, unknown, of another type, or of no use to the skill's kind;
        or if format 1 holds the record, which then is its only form.
    :raises IntegrityError: if a digest is none.
    """
    record = frame_record(value, _skill)
    if record.format == 1:
        raise ValueError("a record that needs nothing new expected in format 1")
    return record


def _skill(value: object) -> Skill:
    v = fields.fields_of(Skill, value)
    kind = fields.name(v["kind"])
    skill = Skill(
        kind=kind,
        labels=labels_of(v["labels"]) if kind == CLASSIFICATION else _different(v["labels"]),
        head=fields.optional(v["head"], fields.digest),
        state=fields.optional(v["state"], parse_ref),
        prompt=fields.optional(v["prompt"], _prompt),
        learned=fields.optional(v["learned"], fields.digest),
        **common(v),
    )
    _check_kind(skill)
    return skill


def _check_kind(skill: Skill) -> None:
    """See that a skill of a kind known here has what its kind is made of.

    :raises ValueError: if not.
    """
    kind = skill.kind
    if kind not in (CLASSIFICATION, GENERATION, DOCUMENT):
        return
    if kind == CLASSIFICATION and skill.head is None and skill.state is None:
        raise ValueError("a classification has a head or a state")
    if kind != CLASSIFICATION and (skill.head is not None or skill.labels):
        raise ValueError(f"a skill of kind {kind} has no head and no labels")
    if kind == DOCUMENT and skill.state is None:
        raise ValueError(f"a skill of kind {kind} has a state")
    if (kind == GENERATION) != (skill.prompt is not None):
        raise ValueError(f"a prompt belongs to kind {GENERATION}, and to no other")


def _prompt(value: object) -> GenerationPrompt:
    v = fields.fields_of(GenerationPrompt, value)
    prompt = GenerationPrompt(
        style=fields.name(v["style"]),
        template=fields.optional(v["template"], fields.digest),
        answer=fields.string(v["answer"]),
        choices=_different(v["choices"]),
        stop=_different(v["stop"]),
        max_new_tokens=fields.integer(v["max_new_tokens"]),
    )
    if "{answer}" not in prompt.answer:
        raise ValueError("an answer template with {answer} expected")
    if len(prompt.choices) == 1 or "" in (*prompt.choices, *prompt.stop):
        raise ValueError("no choices or at least two, and no empty text among them, expected")
    if not 1 <= prompt.max_new_tokens <= 1 << 20:
        raise ValueError("between one and a million new tokens expected")
    return prompt


def _different(value: object) -> tuple[str, ...]:
    found = fields.sequence(value, fields.string)
    if len(set(found)) != len(found):
        raise ValueError("texts that are all different expected")
    return found

"""Frame records of format 1: each skill is a classification with a head.

It is the format of all records that need no other, so that their bytes and ids stay. The readers of fields
that later formats share are here too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from skillstack.store import fields
from skillstack.store.records import (
    AdapterRef,
    BaseIdentity,
    Count,
    FrameRecord,
    Rendering,
    Skill,
)

#: Fields of a skill that this format does not know.
_LATER = {"state", "prompt", "learned"}


def write(record: FrameRecord) -> fields.Json:
    """The record as dicts and lists."""
    value: fields.Json = fields.plain(record)
    for skill in value["skills"]:
        for name in _LATER:
            del skill[name]
    return value


def read(value: object) -> FrameRecord:
    """The record of an object.

    :raises ValueError: if a field is missing, unknown or of another type.
    :raises IntegrityError: if a digest is none.
    """
    return frame_record(value, _skill)


def frame_record(value: object, skill: Callable[[object], Skill]) -> FrameRecord:
    """The record of an object.

    :param skill: reads one of its skills.
    :raises ValueError: if a field is missing, unknown or of another type.
    :raises IntegrityError: if a digest is none.
    """
    v = fields.fields_of(FrameRecord, value)
    skills = fields.sequence(v["skills"], skill)
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


def labels_of(value: object) -> tuple[str, ...]:
    """Labels of a classification: at least two, all different."""
    labels = fields.sequence(value, fields.string)
    if len(labels) < 2 or len(set(labels)) != len(labels):
        raise ValueError("at least two labels, all different, expected")
    return labels


def common(v: fields.Json) -> fields.Json:
    """The fields of a skill that mean the same in every format."""
    return {
        "name": fields.name(v["name"]),
        "task": fields.name(v["task"]),
        "family": fields.name(v["family"]),
        "pair": fields.boolean(v["pair"]),
        "samples": fields.optional(v["samples"], fields.digest),
        "rendering": _rendering(v["rendering"]),
        "metrics": fields.mapping(v["metrics"], _count),
        "source": fields.mapping(v["source"], fields.string),
    }


def _skill(value: object) -> Skill:
    v = fields.keys(value, {f.name for f in dataclasses.fields(Skill)} - _LATER)
    return Skill(
        kind=fields.one_of(v["kind"], ("classification",)),
        labels=labels_of(v["labels"]),
        head=fields.digest(v["head"]),
        **common(v),
    )


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


def _adapter(value: object) -> AdapterRef:
    v = fields.fields_of(AdapterRef, value)
    return AdapterRef(
        name=fields.name(v["name"]),
        config=fields.digest(v["config"]),
        model=fields.digest(v["model"]),
        card=fields.digest(v["card"]),
        bytes=fields.integer(v["bytes"]),
    )

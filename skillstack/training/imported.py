"""A frame from an adapter that another tool trained: its head taken over or fitted, its files put away."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from skillstack.data.splits import router_rows
from skillstack.data.task import KINDS, Example, Task, TaskData, rendering
from skillstack.errors import InputError, UsageError
from skillstack.models import adapter_config, canaries
from skillstack.models.answering import Answering
from skillstack.models.base import Base
from skillstack.models.encoding import longest
from skillstack.models.heads import Head
from skillstack.models.peft_folder import PeftFolder
from skillstack.models.peft_import import PeftAdapter, head_of
from skillstack.models.slot import Slot
from skillstack.models.split import SplitModel
from skillstack.routers.features import hash_rows
from skillstack.skills.classification import LabelAnswerer
from skillstack.skills.registry import kind_named
from skillstack.store.canonical import sha256
from skillstack.store.records import BaseIdentity, Count, FrameRecord, Rendering, Skill
from skillstack.store.rows import Row
from skillstack.store.samples import FeatureSamples, TextSamples
from skillstack.store.store import Store
from skillstack.training.baseline import keep_baseline
from skillstack.training.candidates import FeatureHeads
from skillstack.training.card import front_matter, usage
from skillstack.training.data import FrameData, choose_rows
from skillstack.training.encoded import EncodedDataset
from skillstack.training.recipe import Recipe

#: What a recipe tells of an adapter that was not trained here, and of the rows that are read.
_KNOWN = (
    *("r", "alpha", "dropout", "targets", "max_length"),
    *("samples_per_class", "dev_samples", "router_samples", "seed"),
)
#: Where a skill's rows came from, if it came without labelled ones.
KIND = "peft"
_HUB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class AdapterRows:
    """What a person says of an adapter besides its folder.

    :ivar name: of the frame and its skill.
    :ivar family: of skills that it belongs to.
    :ivar labels: label names in the order of the logits; empty where the folder or the table tells.
    :ivar table: labelled rows; None where there are none.
    :ivar texts: texts for the router, where there is no table.
    :ivar prompt: what a decoder reads, with ``{text}``; empty for what is usual.
    :ivar max_length: tokens of a row; None for the recipe's.
    :ivar keep_texts: whether the store keeps the router's samples as texts.
    """

    name: str
    family: str
    labels: tuple[str, ...] = ()
    table: TaskData | None = None
    texts: tuple[Row, ...] = ()
    prompt: str = ""
    max_length: int | None = None
    keep_texts: bool = True


@dataclass(frozen=True, eq=False)
class AdapterFrame:
    """A frame whose files are in the store, not yet on a stack.

    :ivar content: what it is.
    :ivar fitted: whether its head was fitted here, and is not the folder's.
    :ivar samples: how many texts the router has of it.
    """

    content: FrameRecord
    fitted: bool
    samples: int


def check_rows(folder: PeftFolder, rows: AdapterRows, base: Base) -> None:
    """See that there is a head, or rows to fit one, with labels that fit, and texts for the router.

    :raises UsageError: if something is missing, or two things contradict each other.
    :raises MismatchError: if the folder's head does not fit the base.
    :raises InputError: if labels and rows do not fit each other or the head.
    """
    taken = bool(folder.head) and base.kind == "decoder"
    if rows.table is None and not taken:
        what = (
            "The folder's head reads an encoder's first token, and frames read the mean of all tokens"
            if folder.head
            else "The folder holds no classification head"
        )
        raise UsageError(
            f"{what}.", "Give labelled rows with --table: a head is fitted on the adapter's features."
        )
    if rows.table is None and not rows.texts:
        raise UsageError(
            "Without texts of the skill the router cannot tell which texts are its own.",
            "Give some with --texts FILE, or labelled ones with --table.",
        )
    if taken and not (rows.labels or folder.labels):
        raise UsageError(
            "The folder does not say what its head's logits mean.",
            "Name the labels in the order of the logits: --labels negative,positive",
        )
    if base.kind == "encoder" and rows.prompt:
        raise UsageError("An encoder reads the bare texts, without a prompt.", "Leave --prompt out.")
    head = head_of(folder, base) if taken else None
    task = _task(folder, rows, head)
    if head is not None and head.labels != len(task.labels):
        raise InputError(
            f"The folder's head gives {head.labels} logits, and there are {len(task.labels)} labels.",
            "Name one label for each with --labels.",
        )
    known = set(rows.table.task.labels) if rows.table else set(task.labels)
    strange = sorted(known - set(task.labels))
    absent = sorted(set(task.labels) - known) if head is None else []
    if strange or absent:
        what = f"has rows labelled {strange[0]!r}" if strange else f"has no rows labelled {absent[0]!r}"
        raise InputError(
            f"The table {what}; the labels are {', '.join(map(repr, task.labels[:10]))}.",
            "Correct the table, or --labels.",
        )


def make_adapter_frame(
    store: Store, slot: Slot, folder: PeftFolder, adapter: PeftAdapter, rows: AdapterRows, recipe: Recipe
) -> AdapterFrame:
    """Put an adapter's frame into the store.

    :param adapter: the folder's, on the slot's base.
    :param recipe: says how many rows are read, and how long they are.
    :param rows: as `check_rows` found them good.
    :raises InputError: if a class is left without rows.
    :raises StoreError: if the store cannot be written.
    """
    base = slot.base
    head = head_of(folder, base) if base.kind == "decoder" else None
    task = _task(folder, rows, head)
    labels = task.labels
    spec = adapter.spec
    recipe = replace(
        recipe,
        r=spec.r,
        alpha=spec.alpha,
        dropout=spec.dropout,
        targets=spec.targets,
        max_length=rows.max_length or min(recipe.max_length, longest(base)),
    )
    shown = _rendering(task, base.kind, recipe.max_length, bare=head is not None)
    data = None if rows.table is None else _labelled(rows.table, task, recipe)
    fitted = head is None
    metrics: dict[str, Count] = {}
    frozen = None
    slot.clear()
    if data is not None:
        train, dev = (EncodedDataset.of(SplitModel(base, 0), part, shown) for part in (data.train, data.dev))
        if {example.label for example in data.train} == set(range(len(labels))):
            frozen, metrics["frozen_linear_dev"] = FeatureHeads(base, train, dev, len(labels)).best
        slot.copy_in(adapter.tensors, adapter.spec)
        heads = FeatureHeads(base, train, dev, len(labels))
        if head is None:
            head, metrics["dev"] = heads.best
        else:
            metrics["dev"] = heads.measure(head)
    if head is None:
        raise ValueError("neither a head nor rows to fit one")
    digest = store.put_head(head.weight, head.bias)
    own = (
        data.router if data else router_rows(_unlabelled(rows), recipe.router_samples, recipe.seed, task.name)
    )
    samples = TextSamples(own) if rows.keep_texts else FeatureSamples(hash_rows(own).to_tensors())
    skill = Skill(
        name=task.name,
        task=task.name,
        family=task.family,
        labels=task.labels,
        pair=task.pair,
        head=digest,
        samples=store.put_samples(samples),
        rendering=shown,
        metrics=metrics,
        source=data.source if data else _source(folder, rows),
    )
    card = _card(base.identity, base.pooling, skill, fitted=fitted)
    config = adapter_config.dump(
        spec,
        adapter.targets,
        base_name=base.identity.name,
        revision=base.identity.revision,
        decoder=base.kind == "decoder",
    )
    model = adapter_config.tensors_bytes(adapter.tensors)
    content = FrameRecord(
        name=rows.name,
        adapter=store.put_adapter(rows.name, config, model, card.encode("utf-8")),
        skills=(skill,),
        base=base.identity,
        precision=base.precision,
        pooling=base.pooling,
        recipe={name: value for name, value in recipe.to_record().items() if name in _KNOWN},
        canaries=store.put_canaries(_canaries(slot, adapter, head, skill)),
    )
    if frozen is not None:
        keep_baseline(store, content, frozen)
    return AdapterFrame(content, fitted, len(own))


def _task(folder: PeftFolder, rows: AdapterRows, head: Head | None) -> Task:
    """The task that the skill answers.

    :param head: the folder's; it was trained on texts that were cut at their end.
    """
    told = folder.labels if head is not None else rows.table.task.labels if rows.table else ()
    return Task(
        name=rows.name,
        family=rows.family,
        labels=rows.labels or told,
        pair=rows.table.task.pair if rows.table else any(row.has_pair for row in rows.texts),
        kind=KINDS[0],
        prompt=rows.prompt,
        truncation="head_tail" if head is None else "head",
    )


def _rendering(task: Task, kind: str, max_length: int, *, bare: bool) -> Rendering:
    """How rows are shown: as the adapter's own head was trained to read them, else as in a training here."""
    if kind == "encoder":
        return rendering(task, "encoder", max_length)
    shown = rendering(task, "decoder", max_length)
    return replace(shown, prompt=task.prompt) if bare else shown


def _labelled(table: TaskData, task: Task, recipe: Recipe) -> FrameData:
    """The rows of a table with the task's labels."""
    chosen = choose_rows(table, recipe)
    places = [task.labels.index(label) for label in table.task.labels]

    def mapped(examples: Sequence[Example]) -> tuple[Example, ...]:
        return tuple(Example(example.row, places[example.label]) for example in examples)

    return replace(chosen, task=task, train=mapped(chosen.train), dev=mapped(chosen.dev))


def _unlabelled(rows: AdapterRows) -> list[Example]:
    return [Example(row, 0) for row in rows.texts]


def _source(folder: PeftFolder, rows: AdapterRows) -> dict[str, str]:
    """Where the adapter came from, where no labelled rows tell; no path of this machine."""
    digest = sha256("".join(sorted(row.digest() for row in rows.texts)).encode())
    return {
        "kind": KIND,
        "name": f"{KIND}/{rows.name}",
        "digest": digest,
        "licence": "",
        "citation": "",
        "origin": folder.base_name if _HUB_NAME.fullmatch(folder.base_name) else "",
    }


def _canaries(slot: Slot, adapter: PeftAdapter, head: Head, skill: Skill) -> dict[str, object]:
    answerer = LabelAnswerer("", lambda: adapter.tensors, adapter.spec, head, skill.rendering, skill.name)
    part = kind_named(skill.kind, skill.name).canary(Answering(slot), answerer, pair=skill.pair)
    return canaries.record({skill.name: part})


def _card(base: BaseIdentity, pooling: str, skill: Skill, *, fitted: bool) -> str:
    """The Markdown of the model card."""
    labels = ", ".join(
        f"{place} {json.dumps(name, ensure_ascii=False)}" for place, name in enumerate(skill.labels)
    )
    lines = [
        *front_matter(base),
        "",
        f"# {skill.name}",
        "",
        f"A SkillStack frame imported from a PEFT folder: a LoRA adapter for the {skill.family} task "
        f"`{skill.name}`, {len(skill.labels)} labels. "
        + ("Its head was fitted on the adapter's features." if fitted else "Its head came with the adapter."),
        "",
        f"- base: `{base.name}`" + (f", revision `{base.revision}`" if base.revision else ""),
        f"- weights: `{base.weights}`",
    ]
    if (dev := skill.metrics.get("dev")) is not None:
        frozen = skill.metrics.get("frozen_linear_dev")
        beside = f" (linear head on the frozen base: {100 * frozen.accuracy:.1f} %)" if frozen else ""
        lines.append(f"- accuracy on {dev.n} held-back rows: {100 * dev.accuracy:.1f} %{beside}")
    lines += [f"- labels: {labels}", "", *usage(skill.rendering, pooling, skill.head_digest, pair=skill.pair)]
    return "\n".join(lines)

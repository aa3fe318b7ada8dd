"""An adapter that another tool trained, brought onto a stack as a frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skillstack.errors import UsageError
from skillstack.stack import Stack
from skillstack.store import canonical
from skillstack.store.canonical import sha256
from skillstack.store.fields import check_name, is_name
from skillstack.store.files import training_lock
from skillstack.store.records import Count, FrameRecord

if TYPE_CHECKING:
    from skillstack.models.base import Base


@dataclass(frozen=True)
class ImportedAdapter:
    """What the import of an adapter did.

    :ivar stack: the stack's name.
    :ivar name: the name of the new frame and its skill.
    :ivar frame: the new frame's id, which is the stack's tip now.
    :ivar labels: label names in the order of the logits.
    :ivar head: ``folder`` where the head came with the adapter, ``fitted`` where labelled rows made it.
    :ivar dev: right answers on rows that fitted nothing; None without labelled rows.
    :ivar frozen_linear_dev: those of a linear head on the frozen base; None likewise.
    :ivar samples: texts that the router has of it.
    :ivar base: the base's name.
    :ivar named_base: the base that the folder names; empty where it names none.
    :ivar left_out: adapted layers that no frame reads, such as an encoder's pooler.
    :ivar copied: whether the stack is a copy of the reference stack, made just before.
    """

    stack: str
    name: str
    frame: str
    labels: tuple[str, ...]
    head: str
    dev: Count | None
    frozen_linear_dev: Count | None
    samples: int
    base: str
    named_base: str
    left_out: tuple[str, ...]
    copied: bool


def import_adapter(
    folder: str | Path,
    *,
    name: str | None = None,
    family: str | None = None,
    labels: tuple[str, ...] = (),
    table: str | Path | None = None,
    texts: str | Path | None = None,
    text_column: str | None = None,
    pair_column: str | None = None,
    label_column: str | None = None,
    prompt: str = "",
    max_length: int | None = None,
    store: str | Path | None = None,
    stack: str | None = None,
    model: str | None = None,
    precision: str | None = None,
    device: str = "auto",
    keep_texts: bool = True,
) -> ImportedAdapter:
    """Bring a plain PEFT LoRA folder onto a stack as its newest frame; `Stack.undo` takes it back.

    A decoder's SEQ_CLS head is taken over with equal logits. Any other head is fitted from labelled rows, on
    the features that the adapter gives. Everything is checked before the stack is touched.

    :param name: of the frame and its skill; by default the folder's name.
    :param family: of skills that it belongs to; by default one of its own.
    :param labels: label names in the order of the logits; by default those of a ``config.json`` in the folder
        or of the table.
    :param table: labelled rows, from which a head is fitted where there is none; the router learns from them.
    :param texts: texts for the router without labels, where there is no table.
    :param text_column: of the table or the texts; likewise ``pair_column`` and ``label_column``.
    :param prompt: what a decoder reads, with ``{text}``; by default the bare text for the folder's own head,
        and the family's prompt for a fitted one.
    :param max_length: most tokens of a row; by default the recipe's.
    :param model: the base of a stack that is empty, or the folder of the stack's own base.
    :param precision: how the base of an empty stack is held.
    :param keep_texts: whether the store keeps sample texts, or hashed features alone.
    :raises UsageError: if names, labels or rows cannot be meant or are missing.
    :raises MismatchError: if the folder is no plain LoRA adapter, or does not fit the base.
    :raises SkillStackError: one of its kinds, if anything else cannot be done.
    """
    from skillstack.data.own_table import load_table
    from skillstack.data.texts import load_texts
    from skillstack.models.computation import check_computation
    from skillstack.models.peft_folder import read_folder
    from skillstack.models.peft_import import fit_to_base
    from skillstack.models.slot import Slot
    from skillstack.routers.stack_router import StackRouter
    from skillstack.store import transactions
    from skillstack.training.imported import AdapterRows, check_rows, make_adapter_frame
    from skillstack.training.recipe import LEARNED_PER_CLASS
    from skillstack.training.resolve import recipe_of

    path = Path(folder).expanduser()
    found = read_folder(path)
    called = _frame_name(path, name)
    if table is not None and texts is not None:
        raise UsageError("--table and --texts are both given.", "The router learns from the table's texts.")
    kin = check_name(family or called, "The family")
    rows = AdapterRows(
        name=called,
        family=kin,
        labels=labels,
        table=None
        if table is None
        else load_table(
            Path(table), called, kin, text=text_column, pair=pair_column, label=label_column, test_size=0.0
        ).data,
        texts=() if texts is None else load_texts(Path(texts), text=text_column, pair=pair_column),
        prompt=prompt,
        max_length=max_length,
        keep_texts=keep_texts,
    )
    opened = Stack.open(store, stack, model=model, precision=precision, device=device, create=True)
    adding, copied = opened.to_add_to()
    chosen = adding.name
    older = [frame.content for frame in reversed((opened if copied else adding).frames())]
    _check_free(chosen, called, older)
    base = _base(older, model, precision, device, found.base_name)
    adapter = fit_to_base(found, base)
    check_rows(found, rows, base)
    recipe = recipe_of(base.identity.name, base.kind, None, {"samples_per_class": LEARNED_PER_CLASS})
    if copied:
        copied = opened.copied_to(adding)
    to = adding.made()
    with training_lock(to.root, chosen):
        before, chain = to.tip(chosen), to.contents(chosen)
        _check_free(chosen, called, [content for _, content in chain])
        to.check_texts(content for _, content in chain)
        check_computation(to, [content for _, content in reversed(chain)], base)
        slot = Slot(base)
        made = make_adapter_frame(to, slot, found, adapter, rows, recipe)
        slot.remove()
        StackRouter(to, chosen).fit((*chain, (to.put_content(made.content), made.content)))
        tip = transactions.push(
            to,
            chosen,
            made.content,
            transaction=sha256(canonical.dumps({"import": made.content.id, "onto": before})),
            note=f"import {called}",
            expected=before,
        )
    if to.head_stack() != chosen:
        to.set_head_stack(chosen)
    skill = made.content.skills[0]
    return ImportedAdapter(
        stack=chosen,
        name=called,
        frame=tip,
        labels=skill.labels,
        head="fitted" if made.fitted else "folder",
        dev=skill.metrics.get("dev"),
        frozen_linear_dev=skill.metrics.get("frozen_linear_dev"),
        samples=made.samples,
        base=base.identity.name,
        named_base=found.base_name,
        left_out=adapter.left_out,
        copied=copied,
    )


def _frame_name(path: Path, name: str | None) -> str:
    if name is not None:
        return check_name(name, "The frame's name")
    own = path.resolve().name
    if not is_name(own):
        raise UsageError(f"The folder's name {own[:80]!r} cannot be a frame's.", "Give one with --name.")
    return own


def _check_free(stack: str, name: str, contents: list[FrameRecord]) -> None:
    taken = {skill.name for content in contents for skill in content.skills} | {c.name for c in contents}
    if name in taken:
        raise UsageError(
            f"The stack {stack!r} has a frame or skill {name!r} already.", "Give another name with --name."
        )


def _base(
    older: list[FrameRecord], model: str | None, precision: str | None, device: str, named: str
) -> Base:
    """The base of the stack's frames, or the one that an empty stack gets."""
    from skillstack.models.loading import load_base
    from skillstack.predictor import load_base_of
    from skillstack.training.resolve import base_kind, default_precision

    if older:
        newest = older[-1]
        if precision not in (None, newest.precision):
            raise UsageError(
                f"The stack's base is held at {newest.precision}, not at {precision}.",
                "Leave --precision out, or start another stack with --stack.",
            )
        return load_base_of(newest, model, device)
    if model is None:
        said = f"; the folder names {named[:80]!r}" if named else ""
        raise UsageError(
            f"The stack is empty, so its base is not known{said}.",
            "Name the model that the adapter was trained on with --model.",
        )
    return load_base(model, precision=precision or default_precision(base_kind(model), device), device=device)

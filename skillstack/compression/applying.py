"""Carrying a plan out: new frames in the place of the family's, as one transaction that can be undone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence, Set

from skillstack.answers import Frame
from skillstack.compression.adapters import Adapter
from skillstack.compression.card import Making, write_card
from skillstack.compression.families import Family
from skillstack.compression.present import Present
from skillstack.compression.rebuilding import put_in_place
from skillstack.compression.tried import Replacement, Tried
from skillstack.models import adapter_config, canaries
from skillstack.models.answering import skill_logits
from skillstack.models.encoding import encode
from skillstack.models.heads import Head
from skillstack.models.slot import Slot
from skillstack.store.records import TAUGHT, AdapterRef, FrameRecord, Skill, taught
from skillstack.store.store import Store

#: A stack's contents with their ids, oldest first.
Chain = Sequence[tuple[str, FrameRecord]]


def apply(
    present: Present,
    tried: Tried,
    store: Store,
    fit_router: Callable[[Chain], object],
    *,
    note: str,
    transaction: str | None = None,
) -> str | None:
    """Put the frames of a candidate in the place of those that it replaces; returns the new tip.

    A merged frame stands where the newest of its members stood and has the skills of all. Frames above it
    get new nodes, and their contents stay as they are. Files come first, then the router's state, then one
    step of the history: a crash leaves the old stack or the new one.

    :param fit_router: makes and keeps the state of a chain.
    :param note: of the transaction.
    :param transaction: that the step belongs to; by default one of its own.
    :raises BusyError: if the stack was changed meanwhile.
    :raises StoreError: if the stack is read-only or the disk fails; nothing has changed then.
    """
    store.check_writable()
    contents = new_contents(present, tried, store)
    ids = [store.put_content(content) for content in contents]
    fit_router(list(zip(ids, contents, strict=True)))
    return put_in_place(store, present.subject, ids, verb="compress", note=note, transaction=transaction)


def new_contents(present: Present, tried: Tried, store: Store) -> list[FrameRecord]:
    """The stack's contents afterwards, oldest first; the files of new ones are put into the store."""
    part_of = {frame.name: part for part in tried.parts for frame in part.family.frames}
    predictor, found = present.trial.predictor, []
    # A frame is found by its skills' names as well.
    taken = {
        name
        for frame in present.subject.frames
        if frame.name not in part_of or not part_of[frame.name].proposal.merges
        for name in (frame.name, *(skill.name for skill in frame.skills))
    }
    for frame in present.subject.frames:
        part = part_of.get(frame.name)
        if part is None:
            found.append(frame.content)
            continue
        members: Sequence[Frame] = part.family.frames if part.proposal.merges else [frame]
        if frame is members[-1]:
            name = _free_name(part.family, taken) if part.proposal.merges else frame.name
            taken.add(name)
            with predictor.alone() as slot:
                found.append(_content(store, slot, members, part, tried, name))
    return found


def _free_name(family: Family, taken: Set[str]) -> str:
    """The family's name, if no other frame has it; else that of the newest member."""
    others = taken - {skill.name for _, skill in family.skills}
    return family.name if family.name not in others else family.frames[-1].name


def _content(
    store: Store, slot: Slot, members: Sequence[Frame], part: Replacement, tried: Tried, name: str
) -> FrameRecord:
    """A frame with the skills of several."""
    first = members[-1].content
    adapter = part.proposal.adapters[members[-1].name]
    skills = [skill for frame in members for skill in frame.skills]
    dev = {change.skill: change for change in tried.candidate.dev.skills}
    new = [
        dataclasses.replace(
            skill,
            head=store.put_head(part.heads[skill.name].weight, part.heads[skill.name].bias),
            metrics={**skill.metrics, "dev": dev[skill.name].after},
        )
        for skill in skills
    ]
    made = Making(part.proposal.name, part.way, tuple(dev[skill.name] for skill in skills))
    return FrameRecord(
        name=name,
        adapter=_put_adapter(store, slot, adapter, first, new, made, name),
        skills=tuple(new),
        base=first.base,
        precision=first.precision,
        pooling=first.pooling,
        recipe={
            "heads": part.way,
            "members": [frame.content_id for frame in members],
            "method": f"compress-{part.proposal.way}",
            "settings": dict(part.proposal.settings),
            TAUGHT: {
                skill.name: dict(taught(frame.content, skill.name))
                for frame in members
                for skill in frame.skills
            },
        },
        canaries=store.put_canaries(_canaries(slot, adapter, new, part.heads)),
    )


def _put_adapter(
    store: Store,
    slot: Slot,
    adapter: Adapter,
    content: FrameRecord,
    skills: Sequence[Skill],
    made: Making,
    name: str,
) -> AdapterRef:
    config = adapter_config.dump(
        adapter.spec,
        slot.targets(adapter.spec),
        base_name=content.base.name,
        revision=content.base.revision,
        decoder=content.base_kind == "decoder",
    )
    card = write_card(name, content, skills, made)
    return store.put_adapter(name, config, adapter.file, card.encode())


def _canaries(
    slot: Slot, adapter: Adapter, skills: Sequence[Skill], heads: Mapping[str, Head]
) -> dict[str, object]:
    found = {}
    for skill in skills:
        encoded = encode(slot.base, canaries.rows(pair=skill.pair), skill.rendering)
        slot.clear()
        plain = skill_logits(slot, encoded, heads[skill.name])
        slot.copy_in(adapter.tensors, adapter.spec)
        adapted = skill_logits(slot, encoded, heads[skill.name])
        found[skill.name] = canaries.Canaries(plain, adapted)
    return canaries.to_record(found)

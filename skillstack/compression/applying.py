"""Carrying a plan out: new frames in the place of the family's, as one transaction that can be undone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from skillstack.answers import Frame
from skillstack.compression.adapters import Adapter
from skillstack.compression.card import write_card
from skillstack.compression.planning import Planner, Tried
from skillstack.compression.rebuilding import put_in_place
from skillstack.frames.records import AdapterRef, Content, Skill
from skillstack.frames.store import Store
from skillstack.models import adapter_config, canaries
from skillstack.models.answering import skill_logits
from skillstack.models.encoding import encode
from skillstack.models.heads import Head
from skillstack.models.slot import Slot

#: A stack's contents with their ids, oldest first.
Chain = Sequence[tuple[str, Content]]


def apply(
    planner: Planner, tried: Tried, store: Store, fit_router: Callable[[Chain], object], *, note: str
) -> str | None:
    """Put the frames of a candidate in the place of the family's; returns the new tip.

    A merged frame stands where the newest of its members stood and has the skills of all. Frames above it
    get new nodes, and their contents stay as they are. Files come first, then the router's state, then one
    step of the history: a crash leaves the old stack or the new one.

    :param fit_router: makes and keeps the state of a chain.
    :param note: of the transaction.
    :raises BusyError: if the stack was changed meanwhile.
    :raises StoreError: if the stack is read-only or the disk fails; nothing has changed then.
    """
    store.check_writable()
    contents = new_contents(planner, tried, store)
    ids = [store.put_content(content) for content in contents]
    fit_router(list(zip(ids, contents, strict=True)))
    return put_in_place(store, planner.subject, ids, verb="compress", note=note)


def new_contents(planner: Planner, tried: Tried, store: Store) -> list[Content]:
    """The stack's contents afterwards, oldest first; the files of new ones are put into the store."""
    family, proposal = {frame.name for frame in planner.family.frames}, tried.proposal
    newest = planner.family.frames[-1].name
    slot = planner.trial.slot
    found = []
    for frame in planner.subject.frames:
        if frame.name not in family:
            found.append(frame.content)
        elif not proposal.merges:
            found.append(_content(store, slot, [frame], proposal.adapters[frame.name], tried, frame.name))
        elif frame.name == newest:
            members = planner.family.frames
            name = _free_name(planner)
            found.append(_content(store, slot, members, proposal.adapters[newest], tried, name))
    return found


def _free_name(planner: Planner) -> str:
    """The family's name, if no other frame has it; else that of the newest member."""
    family = {frame.name for frame in planner.family.frames}
    others = {frame.name for frame in planner.subject.frames} - family
    name = planner.family.name
    return name if name not in others else planner.family.frames[-1].name


def _content(
    store: Store, slot: Slot, members: Sequence[Frame], adapter: Adapter, tried: Tried, name: str
) -> Content:
    """A frame with the skills of several."""
    first = members[-1].content
    skills = [skill for frame in members for skill in frame.skills]
    heads = {skill.name: tried.heads[skill.name] for skill in skills}
    dev = {change.skill: change.after for change in tried.candidate.dev.skills}
    new = [
        dataclasses.replace(
            skill,
            head=store.put_head(heads[skill.name].weight, heads[skill.name].bias),
            metrics={**skill.metrics, "dev": dev[skill.name]},
        )
        for skill in skills
    ]
    return Content(
        name=name,
        adapter=_put_adapter(store, slot, adapter, first, new, tried, name),
        skills=tuple(new),
        base=first.base,
        precision=first.precision,
        pooling=first.pooling,
        recipe={
            "heads": tried.candidate.heads,
            "members": [frame.content_id for frame in members],
            "method": f"compress-{tried.proposal.way}",
            "settings": dict(tried.proposal.settings),
        },
        canaries=store.put_canaries(_canaries(slot, adapter, new, heads)),
    )


def _put_adapter(
    store: Store,
    slot: Slot,
    adapter: Adapter,
    content: Content,
    skills: Sequence[Skill],
    tried: Tried,
    name: str,
) -> AdapterRef:
    config = adapter_config.dump(
        adapter.spec,
        slot.targets(adapter.spec),
        base_name=content.base.name,
        revision=content.base.revision,
        decoder=content.base_kind == "decoder",
    )
    card = write_card(name, content, skills, tried.candidate)
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

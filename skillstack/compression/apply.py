"""Applying a candidate: new frames in the place of the family's, as one transaction that can be undone."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence, Set

from skillstack.compression.candidate import Candidate, FamilyFrames, Replacement
from skillstack.compression.deltas import Adapter
from skillstack.compression.results import SkillChange
from skillstack.compression.workspace import Workspace
from skillstack.models import adapter_config, canaries
from skillstack.models.encoding import encode
from skillstack.models.heads import Head
from skillstack.models.slot import Slot
from skillstack.results import Frame
from skillstack.skills.classification import skill_logits
from skillstack.store.records import TAUGHT, AdapterRef, FrameRecord, Skill, taught
from skillstack.store.store import Store
from skillstack.store.walk import PLACES, with_places
from skillstack.training.card import front_matter, usage
from skillstack.wording import many


def apply(
    workspace: Workspace, candidate: Candidate, *, note: str, transaction: str | None = None
) -> str | None:
    """Put the frames of a candidate in the place of those that it replaces; returns the new tip.

    A merged frame stands where the newest of its members stood and has the skills of all, which keep their
    places in the router's walk. Frames above it get new nodes, and their records stay as they are.

    :param note: of the transaction.
    :param transaction: that the step belongs to; by default one of its own.
    :raises BusyError: if the stack was changed meanwhile.
    :raises StoreError: if the stack is read-only or the disk fails; nothing has changed then.
    """
    workspace.snapshot.store.check_writable()
    records = new_records(workspace, candidate)
    return workspace.snapshot.put_in_place(records, "compress", note, transaction)


def new_records(workspace: Workspace, candidate: Candidate) -> list[FrameRecord]:
    """The stack's records afterwards, oldest first; the files of new ones are put into the store."""
    part_of = {frame.name: part for part in candidate.parts for frame in part.family.frames}
    frames = workspace.snapshot.frames
    # A frame is found by its skills' names as well.
    taken = {
        name
        for frame in frames
        if frame.name not in part_of or not part_of[frame.name].merges
        for name in (frame.name, *(skill.name for skill in frame.skills))
    }
    changes = {change.skill: change for change in candidate.measured.skills}
    found = []
    for frame in frames:
        part = part_of.get(frame.name)
        if part is None:
            found.append(frame.content)
            continue
        members: Sequence[Frame] = part.family.frames if part.merges else [frame]
        if frame is members[-1]:
            name = _free_name(part.family, taken) if part.merges else frame.name
            taken.add(name)
            record = _record(workspace, members, part, changes, name)
            if part.merges or PLACES in frame.content.recipe:
                record = with_places(record, workspace.snapshot.places)
            found.append(record)
    return found


def _free_name(family: FamilyFrames, taken: Set[str]) -> str:
    """The family's name, if no other frame has it; else that of the newest member."""
    others = taken - {skill.name for _, skill in family.skills}
    return family.name if family.name not in others else family.frames[-1].name


def _record(
    workspace: Workspace,
    members: Sequence[Frame],
    part: Replacement,
    changes: Mapping[str, SkillChange],
    name: str,
) -> FrameRecord:
    """A frame with the skills of several."""
    store, first = workspace.snapshot.store, members[-1].content
    adapter = part.adapters[members[-1].name]
    skills = [
        dataclasses.replace(
            skill,
            head=store.put_head(part.heads[skill.name].weight, part.heads[skill.name].bias),
            metrics={**skill.metrics, "dev": changes[skill.name].after},
        )
        for frame in members
        for skill in frame.skills
    ]
    with workspace.trial.predictor.alone() as slot:
        kept = store.put_canaries(_canaries(slot, adapter, skills, part.heads))
        targets = slot.targets(adapter.spec)
    record = FrameRecord(
        name=name,
        adapter=None,
        skills=tuple(skills),
        base=first.base,
        precision=first.precision,
        pooling=first.pooling,
        recipe={
            "heads": part.heads_from,
            "members": [frame.content_id for frame in members],
            "method": f"compress-{part.strategy}",
            "settings": dict(part.settings),
            TAUGHT: {
                skill.name: dict(taught(frame.content, skill.name))
                for frame in members
                for skill in frame.skills
            },
        },
        canaries=kept,
    )
    said = f"{part.name}; heads: {part.heads_from}"
    card = write_card(record, said, [changes[skill.name] for skill in skills])
    return dataclasses.replace(record, adapter=_put_adapter(store, adapter, targets, record, card))


def _put_adapter(
    store: Store, adapter: Adapter, targets: Sequence[str], record: FrameRecord, card: str
) -> AdapterRef:
    config = adapter_config.dump(
        adapter.spec,
        targets,
        base_name=record.base.name,
        revision=record.base.revision,
        decoder=record.base_kind == "decoder",
    )
    return store.put_adapter(record.name, config, adapter.file, card.encode())


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


def write_card(record: FrameRecord, made_by: str, changes: Sequence[SkillChange]) -> str:
    """The Markdown of a compressed frame's model card.

    :param record: the frame.
    :param made_by: the candidate that it is, and where its heads came from.
    :param changes: its skills before and after, on dev rows.
    """
    base, first = record.base, record.skills[0]
    lines = [
        *front_matter(base),
        "",
        f"# {record.name}",
        "",
        f"A SkillStack frame made by compression ({made_by}): "
        f"a LoRA adapter with {many(len(record.skills), 'skill')}.",
        "",
        f"- base: `{base.name}`" + (f", revision `{base.revision}`" if base.revision else ""),
        f"- weights: `{base.weights}`",
    ]
    for change in changes:
        lines.append(
            f"- {change.skill}: {100 * change.after.accuracy:.1f} % of {change.after.n} dev rows, by which "
            f"it was chosen ({100 * change.before.accuracy:.1f} % before)"
        )
    for skill in record.skills:
        labels = ", ".join(
            f"{place} {json.dumps(label, ensure_ascii=False)}" for place, label in enumerate(skill.labels)
        )
        lines.append(f"- labels of {skill.name}: {labels}; head `{skill.head}`")
    lines += [
        "",
        f"What follows is for {first.name}; the others take their own heads.",
        "",
        *usage(first.rendering, record.pooling, first.head_digest, pair=first.pair),
    ]
    return "\n".join(lines)

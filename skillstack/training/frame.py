"""Making a frame: rows encoded, starts measured, the loop run, and the files put into the store."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skillstack.data.own_table import KIND
from skillstack.data.sources import is_referable
from skillstack.data.table_rows import row_key
from skillstack.models import adapter_config, canaries
from skillstack.models.answering import Answering
from skillstack.models.base import Base
from skillstack.models.slot import Slot
from skillstack.routers.features import hash_rows
from skillstack.skills.classification import LabelAnswerer
from skillstack.skills.registry import kind_named
from skillstack.store.canonical import sha256
from skillstack.store.learned import put_learned
from skillstack.store.records import FrameRecord, Skill
from skillstack.store.samples import FeatureSamples, ReferenceSamples, Samples, TextSamples
from skillstack.store.states import put_state
from skillstack.store.store import Store
from skillstack.training import checkpoint
from skillstack.training.baseline import keep_baseline
from skillstack.training.candidates import FrameCandidate
from skillstack.training.card import write_card
from skillstack.training.execution import RunState, environment
from skillstack.training.fit import Start, fit_frame, lora_spec
from skillstack.training.fit_all import fit_on_all
from skillstack.training.loop import TrainingOutcome
from skillstack.training.plan import FramePlan
from skillstack.training.progress import Listener


@dataclass(frozen=True)
class NewFrame:
    """A frame whose files are in the store, not yet on a stack.

    :ivar content: what it is.
    :ivar outcome: what its training arrived at.
    :ivar seconds: how long that took.
    """

    content: FrameRecord
    outcome: TrainingOutcome
    seconds: float


def make_frame(
    store: Store,
    slot: Slot,
    plan: FramePlan,
    starts: Sequence[Start],
    *,
    place: tuple[int, int],
    listen: Listener,
    execution: RunState | None = None,
) -> NewFrame:
    """Train a frame and put its files into the store; a killed training goes on where it was.

    :param starts: what it may start from besides nothing, the preferred one first.
    :param place: its number, from 1, and how many there are.
    :param execution: how it is carried out here. Of several processes the first one writes.
    :raises IntegrityError: if its checkpoint is damaged.
    :raises StoreError: if its files cannot be written.
    :raises OutOfTime: at a checkpoint, if the time limit is reached.
    :raises MissingError: if not even one row fits into memory.
    """
    began = time.monotonic()
    execution = execution if execution is not None else RunState()
    part, whole = _work(store, plan.digest())
    if plan.recipe.takes_all_rows:
        fitted = fit_on_all(slot, plan, starts, (part, whole), place, listen, execution)
    else:
        fitted = fit_frame(slot, plan, starts, part, place, listen, execution)
    outcome, start = fitted
    processes = execution.processes
    content = processes.first(lambda: _put(store, slot, plan, outcome, start))
    seconds = time.monotonic() - began
    if content is not None:
        _put_measurement(store, content, outcome, seconds, slot.base)
        keep_baseline(store, content, outcome.frozen.head)
    if processes.count > 1:
        content_id = processes.first(lambda: store.put_content(content) if content else "")
        content = store.content(processes.tell(content_id or ""))
    if content is None:
        raise ValueError("the first process gave no content")
    return NewFrame(content, outcome, seconds)


def _put_measurement(
    store: Store, content: FrameRecord, outcome: TrainingOutcome, seconds: float, base: Base
) -> None:
    store.put_measurement(
        content.behaviour(content.skills[0]),
        "training",
        {
            "chosen": outcome.chosen.name,
            "environment": environment(),
            "seconds": f"{seconds:.1f}",
            "settings": dict(base.settings),
            "useful_tokens": f"{outcome.useful_tokens:.4f}",
        },
    )


def forget_work(store: Store, plan: str) -> None:
    """Remove a finished frame's checkpoints.

    :param plan: digest of its plan.
    """
    for folder in _work(store, plan):
        checkpoint.clear(folder)


def _work(store: Store, plan: str) -> tuple[Path, Path]:
    """Folders for the checkpoints of the training that chooses, and of one on all rows that follows it."""
    work = store.root / "work"
    return work / plan, work / sha256(f"{plan} all rows".encode())


def _put(
    store: Store, slot: Slot, plan: FramePlan, outcome: TrainingOutcome, start: Start | None
) -> FrameRecord:
    chosen, task, base = outcome.chosen, plan.data.task, slot.base
    learned = chosen.learned_head
    head = store.put_head(learned.weight, learned.bias) if learned is not None else None
    adapter = None
    if chosen.adapter is not None and head is not None:
        spec = lora_spec(plan)
        card = write_card(
            task,
            base.identity,
            plan.rendering,
            base.pooling,
            head,
            chosen.dev,
            outcome.frozen.dev,
            plan.data.source,
        )
        config = adapter_config.dump(
            spec,
            slot.targets(spec),
            base_name=base.identity.name,
            revision=base.identity.revision,
            decoder=base.kind == "decoder",
        )
        model = adapter_config.tensors_bytes(chosen.adapter)
        adapter = store.put_adapter(plan.name, config, model, card.encode("utf-8"))
    skill = Skill(
        name=task.name,
        task=task.name,
        family=task.family,
        labels=task.labels,
        pair=task.pair,
        head=head,
        kind=task.kind,
        state=put_state(store, chosen.ngrams.to_state()) if chosen.ngrams is not None else None,
        samples=store.put_samples(_samples(plan)),
        rendering=plan.rendering,
        metrics={
            "dev": chosen.dev,
            "frozen_linear_dev": outcome.frozen.dev,
            **{f"{name}_dev": count for name, count in outcome.measured.items()},
        },
        source=plan.data.source,
        learned=_learned(store, plan),
    )
    return FrameRecord(
        name=plan.name,
        adapter=adapter,
        skills=(skill,),
        base=base.identity,
        precision=base.precision,
        pooling=base.pooling,
        recipe=plan.recipe.to_record(),
        plan=plan.digest(),
        canaries=store.put_canaries(_canaries(slot, plan, chosen, skill)),
        init_from=None if start is None or chosen.adapter is None else start.content_id,
    )


def _learned(store: Store, plan: FramePlan) -> str | None:
    """Keys of the rows of a person's own table that decided weights or a choice; None for other tasks."""
    if plan.data.source["kind"] != KIND:
        return None
    return put_learned(store, (row_key(one.row) for one in (*plan.data.train, *plan.data.dev)))


def _samples(plan: FramePlan) -> Samples:
    data = plan.data
    if is_referable(data.source["name"]):
        return ReferenceSamples(data.source["name"], tuple(row.digest() for row in data.router))
    if plan.keep_texts:
        return TextSamples(data.router)
    return FeatureSamples(hash_rows(data.router).to_tensors())


def _canaries(slot: Slot, plan: FramePlan, chosen: FrameCandidate, skill: Skill) -> dict[str, object]:
    adapter = chosen.adapter
    spec = None if adapter is None else lora_spec(plan)
    answerer = LabelAnswerer(
        "", lambda: adapter or {}, spec, chosen.learned_head, plan.rendering, plan.name, chosen.ngrams
    )
    part = kind_named(skill.kind, skill.name).canary(Answering(slot), answerer, pair=skill.pair)
    return canaries.record({skill.name: part})

"""Training a stack: frame after frame, each pushed as soon as it is done, with its router beside it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from skillstack.data.task import TaskData
from skillstack.errors import MismatchError
from skillstack.models import adapter_config
from skillstack.models.base import Base
from skillstack.models.computation import check_computation
from skillstack.models.heads import Head
from skillstack.models.identity import describe
from skillstack.models.slot import Slot
from skillstack.store import transactions
from skillstack.store.files import training_lock
from skillstack.store.history import read_steps
from skillstack.store.records import FrameRecord
from skillstack.store.store import Store
from skillstack.training.execution import Processes, RunState
from skillstack.training.fit import Start, passes
from skillstack.training.frame import NewFrame, forget_work, make_frame
from skillstack.training.plan import Chain, FramePlan, TrainingPlan, keep_frames, plan_of
from skillstack.training.progress import FrameDone, FrameKept, Listener, OutOfTime


class Settle(Protocol):
    """Merges frames of the stack where it may, as `AutoCompress` does."""

    @property
    def pending(self) -> bool:
        """Whether there is something to try."""

    def __call__(self, slot: Slot) -> None:
        """Try it, with the base in this slot."""


@dataclass(frozen=True)
class TrainingResult:
    """The result of a training.

    :ivar kept: names of the frames that were there already, or were undone and came back.
    :ivar tip: id of the newest frame, or None.
    :ivar complete: whether the stack holds the whole plan; False where the time limit came first.
    :ivar made: the frames that it trained and pushed, oldest first.
    """

    kept: tuple[str, ...]
    tip: str | None
    complete: bool = True
    made: tuple[NewFrame, ...] = ()

    @property
    def trained(self) -> tuple[str, ...]:
        """Names of the frames that it trained and pushed, oldest first."""
        return tuple(made.content.name for made in self.made)


def train_stack(
    store: Store,
    job: TrainingPlan,
    load: Callable[[], Base],
    fit_router: Callable[[Chain], object],
    listen: Listener,
    run: RunState | None = None,
    settle: Settle | None = None,
) -> TrainingResult:
    """Train the frames of a plan that a stack lacks, or as many as the time limit allows.

    :param load: loads the base; not called when there is nothing to train.
    :param fit_router: makes the router state of a chain; called before the tip moves.
    :param settle: called with the base after each frame, and before the first one; it may merge frames of the
        stack.
    :param run: device, time limit and processes. Of several processes the first one writes.
    :raises UsageError: if the stack holds frames of another plan.
    :raises BusyError: if another training of the stack is under way.
    :raises MismatchError: if the stack stands on another base, or on one that computes something else.
    """
    run = run if run is not None else RunState()
    with _lock(store, job.stack, run.processes):
        return train_held(store, job, load, fit_router, listen, run, settle)


def train_held(
    store: Store,
    job: TrainingPlan,
    load: Callable[[], Base],
    fit_router: Callable[[Chain], object],
    listen: Listener,
    run: RunState,
    settle: Settle | None = None,
) -> TrainingResult:
    """Train as `train_stack` does, for a caller that already holds the stack's training lock."""
    processes, deadline = run.processes, run.deadline
    chain: Chain = tuple(pair for pair in store.contents(job.stack) if pair[1].name != job.replaces)
    kept = keep_frames(job, chain, listen)
    processes.first(lambda: _clear_work(store, chain))
    if len(kept) == len(job.tasks) and (settle is None or not settle.pending):
        return TrainingResult(kept, store.tip(job.stack))
    # A new frame needs the router fitted anew: an error is better raised now than after the training.
    store.check_texts(record for _, record in chain)
    if not processes.agree(deadline.allows):
        return TrainingResult(kept, store.tip(job.stack), complete=False)
    # One after the other, so that a conversion or a download is done once.
    base = processes.first(load) or load()
    if chain and not chain[0][1].base.same_as(base.identity):
        raise MismatchError(
            f"The stack {job.stack!r} stands on {describe(chain[0][1].base)}, "
            f"this is {describe(base.identity)}.",
            "One stack has one base: name another stack with --stack.",
        )
    check_computation(store, (record for _, record in reversed(chain)), base)
    trained: list[NewFrame] = []
    again: list[str] = []
    slot = Slot(base)
    complete = True
    chain = _settled(store, job, chain, slot, settle if kept else None, run)
    for data in job.tasks:
        if data.task.name in kept:
            continue
        try:
            record, made = _train_one(store, job, data, slot, chain, fit_router, listen, run)
        except OutOfTime:
            complete = False
            break
        chain += ((record.id, record),)
        chain = _settled(store, job, chain, slot, settle, run)
        if made is None:
            again.append(record.name)
        else:
            trained.append(made)
    slot.remove()
    return TrainingResult((*kept, *again), store.tip(job.stack), complete, tuple(trained))


def _clear_work(store: Store, chain: Chain) -> None:
    """Remove checkpoints of frames that are there: a process was killed between the push and this."""
    for _, record in chain:
        if record.plan:
            forget_work(store, record.plan)


@contextlib.contextmanager
def _lock(store: Store, stack: str, processes: Processes) -> Iterator[None]:
    """Hold the training lock in the first process, for all of them."""
    with contextlib.ExitStack() as held:
        processes.first(lambda: held.enter_context(training_lock(store.root, stack)))
        yield


def _settled(
    store: Store, job: TrainingPlan, chain: Chain, slot: Slot, settle: Settle | None, run: RunState
) -> Chain:
    """Merge frames where that is due, and return the chain; where time is short, a later run does it."""
    processes, deadline = run.processes, run.deadline
    if settle is None or not processes.agree(lambda: settle.pending and deadline.allows("settle")):
        return chain
    with deadline.timed("settle"):
        processes.first(lambda: settle(slot))
    return tuple(store.contents(job.stack))


def _train_one(
    store: Store,
    job: TrainingPlan,
    data: TaskData,
    slot: Slot,
    chain: Chain,
    fit_router: Callable[[Chain], object],
    listen: Listener,
    run: RunState,
) -> tuple[FrameRecord, NewFrame | None]:
    """Push one frame; returns its record, and the new frame where it had to be trained.

    :raises OutOfTime: at a checkpoint, if the time limit is reached.
    """
    processes, deadline = run.processes, run.deadline
    plan = plan_of(job, data, chain, slot.base.identity, slot.base.kind)
    place = job.tasks.index(data) + 1, len(job.tasks)
    expected = store.tip(job.stack)
    record = _finished(store, job.stack, plan.digest())
    made = None
    if record is None:
        if not processes.agree(lambda: deadline.allows(prepare=passes(plan))):
            raise OutOfTime
        starts = tuple(_start(store, job, start, plan) for start in plan.starts)
        made = make_frame(store, slot, plan, starts, place=place, listen=listen, execution=run)
        record = made.content
    new = record

    def push() -> str:
        longer = (*chain, (store.put_content(new), new))
        fit_router(longer)
        if job.replaces:
            node = transactions.rebuild(
                store,
                job.stack,
                [record_id for record_id, _ in longer],
                transaction=job.transaction,
                note=f"replace {job.replaces}",
                expected=expected,
            )
        else:
            node = transactions.push(
                store,
                job.stack,
                new,
                transaction=job.transaction,
                note=f"train {plan.name}",
                expected=expected,
                reference=job.reference,
            )
        forget_work(store, plan.digest())
        return node or ""

    with deadline.timed("store"):
        node = processes.first(push) or ""
    deadline.gained = True
    if made is None:
        listen(FrameKept(*place, plan.name))
    else:
        chosen, frozen = made.outcome.chosen, made.outcome.frozen
        listen(FrameDone(*place, plan.name, node, chosen.dev, frozen.dev, chosen.name, made.seconds))
    return record, made


def _finished(store: Store, stack: str, plan: str) -> FrameRecord | None:
    """Find the record of this plan that was undone and is still whole in the store."""
    for step in reversed(read_steps(store, stack)):
        if step.after is None or not (store.root / "nodes" / f"{step.after}.json").is_file():
            continue
        node = store.node(step.after)
        if (store.root / "contents" / f"{node.content}.json").is_file():
            record = store.content(node.content)
            if record.plan == plan and all((store.root / name).is_file() for name in record.files):
                return record
    return None


def _start(store: Store, job: TrainingPlan, record_id: str, plan: FramePlan) -> Start:
    record = store.content(record_id)
    if record.adapter is None:
        raise ValueError("a start without an adapter")
    head = None
    if job.recipe.keep_head:
        labels = plan.data.task.labels
        digest = next((skill.head for skill in record.skills if skill.labels == labels), None)
        if digest is not None:
            head = Head.from_tensors(
                store.head(digest), hidden_size=record.base.hidden_size, labels=len(labels)
            )
    scaling = adapter_config.parse(store.adapter_config(record.adapter)).spec.scaling
    return Start(record_id, store.adapter_tensors(record.adapter), scaling, head)

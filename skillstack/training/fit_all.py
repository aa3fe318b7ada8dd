"""Fitting a skill on every row, as for a table of one's own, whose labels are few and dear.

Simple heads are compared by folds, and an adapter on a dev part: a choice is made by answers to rows that a
fit did not see. Then what was chosen is fitted again on all rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from skillstack.errors import InputError
from skillstack.models.slot import Slot
from skillstack.routers.features import hash_rows
from skillstack.skills.head_training import right_answers
from skillstack.training import cross_fit
from skillstack.training.candidates import Choice, FrameCandidate
from skillstack.training.cross_fit import SimpleCandidate
from skillstack.training.data import rows_of
from skillstack.training.encoded import EncodedDataset
from skillstack.training.execution import RunState
from skillstack.training.fit import (
    AdapterFit,
    Start,
    announce,
    fit_adapter,
    lora_spec,
    lower_layers,
    put_in,
    trainer_of,
)
from skillstack.training.loop import TrainingOutcome
from skillstack.training.plan import FramePlan
from skillstack.training.progress import DevMeasured, Listener
from skillstack.training.recipe import LEARNED_PER_CLASS

#: What an adapter is called among the candidates, alone and with a head on n-grams beside it.
LORA, LORA_NGRAMS = "lora", "lora+ngrams"
#: An adapter is not trained to better answers of which fewer are wrong.
GOOD_ENOUGH = 0.01


def fit_on_all(
    slot: Slot,
    plan: FramePlan,
    starts: Sequence[Start],
    folders: tuple[Path, Path],
    place: tuple[int, int],
    listen: Listener,
    run: RunState,
) -> tuple[TrainingOutcome, Start | None]:
    """Compare what the recipe's method names, and fit the best on all of the plan's training rows.

    The dev rows are some of the training rows: an adapter is trained on the others and compared on these.

    :param folders: for the checkpoints of a training on a part of the rows, and of one on all.
    :param place: the frame's number, from 1, and how many there are.
    :raises OutOfTime: at a checkpoint, if the time limit is reached.
    :raises InputError: if an adapter is asked for, and there are too few rows to compare it on.
    """
    data, method = plan.data, plan.recipe.method
    part, dev = _parts(plan)
    announce(plan, len(part) or len(data.train), folders[0], place, listen)
    rows = EncodedDataset.of(lower_layers(slot, plan), data.train, plan.rendering)
    simple = _simple(slot, plan, rows, run)
    for candidate in simple.values():
        listen(DevMeasured(plan.name, candidate.name, candidate.count(rows.labels)))
    best = _best(list(simple.values()), rows.labels)
    linear = simple["linear"]
    if linear.head is None:
        raise ValueError("a linear candidate has a head")
    frozen = FrameCandidate("frozen-linear", None, linear.head, linear.count(rows.labels))
    if method not in (LORA, "auto"):
        best = simple[method]
    settled = FrameCandidate(best.name, None, best.head, best.count(rows.labels), ngrams=best.ngrams)
    measured = {name: one.count(rows.labels) for name, one in simple.items()}
    enough = 1 - best.count(rows.labels).accuracy < GOOD_ENOUGH
    if method in simple or (method == "auto" and (enough or not part)):
        return TrainingOutcome(settled, frozen, 1.0, measured), None
    if not part:
        raise InputError(
            f"The {len(data.train):,} rows of {plan.name!r} leave none to compare an adapter on.",
            "Give more rows of each label, or choose --method average.",
        )
    parts = (rows.of_rows(part), rows.of_rows(dev))
    fit = fit_adapter(slot, plan, starts, *parts, folders[0], listen, run, or_frozen=False)
    mine = [rows.labels[row] for row in dev]
    adapted = _adapted(slot, plan, fit, parts[1])
    beside = replace(simple["ngrams"], unseen=simple["ngrams"].unseen[dev])
    both = replace(cross_fit.average(adapted, beside, mine), name=LORA_NGRAMS)
    chosen = _best([adapted, both], mine) if method == "auto" else adapted
    measured |= {one.name: one.count(mine) for one in (adapted, both)}
    listen(DevMeasured(plan.name, chosen.name, chosen.count(mine)))
    if method == "auto" and not _clearly_better(chosen, best, mine, dev):
        return TrainingOutcome(settled, frozen, fit.outcome.useful_tokens, measured), None
    again = _again(slot, plan, fit, rows, Choice(fit.outcome.chosen, len(part)), folders[1], listen, run)
    head = again.head.scaled(chosen.scale)
    made = FrameCandidate(chosen.name, again.adapter, head, chosen.count(mine), ngrams=chosen.ngrams)
    return TrainingOutcome(made, frozen, fit.outcome.useful_tokens, measured), fit.start


def _parts(plan: FramePlan) -> tuple[list[int], list[int]]:
    """Positions of the rows that an adapter is compared without, and of those that it is compared on.

    The former are no more of a class than help an adapter on its way.
    """
    chosen = {example.row for example in plan.data.dev}
    seen: dict[int, int] = {}
    part, dev = [], []
    for place, example in enumerate(plan.data.train):
        if example.row in chosen:
            dev.append(place)
        elif seen.setdefault(example.label, 0) < LEARNED_PER_CLASS:
            seen[example.label] += 1
            part.append(place)
    enough = len(seen) == len(plan.data.task.labels) and dev
    return (part, dev) if enough else ([], dev)


def _simple(slot: Slot, plan: FramePlan, rows: EncodedDataset, run: RunState) -> dict[str, SimpleCandidate]:
    """The simple candidates by their names."""
    n_classes, labels = len(plan.data.task.labels), rows.labels
    slot.clear()
    features = rows.features(processes=run.processes)
    linear = cross_fit.linear(features, labels, n_classes, standardise=slot.base.kind == "decoder")
    ngrams = cross_fit.ngrams(hash_rows(rows_of(plan.data.train)), labels, n_classes)
    average = cross_fit.average(linear, ngrams, labels)
    return {one.name: one for one in (linear, ngrams, average)}


def _best(candidates: Sequence[SimpleCandidate], labels: Sequence[int]) -> SimpleCandidate:
    """The one with the most right answers to unseen rows; of equals the one whose answers are likelier."""
    return max(
        candidates, key=lambda one: (one.count(labels).correct, -cross_fit.loss_of(one.unseen, labels))
    )


def _adapted(slot: Slot, plan: FramePlan, fit: AdapterFit, dev: EncodedDataset) -> SimpleCandidate:
    """A trained adapter's head, calibrated on the dev rows, as a candidate among the simple ones."""
    chosen = fit.outcome.chosen
    if chosen.adapter is None:
        slot.clear()
    else:
        slot.copy_in(chosen.adapter, lora_spec(plan))
    logits, temperature = cross_fit.calibrated(chosen.head.logits(dev.features()), dev.labels)
    return SimpleCandidate(LORA, chosen.head.scaled(1 / temperature), None, logits, 1 / temperature)


def _clearly_better(
    one: SimpleCandidate, other: SimpleCandidate, labels: Sequence[int], rows: Sequence[int]
) -> bool:
    """Whether one candidate's lead on the same rows is more than its standard error.

    An adapter was chosen on these rows among several, and costs bytes and time: a lead that may be chance is
    no reason for it (the rule of one standard error of Breiman et al. 1984, Classification and Regression
    Trees).

    :param one: answered these rows alone.
    :param other: answered all rows.
    :param labels: of these rows.
    """
    mine, theirs = right_answers(one.unseen, labels), right_answers(other.unseen[list(rows)], labels)
    wins, losses = int((mine & ~theirs).sum()), int((theirs & ~mine).sum())
    return wins - losses > math.sqrt(wins + losses)


def _again(
    slot: Slot,
    plan: FramePlan,
    fit: AdapterFit,
    rows: EncodedDataset,
    choice: Choice,
    folder: Path,
    listen: Listener,
    run: RunState,
) -> FrameCandidate:
    """What was chosen on a part of the rows, made again from all of them."""
    if not choice.is_trained:
        return choice.candidate
    put_in(slot, plan, fit.start)
    return (
        trainer_of(slot, plan, rows, rows.of_rows([]), folder, listen, run, choice).run([], fit.head).chosen
    )

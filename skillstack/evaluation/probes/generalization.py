"""Compares a stack with one adapter for everything, on equally many unseen texts of each task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from skillstack.evaluation.intervals import rounded
from skillstack.evaluation.metrics import Mask, accuracy
from skillstack.evaluation.probes.probing import (
    Origin,
    ProbeRunner,
    Probing,
    Share,
    choose,
    halves,
    in_order,
    share,
)
from skillstack.evaluation.questions import SkillQuestions, stack_questions
from skillstack.evaluation.statistics import Paired, paired

#: Ways to answer. ``best_single``: the one frame whose adapter serves all tasks best, each under its own
#: head, chosen on one half of the texts and measured on the other.
WAYS = ("task_aware", "routed", "latest_adapter", "best_single")
#: Pairs of ways that are compared on the same texts.
COMPARED = (("routed", "best_single"), ("routed", "latest_adapter"), ("task_aware", "routed"))


@dataclass(frozen=True, eq=False)
class Generalization:
    """Accuracies on mixed texts of all tasks.

    :ivar origin: where the figures come from.
    :ivar texts: number of texts of each task.
    :ivar ways: accuracy over all tasks, by way of answering.
    :ivar tasks: accuracy on each task, by skill and way.
    :ivar differences: paired differences on the same texts, by pair of ways.
    :ivar best: names of the frames that answered for the best single one, one for each half of the texts.
    :ivar optimistic: name of the frame that is best on all these texts.
    :ivar optimistic_accuracy: its accuracy on them, which is too high: it was chosen on the same texts.
    """

    origin: Origin
    texts: int
    ways: Mapping[str, Share]
    tasks: Mapping[str, Mapping[str, float]]
    differences: Mapping[tuple[str, str], Paired]
    best: tuple[str, str]
    optimistic: str
    optimistic_accuracy: float

    def to_json(self) -> dict[str, Any]:
        """As `probe generalization --json` prints it."""
        return {
            **self.origin.to_json("generalization"),
            "texts_per_task": self.texts,
            **{way: found.to_json() for way, found in self.ways.items()},
            "by_task": rounded({task: dict(found) for task, found in self.tasks.items()}),
            "differences": [
                {"first": first, "second": second, **found.to_json()}
                for (first, second), found in self.differences.items()
            ],
            "best_single_frames": list(self.best),
            "best_single_on_the_same_texts": {
                "frame": self.optimistic,
                "accuracy": rounded(self.optimistic_accuracy),
            },
        }


def probe(probing: Probing) -> Generalization:
    """Ask every adapter every text, and compare the ways of answering.

    :raises InputError: if a task has fewer than two test texts.
    :raises SkillStackError: one of its kinds, if texts or answers cannot be had.
    """
    found = stack_questions(probing.stack, probing.config)
    entries = as_many_of_each(found.each, probing)
    parts = [halves(entry, probing.seed) for entry in entries]
    asking = ProbeRunner(probing, entries, found.skipped)
    for entry in entries:
        asking.wanted.own(entry)
        asking.wanted.routed(entry, entry.choices)
        asking.wanted.adapters(entry)
    logits = asking.ask()
    frames = probing.stack.frames

    def by_adapter(entry: SkillQuestions, frame_id: str) -> Mask:
        answers = logits[entry.skill.name, "adapter", frame_id].argmax(axis=1)
        right: Mask = answers == entry.labels
        return right

    every = [[by_adapter(entry, frame.id) for entry in entries] for frame in frames]
    chosen = choose(every, parts)
    right: dict[str, list[Mask]] = {
        "task_aware": [by_adapter(entry, entry.frame.id) for entry in entries],
        "routed": [asking.wanted.answers(entry, entry.choices, logits) == entry.labels for entry in entries],
        "latest_adapter": every[-1],
        "best_single": list(chosen.right),
    }
    return Generalization(
        origin=asking.origin(),
        texts=len(entries[0].rows),
        ways={way: share(right[way]) for way in WAYS},
        tasks={
            entry.skill.name: {way: accuracy(right[way][place]) for way in WAYS}
            for place, entry in enumerate(entries)
        },
        differences={
            (first, second): paired(list(zip(right[first], right[second], strict=True)))
            for first, second in COMPARED
        },
        best=(frames[chosen.by_half[0]].name, frames[chosen.by_half[1]].name),
        optimistic=frames[chosen.best].name,
        optimistic_accuracy=chosen.optimistic,
    )


def as_many_of_each(entries: tuple[SkillQuestions, ...], probing: Probing) -> tuple[SkillQuestions, ...]:
    """Draw a seeded sample of the same size from each task's texts."""
    most = min(len(entry.rows) for entry in entries)
    count = most if probing.texts is None else min(probing.texts, most)
    return tuple(entry.take(sorted(in_order(entry, probing.seed)[:count])) for entry in entries)

"""One adapter trained further on labelled rows of all members, from their merge.

Where a merge alone loses too much, its members' tasks are learned together (Caruana 1997, Multitask learning,
https://doi.org/10.1023/A:1007379606734). It takes minutes where the others take seconds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from skillstack.compression.adapters import Adapter
from skillstack.compression.candidates.merge import merged
from skillstack.compression.candidates.proposal import Proposal, Train, Way, ranks_below
from skillstack.compression.candidates.rank import truncated
from skillstack.compression.families import Family
from skillstack.compression.rows import SkillRows
from skillstack.compression.trial import Trial
from skillstack.models.features import HiddenCache
from skillstack.models.heads import Head
from skillstack.store import canonical
from skillstack.store.canonical import sha256
from skillstack.store.derived import Derived
from skillstack.store.records import taught
from skillstack.training.loop import train_adapter
from skillstack.training.recipe import Recipe, Schedule, default_recipe
from skillstack.training.steps import TrainingRows

#: Derived files that hold what was trained, with the version of how.
KIND = "joint-1"
#: Passes over the rows of all members.
EPOCHS = 2


def trained(
    family: Family, trial: Trial, rows: Sequence[SkillRows], start: Adapter, heads: Mapping[str, Head]
) -> Adapter:
    """The adapter after the training.

    :param rows: of each skill of the family; those to fit more on are learned from.
    :param start: what it starts from, and whose shape it has.
    :param heads: what the heads start from, by skill.
    :raises SkillStackError: if the training diverges.
    """
    recipe = _recipe(family)
    base = trial.predictor.base
    of = [base.identity.weights, base.identity.tokenizer, base.precision, base.pooling]
    kept, key = Derived(trial.derived, KIND), _key(of, recipe, rows, start, heads)
    found = kept.read(key)
    if found is not None:
        return Adapter(found, start.spec)
    caches = [trial.passages(one.more.rows, one.skill.rendering).lower for one in rows]
    counts = [len(one.more) for one in rows]
    course = TrainingRows(
        HiddenCache.joined([(cache, range(count)) for cache, count in zip(caches, counts, strict=True)]),
        [int(label) for one in rows for label in one.more.labels],
        [number for number, count in enumerate(counts) for _ in range(count)],
        sum(counts),
    )
    schedule = Schedule.of(dataclasses.replace(recipe, epochs=EPOCHS), sum(counts))
    schedule = dataclasses.replace(schedule, measured=frozenset())
    with trial.predictor.alone() as slot:
        slot.copy_in(start.tensors, start.spec)
        numbered = {n: heads[one.skill.name] for n, one in enumerate(rows)}
        train_adapter(slot, course, numbered, recipe, schedule)
        tensors = slot.read_out()
    kept.write(key, tensors)
    return Adapter(tensors, start.spec)


def propose(family: Family, adapters: Mapping[str, Adapter], train_on: Train) -> Iterator[Proposal]:
    """The adapter that was trained from the members' mean, and cut to lower ranks."""
    rank = max(adapter.spec.r for adapter in adapters.values())
    start = merged(family, adapters, "linear", rank, {})
    adapter = train_on(start)
    for rank in (adapter.spec.r, *ranks_below(adapter.spec.r)):
        cut = adapter if rank == adapter.spec.r else truncated(adapter, rank)
        yield Proposal(
            name=f"joint, rank {rank}",
            way=METHOD.name,
            adapters={frame.name: cut for frame in family.frames},
            merges=True,
            settings={"rank": str(rank), "epochs": str(EPOCHS)},
        )


METHOD = Way(
    "joint",
    "Trained together",
    "Caruana 1997, https://doi.org/10.1023/A:1007379606734",
    propose,
    last=True,
)


def _key(
    base: Sequence[str], recipe: Recipe, rows: Sequence[SkillRows], start: Adapter, heads: Mapping[str, Head]
) -> str:
    """Of all that decides the outcome on one base."""
    return sha256(
        canonical.dumps(
            {
                "base": list(base),
                "epochs": EPOCHS,
                "heads": [sha256(heads[one.skill.name].weight.tobytes()) for one in rows],
                "recipe": recipe.to_record(),
                "rows": [
                    [one.skill.name, [row.digest() for row in one.more.rows], one.more.labels.tolist()]
                    for one in rows
                ],
                "start": start.key,
            }
        )
    )


def _recipe(family: Family) -> Recipe:
    """That of the newest member, or the base's where it does not tell."""
    newest = family.frames[-1]
    record = taught(newest.content, newest.skills[0].name)
    if record:
        return Recipe.from_record(dict(record))
    return default_recipe(newest.content.base.name, newest.content.base_kind)

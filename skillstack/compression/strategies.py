"""How candidates for a family are made. A new strategy is a function here, and an entry in `STRATEGIES`.

- ``anchor``: one member's adapter answers for its whole family.
- ``merge``: the members' updates become one adapter, by the methods of `skillstack.compression.merging`.
- ``rank``: every frame stays, and its update is cut to a lower rank by the truncated SVD (Eckart & Young
  1936, The approximation of one matrix by another of lower rank, Psychometrika 1).
- ``joint``: one adapter is trained further on labelled rows of all members, from their merge (Caruana 1997,
  Multitask learning, https://doi.org/10.1023/A:1007379606734). It takes minutes where the others take
  seconds.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from skillstack.compression.candidate import Candidate, FamilyFrames, Replacement
from skillstack.compression.deltas import Adapter
from skillstack.compression.evaluate import Tell, head_options, seen_under
from skillstack.compression.merging import METHODS, merge_adapters
from skillstack.compression.request import AUTO, CompressionRequest
from skillstack.compression.workspace import Workspace
from skillstack.models.features import HiddenCache
from skillstack.models.heads import Head
from skillstack.store import canonical
from skillstack.store.canonical import sha256
from skillstack.store.derived import Derived
from skillstack.store.records import taught
from skillstack.training.encoded import EncodedDataset
from skillstack.training.loop import train_adapter
from skillstack.training.recipe import Recipe, Schedule, default_recipe

#: Merge methods and settings, the most promising first. Halves, and a common basis without trimming, were
#: the best on dev rows of sentiment tasks.
MERGES: tuple[tuple[str, Mapping[str, float]], ...] = (
    ("linear", {}),
    ("ties", {}),
    ("task-arithmetic", {"lambda": 0.5}),
    ("knots", {}),
    ("tsv", {}),
)
#: How many of these, and of the ranks below a family's own, are proposed where few candidates are wanted.
FEW_MERGES, FEW_RANKS = 2, 2
#: Derived files that hold jointly trained adapters, with the version of how they were trained.
JOINT_KIND = "joint-1"
#: Passes of the joint training over the rows of all members.
JOINT_EPOCHS = 2
Propose = Callable[[Workspace, FamilyFrames, CompressionRequest, Tell], Iterator[Candidate]]
Refine = Callable[[Workspace, FamilyFrames, Sequence[Candidate], CompressionRequest], Iterator[Candidate]]


@dataclass(frozen=True)
class Strategy:
    """How candidates are made.

    :ivar propose: makes candidates for a family, the largest first.
    :ivar refine: makes further ones from its own candidates that were screened.
    :ivar alone: whether it applies to a single frame.
    :ivar slow: whether it is used only where no other candidate should pass, or where it is named.
    """

    name: str
    propose: Propose
    refine: Refine | None = None
    alone: bool = False
    slow: bool = False


def strategies(named: str) -> tuple[Strategy, ...]:
    """The strategies of these names, or all for ``auto``, in the order in which they are used.

    :param named: a name, or several with commas between them; a `CompressionRequest` has checked them.
    """
    wanted = {name.strip().lower() for name in named.split(",")}
    return tuple(one for name, one in STRATEGIES.items() if name in wanted or AUTO in wanted)


# --- anchor ------------------------------------------------------------------------------------------------


def anchor(
    workspace: Workspace, family: FamilyFrames, request: CompressionRequest, tell: Tell
) -> Iterator[Candidate]:
    """One candidate per member, the newest first; its head may serve all skills of the same labels."""
    for frame in reversed(family.frames):
        name, adapter = f"anchor {frame.name}", workspace.adapters[frame.name]
        if not request.few or request.candidate == name:
            found = _merged(family, "anchor", name, adapter, {"anchor": frame.name})
            yield dataclasses.replace(found, given=frame.skills[0].name)


# --- merge -------------------------------------------------------------------------------------------------


def merge(
    workspace: Workspace, family: FamilyFrames, request: CompressionRequest, tell: Tell
) -> Iterator[Candidate]:
    """One candidate per merge method, at the members' own rank."""
    rank = max(adapter.spec.r for adapter in _members(workspace, family))
    for method, settings in MERGES[:FEW_MERGES] if request.few else MERGES:
        yield from _by_method(workspace, family, method, settings, [rank])


def merge_lower(
    workspace: Workspace, family: FamilyFrames, screened: Sequence[Candidate], request: CompressionRequest
) -> Iterator[Candidate]:
    """The best merge and the named one at lower ranks, and the named one if it was not proposed.

    :raises UsageError: if a merge is named with settings that it does not have.
    """
    wanted = request.candidate or ""
    best = max(screened, key=lambda one: one.screened_difference)
    stem = wanted.rpartition(", rank ")[0]
    named = [one for one in screened if one.name.rpartition(", rank ")[0] == stem]
    made = {one.name for one in screened}
    for one in dict.fromkeys([best, *named]):
        settings = {key: float(v) for key, v in one.settings.items() if key not in ("merge", "rank")}
        ranks = ranks_below(int(one.settings["rank"]))[: FEW_RANKS if request.few else None]
        for lower in _by_method(workspace, family, one.settings["merge"], settings, ranks) if ranks else ():
            made.add(lower.name)
            yield lower
    found = re.fullmatch(r"([a-z-]+)((?:, [a-z_]+ [\d.]+)*), rank ([1-9]\d{0,4})", wanted)
    if found and found[1] in METHODS and wanted not in made:
        pairs = [part.split(" ") for part in found[2].split(", ")[1:]]
        try:
            settings = {setting: float(value) for setting, value in pairs}
        except ValueError:
            return
        yield from _by_method(workspace, family, found[1], settings, [int(found[3])])


def _by_method(
    workspace: Workspace,
    family: FamilyFrames,
    method: str,
    settings: Mapping[str, float],
    ranks: Sequence[int],
) -> Iterator[Candidate]:
    """A merge at some ranks.

    :raises MismatchError: if an adapter is not finite, or they are of different bases.
    """
    adapters = merge_adapters(_members(workspace, family), method, ranks=ranks, settings=settings)
    said = "".join(f", {name} {value:g}" for name, value in settings.items())
    for rank, adapter in zip(ranks, adapters, strict=True):
        decided = {"merge": method, "rank": str(rank), **{key: repr(v) for key, v in settings.items()}}
        yield _merged(family, "merge", f"{method}{said}, rank {rank}", adapter, decided)


# --- rank --------------------------------------------------------------------------------------------------


def rank(
    workspace: Workspace, family: FamilyFrames, request: CompressionRequest, tell: Tell
) -> Iterator[Candidate]:
    """All members cut to half their rank, to a quarter, and so on."""
    ranks = ranks_below(max(adapter.spec.r for adapter in _members(workspace, family)))
    for lower in ranks[: FEW_RANKS if request.few else None]:
        yield _cut(workspace, family, f"rank {lower}", {frame.name: lower for frame in family.frames})


def rank_by_frame(
    workspace: Workspace, family: FamilyFrames, screened: Sequence[Candidate], request: CompressionRequest
) -> Iterator[Candidate]:
    """Each frame at the smallest rank at which short dev rows lose nothing, and all at the named rank."""
    whole = {frame.name: workspace.adapters[frame.name].spec.r for frame in family.frames}
    chosen = dict(whole)
    for one in screened:  # from the highest rank to the lowest
        for frame in family.frames:
            if all(one.screened[skill.name].loss <= 0 for skill in frame.skills):
                chosen[frame.name] = int(one.settings["rank"])
    if len(set(chosen.values())) > 1 and len(screened) > 1:
        yield _cut(workspace, family, "frame by frame", chosen)
    found = re.fullmatch(r"rank ([1-9]\d{0,4})", request.candidate or "")
    if found and request.candidate not in {one.name for one in screened}:
        yield _cut(workspace, family, found[0], dict.fromkeys(whole, int(found[1])))


def _cut(workspace: Workspace, family: FamilyFrames, name: str, ranks: Mapping[str, int]) -> Candidate:
    """A candidate with the members cut to these ranks, by the names of their frames."""
    adapters = {frame: workspace.adapters[frame].cut(rank) for frame, rank in ranks.items()}
    same = set(ranks.values())
    settings = (
        {"rank": str(same.pop())} if len(same) == 1 else {frame: str(rank) for frame, rank in ranks.items()}
    )
    return Candidate((Replacement(name, "rank", family, adapters, settings),))


# --- joint -------------------------------------------------------------------------------------------------


def joint(
    workspace: Workspace, family: FamilyFrames, request: CompressionRequest, tell: Tell
) -> Iterator[Candidate]:
    """An adapter that is trained from the members' mean, at its own rank and cut to lower ones.

    :raises SkillStackError: if the training diverges.
    """
    most = max(adapter.spec.r for adapter in _members(workspace, family))
    (start,) = _by_method(workspace, family, "linear", {}, [most])
    tell(f"training from {start.name}")
    options = head_options(workspace, seen_under(workspace, start, "more"), ("refit", "own"))
    adapter = start.parts[0].adapters[family.frames[0].name]
    trained = train_jointly(workspace, family, adapter, options.get("refit", options["own"]))
    for rank in (most, *ranks_below(most)):
        settings = {"rank": str(rank), "epochs": str(JOINT_EPOCHS)}
        yield _merged(family, "joint", f"joint, rank {rank}", trained.cut(rank), settings)


def train_jointly(
    workspace: Workspace, family: FamilyFrames, start: Adapter, heads: Mapping[str, Head]
) -> Adapter:
    """Train an adapter on the rows of all members, or read it where it was trained before.

    :param start: what it starts from, and whose shape it has.
    :param heads: what the heads start from, by skill.
    :raises SkillStackError: if the training diverges.
    """
    rows = [workspace.rows_of[skill.name] for _, skill in family.skills]
    recipe, predictor = _recipe(family), workspace.trial.predictor
    base = predictor.base
    decides = {
        "base": [
            *(base.identity.weights, base.identity.tokenizer),
            *(base.precision, base.pooling),
        ],
        "epochs": JOINT_EPOCHS,
        "heads": [sha256(heads[one.skill.name].weight.tobytes()) for one in rows],
        "recipe": recipe.to_record(),
        "rows": [
            [one.skill.name, [row.digest() for row in one.more.rows], one.more.labels.tolist()]
            for one in rows
        ],
        "start": start.key,
    }
    kept, key = Derived(workspace.trial.derived, JOINT_KIND), sha256(canonical.dumps(decides))
    found = kept.read(key)
    if found is not None:
        return Adapter(found, start.spec)
    counts = [len(one.more) for one in rows]
    caches = [workspace.trial.lower(one.more.rows, one.skill.rendering) for one in rows]
    joined = HiddenCache.joined([(cache, range(count)) for cache, count in zip(caches, counts, strict=True)])
    dataset = EncodedDataset(
        lambda: joined,
        [int(label) for one in rows for label in one.more.labels],
        [number for number, count in enumerate(counts) for _ in range(count)],
    )
    schedule = Schedule.of(dataclasses.replace(recipe, epochs=JOINT_EPOCHS), sum(counts))
    schedule = dataclasses.replace(schedule, measured=frozenset())
    numbered = {number: heads[one.skill.name] for number, one in enumerate(rows)}
    with predictor.alone() as slot:
        slot.copy_in(start.tensors, start.spec)
        train_adapter(slot, dataset, numbered, recipe, schedule)
        tensors = slot.read_out()
    kept.write(key, tensors)
    return Adapter(tensors, start.spec)


def _recipe(family: FamilyFrames) -> Recipe:
    """The recipe of the newest member, or the base's default if none was recorded."""
    newest = family.frames[-1]
    record = taught(newest.content, newest.skills[0].name)
    if record:
        return Recipe.from_record(dict(record))
    return default_recipe(newest.content.base.name, newest.content.base_kind)


# --- all ---------------------------------------------------------------------------------------------------

#: Every strategy, in the order in which they are used.
STRATEGIES = {
    one.name: one
    for one in (
        Strategy("anchor", anchor),
        Strategy("merge", merge, merge_lower),
        Strategy("rank", rank, rank_by_frame, alone=True),
        Strategy("joint", joint, slow=True),
    )
}


def ranks_below(rank: int) -> list[int]:
    """Ranks to try: the half, the quarter, ... down to 1."""
    found = []
    while rank > 1:
        rank //= 2
        found.append(rank)
    return found


def _members(workspace: Workspace, family: FamilyFrames) -> list[Adapter]:
    return [workspace.adapters[frame.name] for frame in family.frames]


def _merged(
    family: FamilyFrames, strategy: str, name: str, adapter: Adapter, settings: Mapping[str, str]
) -> Candidate:
    """A candidate that makes one frame of a family."""
    adapters = {frame.name: adapter for frame in family.frames}
    return Candidate((Replacement(name, strategy, family, adapters, settings, merges=True),))

"""Merge methods for LoRA adapters, applied layer by layer.

Everything works on what an adapter adds to a layer's weights, so ranks, scalings, targets and first layers of
the members may differ. At most one layer's matrix is held at once. Each method is one function and an entry
in `METHODS`, made of the same few parts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from skillstack.compression.deltas import (
    A,
    Adapter,
    Delta,
    Doubles,
    adapter_of,
    delta_of,
    layers_of,
    shape_of,
    spectrum,
    total,
    triangle,
)
from skillstack.errors import MismatchError, UsageError, did_you_mean
from skillstack.models.lora import LoraSpec
from skillstack.store.canonical import sha256

Floats = NDArray[np.float32]
Settings = Mapping[str, float]
Shapes = dict[str, tuple[int, int]]
#: One member's update of a layer; None where the member does not adapt the layer, which counts as zero.
Updates = Sequence[Delta | None]
#: The members' updates of one layer, their weights, the settings, a seed and the layer's name, to one update.
Merge = Callable[[Updates, Sequence[float], Settings, int, str], Delta]

# The first number in a name is that of the transformer layer.
_LAYER = re.compile(r"(.*?\.)(\d{1,4})\.(.+)")


@dataclass(frozen=True)
class MergeMethod:
    """A merge of the updates of one layer.

    :ivar title: name in tables.
    :ivar paper: authors, year and address.
    :ivar merge: the merge itself. At least one member adapts the layer; weights are finite and may be
        negative.
    :ivar grid: its parameters, each with values to choose among, the default first.
    """

    name: str
    title: str
    paper: str
    merge: Merge
    grid: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def defaults(self) -> dict[str, float]:
        """The first value of each parameter."""
        return {name: values[0] for name, values in self.grid.items()}

    def settled(self, settings: Settings | None) -> dict[str, float]:
        """These settings, with the defaults for the rest.

        :raises UsageError: if one is unknown or not finite.
        """
        for name, value in (settings or {}).items():
            if name not in self.grid:
                raise UsageError(f"{self.title} has no setting {name[:80]!r}.", did_you_mean(name, self.grid))
            if not math.isfinite(value):
                raise UsageError(f"Invalid {name} of {self.title}: {value}.", "Give a finite number.")
        return {**self.defaults, **(settings or {})}


def merge_adapters(
    members: Sequence[Adapter],
    method: str,
    *,
    ranks: Sequence[int],
    weights: Sequence[float] | None = None,
    settings: Settings | None = None,
    seed: int = 0,
) -> list[Adapter]:
    """Merge adapters of one base; the updates are merged once, and cut to each of some ranks.

    :param method: name of a merge method.
    :param ranks: of the merged adapters, each at least 1; their scaling is 1.
    :param weights: how much each member counts; 1 each by default, and negative to take an update away.
    :param settings: the method's own parameters; its defaults for what is not named.
    :param seed: for methods that draw at random.
    :raises UsageError: without members, for an unknown method or setting, and for a rank, weight or setting
        that is out of range.
    :raises MismatchError: if an adapter is damaged or not finite, or members are of different bases.
    """
    chosen = merge_method(method)
    settled, counts = chosen.settled(settings), _weights(weights, len(members))
    for rank in ranks:
        if rank < 1:
            raise UsageError(f"Invalid rank {rank}.", "Give at least 1.")
    shapes = _shapes(members)
    specs = [joint_spec([member.spec for member in members], rank) for rank in ranks]
    cuts: list[dict[str, Delta]] = [{} for _ in ranks]
    # One thread: the bytes, and with them a frame's id, must not depend on how many cores there are.
    with threadpool_limits(limits=1):
        for layer in sorted(shapes):
            updates = [
                delta_of(one.tensors, one.spec, layer) if layer + A in one.tensors else None
                for one in members
            ]
            found = spectrum(chosen.merge(updates, counts, settled, seed, layer))
            for cut, rank in zip(cuts, ranks, strict=True):
                cut[layer] = found.cut(rank)
        gaps = {layer: Delta.zero(shape) for layer, shape in _gaps(shapes, specs[0].first_layer).items()}
        return [adapter_of(cut | gaps, spec.r, spec) for cut, spec in zip(cuts, specs, strict=True)]


def joint_spec(specs: Sequence[LoraSpec], rank: int) -> LoraSpec:
    """The shape of an adapter that covers the layers of all of these, with a scaling of 1.

    :raises UsageError: for a rank below 1.
    """
    return LoraSpec(
        r=rank,
        alpha=rank,
        dropout=0.0,
        targets=tuple(sorted({target for spec in specs for target in spec.targets})),
        first_layer=min(spec.first_layer for spec in specs),
    )


# --- the methods -------------------------------------------------------------------------------------------


def linear(updates: Updates, weights: Sequence[float], settings: Settings, seed: int, layer: str) -> Delta:
    """The weighted mean, exactly; its factors are as wide as all members' together.

    Taking means of A and of B instead, as is often done with LoRA, multiplies each member's A with every
    other's B. Weights are scaled to a sum of 1.

    :raises UsageError: if the weights cancel out.
    """
    return _weighted_sum(updates, _shares(weights))


def task_arithmetic(
    updates: Updates, weights: Sequence[float], settings: Settings, seed: int, layer: str
) -> Delta:
    """The weighted sum times lambda, exactly; a negative weight takes a member's update away."""
    return _weighted_sum(updates, [settings["lambda"] * weight for weight in weights])


def ties(updates: Updates, weights: Sequence[float], settings: Settings, seed: int, layer: str) -> Delta:
    """Trim each update, elect a sign for each entry, take the mean of those that agree; a dense matrix.

    Entries are trimmed within a layer instead of the whole model, so that one layer's matrix is all that is
    held. With weights, a sign is elected by the weighted updates and the mean is weighted; with equal ones
    that is the paper's. A tie elects the positive sign.

    :raises UsageError: for a density that is not above 0 and at most 1.
    """
    density = _density(settings)
    trimmed = ((weight, trim(_single(one), density)) for _, weight, one in _counting(updates, weights))
    merged = elected_mean(trimmed, _shape(updates))
    merged *= np.float32(settings["lambda"])
    return Delta.of_dense(merged)


def dare(updates: Updates, weights: Sequence[float], settings: Settings, seed: int, layer: str) -> Delta:
    """Drop entries of each update at random, and scale up the rest; then the mean, or TIES.

    On average over seeds nothing changes. What is drawn depends on the seed, the layer's name and the
    member's number alone.

    :raises UsageError: for a chance to be dropped that is not below 1, another ``then``, or weights of a mean
        that cancel out.
    """
    chance, elect = settings["drop"], _elects(settings)
    if not 0.0 <= chance < 1.0:
        raise UsageError(f"Invalid drop rate {chance}.", "Give at least 0 and less than 1.")
    kept = (
        (number, weight, drop(_single(one), chance, seed, layer, number))
        for number, weight, one in _counting(updates, weights if elect else _shares(weights))
    )
    if elect:
        merged = elected_mean(((weight, update) for _, weight, update in kept), _shape(updates))
    else:
        merged = np.zeros(_shape(updates), np.float32)
        for _, share, update in kept:
            merged += update * np.float32(share)
    merged *= np.float32(settings["lambda"])
    return Delta.of_dense(merged)


def knots(updates: Updates, weights: Sequence[float], settings: Settings, seed: int, layer: str) -> Delta:
    """Turn all updates into one common basis, and merge them there by TIES or linearly.

    The updates side by side are decomposed, ``[D1 ... Dn] = U S [V1 ... Vn]``; the ``S Vi``, which are
    aligned, are merged and multiplied with U again. Since ``S Vi`` is ``U' Di``, only U is computed, from
    thin factors.

    :raises UsageError: for a density out of range, a ``then`` other than 0 and 1, or weights of a mean that
        cancel out.
    """
    elect, density = _elects(settings), _density(settings)
    members = _counting(updates, weights if elect else _shares(weights))
    if not members:
        return Delta.zero(_shape(updates))
    basis = common_basis([one for _, _, one in members])
    aligned = [(weight, Delta(basis.T @ one.left, one.right)) for _, weight, one in members]
    if elect:
        trimmed = ((weight, trim(_single(one), density)) for weight, one in aligned)
        merged = elected_mean(trimmed, (basis.shape[1], _shape(updates)[1])).astype(np.float64)
    else:
        merged = total([one for _, one in aligned], [weight for weight, _ in aligned]).dense()
    return Delta(basis, settings["lambda"] * merged)


def tsv(updates: Updates, weights: Sequence[float], settings: Settings, seed: int, layer: str) -> Delta:
    """The members' singular vectors side by side, made orthogonal to each other.

    Each update keeps a share of its singular values; the left singular vectors of all members together are
    replaced by the nearest orthonormal ones (the polar factor), the right ones too.

    :raises UsageError: for a share that is not above 0 and at most 1.
    """
    share = settings["share"]
    if not 0.0 < share <= 1.0:
        raise UsageError(f"Invalid share {share}.", "Give more than 0 and at most 1.")
    lefts, values, rights = [], [], []
    for _, weight, one in _counting(updates, weights):
        found = spectrum(one)
        found = found.first(math.ceil(share * len(found.values) - 1e-9))
        lefts.append(found.left)
        values.append(settings["lambda"] * weight * found.values)
        rights.append(found.right.T)
    if not lefts:
        return Delta.zero(_shape(updates))
    left, right = (nearest_orthonormal(np.concatenate(parts, 1)) for parts in (lefts, rights))
    return Delta(left * np.concatenate(values), right.T)


#: Every merge method, in the order in which a table shows them.
METHODS = {
    method.name: method
    for method in (
        MergeMethod("linear", "Linear", "Wortsman et al. 2022, https://arxiv.org/abs/2203.05482", linear),
        MergeMethod(
            "task-arithmetic",
            "Task arithmetic",
            "Ilharco et al. 2023, https://arxiv.org/abs/2212.04089",
            task_arithmetic,
            {"lambda": (0.5, 0.3, 0.8, 1.0)},
        ),
        MergeMethod(
            "ties",
            "TIES",
            "Yadav et al. 2023, https://arxiv.org/abs/2306.01708",
            ties,
            {"density": (0.2, 0.5, 0.8), "lambda": (1.0, 0.7, 1.5)},
        ),
        MergeMethod(
            "dare",
            "DARE",
            "Yu et al. 2024, https://arxiv.org/abs/2311.03099",
            dare,
            {"drop": (0.5, 0.2, 0.8), "then": (0.0, 1.0), "lambda": (1.0, 1.5, 2.0)},
        ),
        MergeMethod(
            "knots",
            "KnOTS",
            "Stoica et al. 2025, https://arxiv.org/abs/2410.19735",
            knots,
            {"then": (1.0, 0.0), "density": (0.2, 0.5, 1.0), "lambda": (1.0, 0.7, 1.5)},
        ),
        MergeMethod(
            "tsv",
            "Task singular vectors",
            "Gargiulo et al. 2025, https://arxiv.org/abs/2412.00081",
            tsv,
            {"share": (1.0, 0.5), "lambda": (1.0, 0.5)},
        ),
    )
}


def merge_method(name: str) -> MergeMethod:
    """The merge method of this name; hyphens may be underscores.

    :raises UsageError: if there is none.
    """
    plain = name.strip().lower().replace("_", "-")
    if plain not in METHODS:
        raise UsageError(f"There is no merge method called {name[:80]!r}.", did_you_mean(plain, METHODS))
    return METHODS[plain]


# --- what the methods are made of --------------------------------------------------------------------------


def trim(update: Floats, density: float) -> Floats:
    """Set all but this share of the entries, the largest ones, to zero, in place.

    Of entries as large as the smallest that stays, all stay. One at least does.
    """
    sizes = np.abs(update)
    # A share such as 0.7 of 10 is meant as 7 and not as 6.999...
    away = sizes.size - max(1, int(density * sizes.size + 1e-9))
    if away > 0:
        least = np.partition(sizes, away, axis=None)[away]
        update[sizes < least] = 0.0
    return update


def elected_mean(updates: Iterable[tuple[float, Floats]], shape: tuple[int, int]) -> Floats:
    """Entry by entry the weighted mean of those entries that have the sign of the weighted sum.

    Sums of the positive and of the negative entries say both, so no two updates are held at once.

    :param updates: weights and updates; zero entries take no part.
    :param shape: of each update.
    """
    sums = np.zeros((2, *shape), np.float32)
    masses = np.zeros((2, *shape), np.float32)
    for weight, update in updates:
        weighted = update * np.float32(weight)
        for sign, (bounded, side) in enumerate(((np.maximum, weighted > 0), (np.minimum, weighted < 0))):
            sums[sign] += bounded(weighted, np.float32(0))
            masses[sign] += side * np.float32(abs(weight))
    np.divide(sums, masses, out=masses, where=masses > 0)
    elected: Floats = np.where(sums[0] + sums[1] >= 0, masses[0], masses[1])
    return elected


def drop(update: Floats, chance: float, seed: int, layer: str, member: int) -> Floats:
    """Drop entries, each with this chance, and divide the others by the chance that they stay; in place."""
    place = sha256(f"{seed}\n{member}\n{layer}".encode())
    draws = np.random.Generator(np.random.PCG64(int(place, 16))).random(update.shape, dtype=np.float32)
    update[draws < chance] = 0.0
    update /= np.float32(1.0 - chance)
    return update


def common_basis(deltas: Sequence[Delta]) -> Doubles:
    """Left singular vectors ``[outputs, count]`` of the updates side by side.

    An update's right factor counts through its triangle alone, so that the inputs' width drops out.
    """
    widths = [min(delta.right.shape) for delta in deltas]
    side_by_side = np.zeros((sum(delta.rank for delta in deltas), sum(widths)))
    row = column = 0
    for delta, width in zip(deltas, widths, strict=True):
        rows, columns = slice(row, row + delta.rank), slice(column, column + width)
        side_by_side[rows, columns] = triangle(delta.right.T).T
        row, column = rows.stop, columns.stop
    return spectrum(Delta(np.concatenate([delta.left for delta in deltas], axis=1), side_by_side)).left


def nearest_orthonormal(vectors: Doubles) -> Doubles:
    """The polar factor of ``[size, count]``; directions that the vectors do not span stay out."""
    if not vectors.size:
        return vectors
    left, values, right = np.linalg.svd(vectors, full_matrices=False)
    count = int(np.count_nonzero(values > 1e-9 * values[0]))
    found: Doubles = left[:, :count] @ right[:count]
    return found


def _shape(updates: Updates) -> tuple[int, int]:
    return next(update.shape for update in updates if update is not None)


def _counting(updates: Updates, weights: Sequence[float]) -> list[tuple[int, float, Delta]]:
    """Number, weight and update of each member that counts."""
    return [
        (number, weight, update)
        for number, (update, weight) in enumerate(zip(updates, weights, strict=True))
        if update is not None and weight != 0.0
    ]


def _weighted_sum(updates: Updates, weights: Sequence[float]) -> Delta:
    counting = _counting(updates, weights)
    if not counting:
        return Delta.zero(_shape(updates))
    return total([update for _, _, update in counting], [weight for _, weight, _ in counting])


def _shares(weights: Sequence[float]) -> list[float]:
    """The weights, scaled so that their sum is 1."""
    whole = math.fsum(weights)
    if abs(whole) <= 1e-9 * math.fsum(map(abs, weights)):
        raise UsageError("The weights of a mean cancel out.", "Give weights whose sum is not 0.")
    return [weight / whole for weight in weights]


def _single(delta: Delta) -> Floats:
    """An update ``[outputs, inputs]`` in float32, which the caller may change."""
    # What overflows is refused where the merged update is decomposed.
    with np.errstate(over="ignore", invalid="ignore"):
        return delta.left.astype(np.float32) @ delta.right.astype(np.float32)


def _density(settings: Settings) -> float:
    density = settings["density"]
    if not 0.0 < density <= 1.0:
        raise UsageError(f"Invalid share {density} of entries to keep.", "Give more than 0 and at most 1.")
    return density


def _elects(settings: Settings) -> bool:
    """Whether the merge elects signs, as in TIES, rather than taking the mean."""
    if settings["then"] not in (0.0, 1.0):
        raise UsageError(f"Invalid value {settings['then']} of then.", "Give 0 for linear or 1 for TIES.")
    return settings["then"] == 1.0


def _weights(weights: Sequence[float] | None, count: int) -> list[float]:
    if not count:
        raise UsageError("There is no adapter to merge.", "Give one or more.")
    found = [1.0] * count if weights is None else [float(weight) for weight in weights]
    if len(found) != count:
        raise UsageError(f"{len(found)} weights do not fit {count} adapters.", "Give one weight for each.")
    if not all(map(math.isfinite, found)):
        raise UsageError(f"The weights {found} are not all finite.", "Give finite numbers.")
    return found


def _shapes(members: Sequence[Adapter]) -> Shapes:
    """Outputs and inputs of every layer that a member adapts; all members must agree."""
    shapes: Shapes = {}
    for number, member in enumerate(members, 1):
        for layer in layers_of(member.tensors):
            shape = shape_of(member.tensors, member.spec, layer)
            known = shapes.setdefault(layer, shape)
            if known != shape:
                raise MismatchError(
                    f"{layer} is {shape} in adapter {number} and {known} in one before it.",
                    "Merge adapters of one base.",
                )
    return shapes


def _gaps(shapes: Mapping[str, tuple[int, int]], first: int) -> Shapes:
    """Layers that no member adapts, but that an adapter with all their targets must have.

    An adapter has the same targets in all of its transformer layers. Where one member adapts queries from
    layer 3 on and another one values from layer 0 on, the merged one has queries, which change nothing, from
    layer 0 on.
    """
    # By what stands before and after its number, where a layer is adapted and of which shape.
    kinds: dict[tuple[str, str], tuple[int, int]] = {}
    numbers: dict[str, set[int]] = {}
    for name in sorted(shapes):
        match = _LAYER.fullmatch(name)
        if match is not None:
            kinds[match[1], match[3]] = shapes[name]
            numbers.setdefault(match[1], set()).add(int(match[2]))
    wanted = {
        f"{start}{number}.{end}": shape
        for (start, end), shape in kinds.items()
        for number in range(min(first, *numbers[start]), max(numbers[start]) + 1)
    }
    return {name: shape for name, shape in wanted.items() if name not in shapes}

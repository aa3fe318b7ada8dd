"""KnOTS: turn all updates into one common basis, and merge them there.

Stoica et al. 2025, Model merging with SVD to tie the KnOTS, ICLR, https://arxiv.org/abs/2410.19735. The
updates side by side are decomposed, ``[D1 ... Dn] = U S [V1 ... Vn]``; the ``S Vi``, which are aligned, are
merged by TIES or linearly, and multiplied with U again. Since ``S Vi`` is ``U' Di``, only U is computed, from
thin factors, and nothing is larger than one layer's matrix.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skillstack.compression.deltas import Delta, Doubles, spectrum, total, triangle
from skillstack.compression.merging.dare import check_then
from skillstack.compression.merging.method import Merging, Parts, Settings, present, shape_of, shares
from skillstack.compression.merging.ties import check_density, elected_mean, single, trim


def merge(parts: Parts, weights: Sequence[float], settings: Settings, seed: int, layer_name: str) -> Delta:
    """The merged update; its factors are as wide as the common basis.

    :raises UsageError: for a density out of range, a ``then`` other than 0 and 1, or weights of a mean that
        cancel out.
    """
    elect, density = check_then(settings["then"]), settings["density"]
    check_density(density)
    members = present(parts, weights if elect else shares(weights))
    if not members:
        return Delta.zero(shape_of(parts))
    basis = common_basis([part for _, _, part in members])
    aligned = [(weight, Delta(basis.T @ part.left, part.right)) for _, weight, part in members]
    if elect:
        trimmed = ((weight, trim(single(part), density)) for weight, part in aligned)
        merged = elected_mean(trimmed, (basis.shape[1], shape_of(parts)[1])).astype(np.float64)
    else:
        merged = total([part for _, part in aligned], [weight for weight, _ in aligned]).dense()
    return Delta(basis, settings["lambda"] * merged)


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
    found = spectrum(Delta(np.concatenate([delta.left for delta in deltas], axis=1), side_by_side))
    return found.left


METHOD = Merging(
    name="knots",
    title="KnOTS",
    paper="Stoica et al. 2025, https://arxiv.org/abs/2410.19735",
    merge=merge,
    grid={"then": (1.0, 0.0), "density": (0.2, 0.5, 1.0), "lambda": (1.0, 0.7, 1.5)},
)

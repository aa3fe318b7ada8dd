"""LoRA adapters as updates of layers, each held as two thin factors, and adapters made of such updates.

A LoRA adapter (Hu et al. 2021, https://arxiv.org/abs/2106.09685) adds ``scaling * B @ A``. Everything here
works on that update and not on A and B, so that ranks, alphas and rank-stabilised scaling may differ; and on
thin factors, in float64, so that no dense matrix is made unless the factors are as wide as one. The best
approximation of a rank is the truncated SVD (Eckart & Young 1936, The approximation of one matrix by another
of lower rank, Psychometrika 1).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from skillstack.errors import MismatchError, UsageError
from skillstack.models import adapter_config
from skillstack.models.lora import LoraSpec
from skillstack.store import canonical
from skillstack.store.canonical import sha256
from skillstack.store.records import FrameRecord
from skillstack.store.store import Store

Doubles = NDArray[np.float64]
Tensors = Mapping[str, NDArray[np.generic]]
A, B = ".lora_A.weight", ".lora_B.weight"
#: Singular values below this share of the sum of the factors' sizes are rounding.
_ROUNDING = 16 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Adapter:
    """A LoRA adapter in memory.

    :ivar tensors: by PEFT's names: A ``[rank, inputs]``, B ``[outputs, rank]``.
    """

    tensors: Tensors
    spec: LoraSpec

    @cached_property
    def file(self) -> bytes:
        """The bytes of ``adapter_model.safetensors``."""
        return adapter_config.tensors_bytes(self.tensors)

    @property
    def bytes(self) -> int:
        """Size of that file."""
        return len(self.file)

    @cached_property
    def key(self) -> str:
        """SHA-256 of tensors and scaling."""
        return sha256(canonical.dumps({"model": sha256(self.file), "scaling": f"{self.spec.scaling:.17g}"}))

    @property
    def is_zero(self) -> bool:
        """Whether it changes nothing."""
        return all(not tensor.any() for name, tensor in self.tensors.items() if name.endswith(B))

    def cut(self, rank: int) -> Adapter:
        """The best approximation of this rank or less; itself where its rank is that already.

        :raises MismatchError: if it is damaged or not finite.
        """
        return self if rank >= self.spec.r else adapter_of(self.deltas(), rank, self.spec)

    def deltas(self) -> dict[str, Delta]:
        """The update of each layer, by the layer's name.

        :raises MismatchError: if it is damaged or not finite.
        """
        return {layer: delta_of(self.tensors, self.spec, layer) for layer in layers_of(self.tensors)}


def stored(store: Store, record: FrameRecord) -> Adapter:
    """A frame's adapter.

    :raises UsageError: if it has none.
    :raises IntegrityError: if it is missing or was altered, or a number in it is not finite.
    """
    if record.adapter is None:
        raise UsageError(f"The frame {record.name!r} has no adapter.", "There is nothing to compress in it.")
    spec = adapter_config.parse(store.adapter_config(record.adapter)).spec
    return Adapter(store.adapter_tensors(record.adapter), spec)


@dataclass(frozen=True, eq=False)
class Delta:
    """An update of one layer: ``left @ right``.

    :ivar left: ``[outputs, rank]``.
    :ivar right: ``[rank, inputs]``.
    """

    left: Doubles
    right: Doubles

    @classmethod
    def of_dense(cls, update: NDArray[np.floating]) -> Delta:
        """The update with this matrix ``[outputs, inputs]``."""
        outputs, inputs = update.shape
        wide = update.astype(np.float64)
        return cls(wide, np.eye(inputs)) if inputs <= outputs else cls(np.eye(outputs), wide)

    @classmethod
    def zero(cls, shape: tuple[int, int]) -> Delta:
        """The zero update of a layer with so many outputs and inputs."""
        return cls(np.zeros((shape[0], 0)), np.zeros((0, shape[1])))

    @property
    def rank(self) -> int:
        """How wide the factors are; the update's own rank is at most that."""
        return int(self.left.shape[1])

    @property
    def shape(self) -> tuple[int, int]:
        """Outputs and inputs of the layer."""
        return self.left.shape[0], self.right.shape[1]

    @property
    def norm(self) -> float:
        """Frobenius norm of the update; what cancels out between the factors does not count."""
        if self.rank >= min(self.shape):
            return float(np.linalg.norm(self.dense()))
        return float(np.linalg.norm(triangle(self.left) @ triangle(self.right.T).T))

    def scaled(self, weight: float) -> Delta:
        """The update times a number."""
        return Delta(self.left * weight, self.right)

    def dense(self) -> Doubles:
        """The update itself, ``[outputs, inputs]``."""
        return self.left @ self.right


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The singular value decomposition of an update, without the values that are zero up to rounding.

    :ivar left: ``[outputs, count]``, orthonormal columns.
    :ivar values: ``[count]``, positive, the largest first.
    :ivar right: ``[count, inputs]``, orthonormal rows.
    """

    left: Doubles
    values: Doubles
    right: Doubles

    def cut(self, rank: int) -> Delta:
        """The best approximation of this rank or less, its singular values split evenly on both factors.

        The largest entry of each column of the left factor is positive, which fixes the signs.
        """
        left, root = self.left[:, :rank], np.sqrt(self.values[:rank])
        tops = left[np.argmax(np.abs(left), axis=0), np.arange(left.shape[1])]
        root = np.where(tops < 0, -root, root)
        return Delta(left * root, root[:, None] * self.right[:rank])

    def first(self, count: int) -> Spectrum:
        """The largest singular values, so many at most, with their vectors."""
        return Spectrum(self.left[:, :count], self.values[:count], self.right[:count])


def spectrum(delta: Delta) -> Spectrum:
    """Decompose an update.

    Thin factors each get a QR decomposition, and the small matrix between them an SVD. Factors as wide as
    the layer are multiplied out, and the smaller Gram matrix is decomposed, which is faster than an SVD; that
    tells singular values apart down to about 1e-8 of the largest, and loses nothing of the update.

    :raises MismatchError: if the numbers are too large to compute with.
    """
    # Unlike the norms of whole factors, this sum does not depend on which factor a scale stands in.
    sizes = np.linalg.norm(delta.left, axis=0) * np.linalg.norm(delta.right, axis=1)
    least = _ROUNDING * float(_bounded(sizes).sum())
    if delta.rank >= min(delta.shape):
        return _of_wide(_bounded(delta.dense()), least)
    left, first = np.linalg.qr(delta.left)
    right, second = np.linalg.qr(delta.right.T)
    u, values, v = np.linalg.svd(_bounded(first @ second.T))
    count = int(np.count_nonzero(values > least))
    return Spectrum(left @ u[:, :count], values[:count], v[:count] @ right.T)


def _of_wide(update: Doubles, least: float) -> Spectrum:
    if update.shape[0] > update.shape[1]:
        turned = _of_wide(update.T, least)
        return Spectrum(turned.right.T, turned.values, turned.left.T)
    left = np.linalg.eigh(_bounded(update @ update.T))[1]
    right = left.T @ update
    values = np.linalg.norm(right, axis=1)
    order = np.argsort(-values, kind="stable")
    order = order[values[order] > least]
    return Spectrum(left[:, order], values[order], right[order] / values[order, None])


def _bounded(numbers: Doubles) -> Doubles:
    if not np.isfinite(numbers).all():
        raise MismatchError(
            "An adapter's update has numbers too large to compute with.",
            "Its training diverged. Train it again.",
        )
    return numbers


def triangle(matrix: Doubles) -> Doubles:
    """The triangular factor R of a matrix: all of it but a rotation of its columns' space."""
    return np.asarray(np.linalg.qr(matrix, mode="r"), np.float64)


def total(deltas: Sequence[Delta], weights: Sequence[float]) -> Delta:
    """The weighted sum, exactly: the factors stand side by side. Weights may be negative.

    :raises UsageError: without updates, or with another number of weights.
    :raises MismatchError: if the updates are of layers of different shapes.
    """
    if not deltas or len(deltas) != len(weights):
        raise UsageError(
            f"{len(weights)} weights do not fit {len(deltas)} updates.", "Give one weight for each."
        )
    if len({delta.shape for delta in deltas}) > 1:
        raise MismatchError(
            f"Updates of shapes {sorted({delta.shape for delta in deltas})} have no sum.",
            "They are of different layers or bases.",
        )
    left = np.concatenate(
        [delta.left * weight for delta, weight in zip(deltas, weights, strict=True)], axis=1
    )
    return Delta(left, np.concatenate([delta.right for delta in deltas]))


def layers_of(tensors: Tensors) -> tuple[str, ...]:
    """The adapted layers, sorted: the names of PEFT's tensors without their ends.

    :raises MismatchError: if there is none, a tensor lacks its partner, or is no part of a LoRA adapter.
    """
    strange = sorted(name for name in tensors if not name.endswith((A, B)))
    if strange or not tensors:
        raise MismatchError(
            f"{strange[0][:120]!r} is no tensor of a LoRA adapter."
            if strange
            else "The adapter has no tensors.",
            f"Their names end in {A} and {B}.",
        )
    layers = sorted({name.removesuffix(A).removesuffix(B) for name in tensors})
    for layer in layers:
        for end in (A, B):
            if layer + end not in tensors:
                raise MismatchError(f"The adapter lacks {layer[:120]}{end}.", "It is damaged.")
    return tuple(layers)


def shape_of(tensors: Tensors, spec: LoraSpec, layer: str) -> tuple[int, int]:
    """Outputs and inputs of an adapted layer.

    :raises MismatchError: if its tensors are no floats or do not fit each other and the spec's rank.
    """
    down, up = tensors[layer + A], tensors[layer + B]
    for name, tensor, axis in ((layer + A, down, 0), (layer + B, up, 1)):
        if tensor.ndim != 2 or tensor.shape[axis] != spec.r or tensor.dtype.kind != "f":
            raise MismatchError(
                f"The adapter's {name} is {tensor.dtype} of shape {tensor.shape}, not of rank {spec.r}.",
                "It was made with another rank, or is damaged.",
            )
    return up.shape[0], down.shape[1]


def delta_of(tensors: Tensors, spec: LoraSpec, layer: str) -> Delta:
    """The update of one layer by an adapter.

    :raises MismatchError: as `shape_of`, and if a number is not finite.
    """
    shape_of(tensors, spec, layer)
    delta = Delta(tensors[layer + B].astype(np.float64), tensors[layer + A].astype(np.float64))
    for end, factor in ((A, delta.right), (B, delta.left)):
        if not np.isfinite(factor).all():
            raise MismatchError(
                f"The adapter's {layer}{end} has a number that is not finite.", "It is damaged."
            )
    return delta.scaled(spec.scaling)


def adapter_of(deltas: Mapping[str, Delta], rank: int, template: LoraSpec) -> Adapter:
    """An adapter with these updates, or their best approximations of a rank.

    Layers that need less are filled up with zeros. The scaling is 1; each singular value is split evenly on
    A and B. One thread computes, so equal input gives equal bytes whatever else a machine is told.

    :param template: which layers the adapter sits on.
    :raises UsageError: for a rank below 1.
    :raises MismatchError: if a number is too large for float32, or as `spectrum`.
    """
    spec = dataclasses.replace(template, r=rank, alpha=rank, dropout=0.0, rslora=False)
    tensors: dict[str, NDArray[np.float32]] = {}
    with threadpool_limits(limits=1):
        for layer in sorted(deltas):
            cut = spectrum(deltas[layer]).cut(rank)
            missing = (0, rank - cut.rank)
            tensors[layer + A] = _single(np.pad(cut.right, (missing, (0, 0))))
            tensors[layer + B] = _single(np.pad(cut.left, ((0, 0), missing)))
    return Adapter(tensors, spec)


def _single(numbers: Doubles) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        found = numbers.astype(np.float32)
    _bounded(found.astype(np.float64))
    return found

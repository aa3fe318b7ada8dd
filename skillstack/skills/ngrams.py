"""A linear head on hashed n-grams: fitted in closed steps from rows alone, exact, and asked without a base.

Its features are the router's (`routers/features`), its weighting is scikit-learn's tf-idf (`routers/svm`),
and its scores are those of a linear support vector machine, one label against the rest. A temperature that
was chosen on rows that the head had not seen makes logits of them (Guo et al. 2017,
https://arxiv.org/abs/1706.04599); it is folded into the coefficients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import IntegrityError, MismatchError
from skillstack.routers.blocks import combine, split
from skillstack.routers.features import BUCKETS, SPEC, HashedRows, hash_rows
from skillstack.routers.svm import LinearModel, Weighting, solve
from skillstack.store.rows import Row
from skillstack.store.states import State
from skillstack.store.tensors import Tensors

Floats = NDArray[np.float32]

#: The type of the state of such a head, and the name of its file of tensors.
NGRAMS = "ngrams"
#: Weight of the block of words beside the block of characters, and of each flag, as hundredths.
WORDS, FLAGS = 70, 80
#: Inverse penalty of the support vector machine: on tables of 100 to 5,000 rows never far from the best.
PENALTY = 0.5
#: Rows that are hashed and scored at once, so that memory stays flat.
_BATCH = 4096
#: Tolerance of the solver: a finer one changes no label.
_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class NgramHead:
    """Logits of labels from the n-grams of a text.

    :ivar model: weighting of the n-grams, coefficients ``[features, labels]`` and intercepts ``[labels]``.
    """

    model: LinearModel

    @property
    def labels(self) -> int:
        """Number of labels."""
        return len(self.model.intercepts)

    @classmethod
    def fit(cls, rows: HashedRows, labels: Sequence[int], n_classes: int) -> NgramHead:
        """The head of these rows, the same whatever their order.

        A label without a row gets the lowest logit of all.

        :param labels: of each row, its label's number.
        :raises ValueError: if the rows have fewer than two labels.
        """
        wanted = np.asarray(labels, dtype=np.int64)
        keys = rows.row_keys()
        order = np.array(sorted(range(len(keys)), key=lambda row: (keys[row], wanted[row])), dtype=np.int64)
        rows, wanted = rows.take(order), wanted[order]
        present, local = np.unique(wanted, return_inverse=True)
        if len(present) < 2:
            raise ValueError("rows of two labels are needed")
        weighting = Weighting.of(rows, WORDS / 100, FLAGS / 100)
        svm = solve(
            weighting.weigh(rows),
            local,
            len(weighting.buckets),
            PENALTY,
            tolerance=_TOLERANCE,
            balanced=False,
        )
        fitted, intercepts = svm.coef_.T, svm.intercept_
        if len(present) == 2:
            # scikit-learn keeps one column for two classes: the second one's.
            fitted = np.concatenate([-fitted, fitted], axis=1)
            intercepts = np.concatenate([-intercepts, intercepts])
        coefficients = np.zeros((len(weighting.buckets), n_classes))
        bias = np.full(n_classes, intercepts.min() - 2.0)
        coefficients[:, present], bias[present] = fitted, intercepts
        return cls(LinearModel(weighting, _rounded(coefficients), bias.astype(np.float32)))

    def scaled(self, factor: float) -> NgramHead:
        """The head whose logits are multiplied by a factor."""
        coefficients = _rounded(np.asarray(self.model.coefficients, np.float32) * np.float32(factor))
        intercepts = self.model.intercepts * np.float32(factor)
        return NgramHead(replace(self.model, coefficients=coefficients, intercepts=intercepts))

    def logits(self, rows: Sequence[Row]) -> Floats:
        """Logits ``[rows, labels]``."""
        parts = [
            self.of_hashed(hash_rows(rows[start : start + _BATCH])) for start in range(0, len(rows), _BATCH)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, self.labels), np.float32)

    def of_hashed(self, rows: HashedRows) -> Floats:
        """Logits ``[rows, labels]`` of rows that are hashed already."""
        return self.model.scores(rows)

    def to_state(self) -> State:
        """The state that a record names."""
        weighting = self.model.weighting
        whole, exponents = split(np.asarray(self.model.coefficients, np.float32))
        values = {"features": SPEC, "flags": FLAGS, "rows": weighting.rows, "words": WORDS}
        tensors: Tensors = {
            "buckets": weighting.buckets,
            "exponents": exponents,
            "frequencies": weighting.frequencies,
            "intercepts": self.model.intercepts,
            "whole": whole,
        }
        return State(NGRAMS, values, {NGRAMS: tensors})

    @classmethod
    def from_state(cls, state: State, *, labels: int) -> NgramHead:
        """The head that a state holds.

        :param labels: how many it must have.
        :raises MismatchError: if it is of other features, or has another number of labels.
        :raises IntegrityError: if its tensors do not fit together.
        """
        if state.type != NGRAMS or state.values.get("features") != SPEC:
            raise MismatchError(
                "The n-gram head was made from features that this version does not compute.",
                "Update skillstack, or learn the skill anew.",
            )
        rows, words, flags = (state.values.get(name) for name in ("rows", "words", "flags"))
        if not all(isinstance(value, int) and value > 0 for value in (rows, words, flags)):
            raise _damaged("its record has a number that is none")
        tensors = state.tensors.get(NGRAMS, {})
        expected = {
            "buckets": (np.uint32, 1),
            "exponents": (np.int8, 1),
            "frequencies": (np.uint32, 1),
            "intercepts": (np.float32, 1),
            "whole": (np.int16, 2),
        }
        found = {name: (tensor.dtype.type, tensor.ndim) for name, tensor in tensors.items()}
        if found != expected:
            raise _damaged("its tensors are others than they should be")
        buckets, frequencies = tensors["buckets"], tensors["frequencies"]
        features = len(buckets)
        if tensors["whole"].shape[1] != labels:
            raise MismatchError(
                f"The n-gram head has {tensors['whole'].shape[1]} labels, the skill {labels}.",
                "It belongs to another skill.",
            )
        shapes = {"whole": (features, labels), "exponents": (features,), "frequencies": (features,)}
        if (
            any(tensors[name].shape != shape for name, shape in shapes.items())
            or len(tensors["intercepts"]) != labels
        ):
            raise _damaged("its tensors do not fit together")
        ascending = bool((np.diff(buckets.astype(np.int64)) > 0).all())
        if not ascending or (features and int(buckets[-1]) >= BUCKETS) or (frequencies == 0).any():
            raise _damaged("its n-grams are no ascending list")
        weighting = Weighting(int(rows), buckets, frequencies, int(words) / 100, int(flags) / 100)  # type: ignore[arg-type]
        coefficients = combine(tensors["whole"], tensors["exponents"])  # type: ignore[arg-type]
        return cls(LinearModel(weighting, coefficients, tensors["intercepts"]))  # type: ignore[arg-type]


def _rounded(coefficients: NDArray[np.float64] | Floats) -> Floats:
    """Coefficients as a file keeps them, so that a head answers alike before and after it is stored."""
    return combine(*split(coefficients))


def _damaged(why: str) -> IntegrityError:
    return IntegrityError(f"The n-gram head is damaged: {why}.", "Restore it from a copy, or learn it anew.")

"""Ridge regression over all classes of all tasks so far, in closed form: whatever the order, equal to joint.

After RanPAC (McDonnell et al. 2023, https://arxiv.org/abs/2307.02251), which fits ridge regression to
features of the frozen base behind a random projection and ReLU, and G-ACIL (Zhuang et al. 2024,
https://arxiv.org/abs/2403.15706), whose analytic updates forget nothing. With H the projected features of
all rows so far and Y their one-hot classes, only ``G = H^T H`` and ``C = H^T Y`` are kept, both sums over
rows, and the weights are ``(G + lambda I)^-1 C``. No text is kept, and no gradient is taken.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skillstack.continual.cell import Cost
from skillstack.continual.method import Method, MethodContext
from skillstack.continual.tasks import SequenceTask
from skillstack.training.encoded import EncodedDataset, Floats

#: Random features, a constant one included.
WIDTH = 2048
Doubles = NDArray[np.float64]


class ExactRidge:
    """The two sums, and what follows from them."""

    def __init__(self, context: MethodContext) -> None:
        self.context = context
        self._projection = projection(context.slot.base.hidden_size, context.recipe.seed)
        self._gram: Doubles = np.zeros((WIDTH, WIDTH))
        self._sums: dict[int, Doubles] = {}
        self._weights: Doubles | None = None

    def learn(self, task: SequenceTask) -> None:
        """Add a task's rows to the sums."""
        rows = self._project(task.train.bare(self.context.slot))
        wanted = np.eye(task.labels)[task.train.labels]
        self._gram += rows.T @ rows
        self._sums[task.number] = rows.T @ wanted
        self._weights = None

    def logits(self, task: int, dataset: EncodedDataset, rows: Sequence[int] | None = None) -> Floats:
        """Scores of a task's own classes among all."""
        first = sum(self._sums[number].shape[1] for number in range(task))
        return self.logits_of_all(dataset, rows)[:, first : first + self._sums[task].shape[1]]

    def logits_of_all(self, dataset: EncodedDataset, rows: Sequence[int] | None = None) -> Floats:
        """Scores ``[rows, classes]`` of the classes of all tasks so far, the first task's first."""
        seen = dataset.bare(self.context.slot)
        wide = self._project(seen if rows is None else seen[list(rows)])
        found: Floats = (wide @ self.weights).astype(np.float32)
        return found

    @property
    def weights(self) -> Doubles:
        """``[width, classes]``."""
        if self._weights is None:
            penalty = self.context.settings.get("ridge", METHOD.defaults["ridge"])
            sums = np.concatenate([self._sums[number] for number in sorted(self._sums)], axis=1)
            self._weights = ridge(self._gram, sums, penalty)
        return self._weights

    def version(self, task: int) -> int:
        """Every task changes the weights of all."""
        return len(self._sums)

    @property
    def cost(self) -> Cost:
        """The two sums; the projection follows from its seed."""
        classes = sum(part.shape[1] for part in self._sums.values())
        return Cost(parameters=WIDTH * classes, bytes=8 * WIDTH * (WIDTH + classes))

    def _project(self, features: Floats) -> Doubles:
        return widened(features, self._projection, decoder=self.context.slot.base.kind == "decoder")


def projection(width: int, seed: int) -> Doubles:
    """Random directions ``[width, WIDTH - 1]``, standard normal."""
    drawn: Doubles = np.random.default_rng(seed).standard_normal((width, WIDTH - 1))
    return drawn


def widened(features: Floats, directions: Doubles, *, decoder: bool) -> Doubles:
    """Rectified random features of rows, and a constant one: ``[rows, WIDTH]``.

    :param decoder: whether signed roots are taken first. Some of a decoder's dimensions are larger than the
        others by orders of magnitude; roots, unlike a standardisation, need no statistics that would change
        from task to task.
    """
    rows = features.astype(np.float64)
    if decoder:
        rows = np.sign(rows) * np.sqrt(np.abs(rows))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-12)
    return np.concatenate([np.maximum(rows @ directions, 0.0), np.ones((len(rows), 1))], axis=1)


def ridge(gram: Doubles, sums: Doubles, penalty: float) -> Doubles:
    """``(G + penalty I)^-1 C``, by Cholesky's decomposition."""
    from scipy.linalg import cho_factor, cho_solve

    found: Doubles = cho_solve(cho_factor(gram + penalty * np.eye(len(gram)), lower=True), sums)
    return found


METHOD = Method(
    "exact-ridge",
    "Exact ridge regression",
    "McDonnell et al. 2023, https://arxiv.org/abs/2307.02251; Zhuang et al. 2024, https://arxiv.org/abs/2403.15706",
    ExactRidge,
    {"ridge": (100.0, 10.0, 1000.0, 1.0, 10000.0)},
)

"""A router's scores, and all that the chain rule needs beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of rows, before a frame is chosen.

    :ivar values: float32 ``[rows, skills]``; minus infinity for a skill that cannot read the row.
    :ivar skills: names, in stack order.
    :ivar frames: of each skill, its frame's position in the stack, 0 for the oldest.
    :ivar threshold: score above which the chain accepts a frame.
    """

    values: NDArray[np.float32]
    skills: tuple[str, ...]
    frames: tuple[int, ...]
    threshold: float

"""Whether an adapter's tensors are all there, of the right shapes, and finite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import MismatchError
from skillstack.models.targets import Shapes


def check_adapter(tensors: Mapping[str, NDArray[np.generic]], shapes: Shapes) -> None:
    """Compare an adapter's tensors with the names and shapes that a base wants, before anything is changed.

    :raises MismatchError: if a tensor is missing, unexpected, of another shape, no float, or not finite.
    """
    missing, unexpected = sorted(shapes.keys() - tensors.keys()), sorted(tensors.keys() - shapes.keys())
    if missing or unexpected:
        what = [f"{len(missing)} tensors are missing, such as {missing[0]}"] if missing else []
        what += [f"{len(unexpected)} are unexpected, such as {unexpected[0][:120]}"] if unexpected else []
        raise MismatchError(
            f"The adapter does not fit this base: {' and '.join(what)}.",
            "It was made for another base or for other layers.",
        )
    for name, shape in shapes.items():
        tensor = tensors[name]
        if tensor.shape != shape or tensor.dtype.kind != "f":
            raise MismatchError(
                f"The adapter's {name} is {tensor.dtype} of shape {tensor.shape}, not floats of {shape}.",
                "It was made for another base or rank.",
            )
        if not _finite(tensor):
            raise MismatchError(f"The adapter's {name} has a number that is not finite.", "It is damaged.")


def _finite(tensor: NDArray[Any]) -> bool:
    # A finite sum of squares proves it in a third of the time; it may overflow where numbers are huge.
    flat = tensor.reshape(-1)
    return bool(np.isfinite(np.vdot(flat, flat)) or np.isfinite(tensor).all())

"""The state of a training between two steps, as a checkpoint and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from skillstack.errors import IntegrityError, MismatchError
from skillstack.frames.records import Count
from skillstack.models.heads import Head
from skillstack.training.candidates import Candidate, Floats
from skillstack.training.checkpoint import Checkpoint
from skillstack.training.steps import Steps

_MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass(frozen=True, eq=False)
class State:
    """What a training knows besides its weights and the optimizer's moments.

    :ivar step: steps done, those that were skipped included.
    :ivar updates: steps that moved the weights.
    :ivar averaged: steps whose weights are in the average.
    :ivar average: mean weights, by name.
    :ivar best: the candidate that dev prefers so far.
    """

    step: int
    updates: int
    averaged: int
    average: Mapping[str, torch.Tensor]
    best: Candidate | None


def to_checkpoint(kept: State, current: Mapping[str, torch.nn.Parameter], steps: Steps) -> Checkpoint:
    """A checkpoint of all that the rest of a training depends on.

    :param current: what is trained, by name.
    :param steps: with optimizer and scaler.
    """
    tensors: dict[str, NDArray[np.generic]] = {}
    for name, tensor in current.items():
        tensors[f"weight/{name}"] = _array(tensor)
        moments = steps.optimizer.state.get(tensor, {})  # empty while fp16 finds its scale
        for moment in _MOMENTS:
            tensors[f"{moment}/{name}"] = _array(moments.get(moment, torch.zeros_like(tensor)))
    for name, average in kept.average.items():
        tensors[f"average/{name}"] = _array(average)
    best = kept.best
    state: dict[str, Any] = {"best": ""}
    if best is not None:
        state = {
            "best": best.name,
            "correct": best.dev.correct,
            "n": best.dev.n,
            "adapted": best.adapter is not None,
        }
        for name, array in (best.adapter or {}).items():
            tensors[f"best/{name}"] = array
        for name, array in best.head.tensors().items():
            tensors[f"best_head/{name}"] = array
    if steps.scaler.is_enabled():
        scaler = steps.scaler.state_dict()
        # A record holds whole numbers and texts; repr gives back every bit of a float.
        state["scaler"] = {"scale": repr(scaler["scale"]), "steps_since": scaler["_growth_tracker"]}
        state["updates"], state["averaged"] = kept.updates, kept.averaged
    return Checkpoint(kept.step, tensors, state)


def restore(
    found: Checkpoint, current: Mapping[str, torch.nn.Parameter], steps: Steps, average_from: int
) -> State:
    """Put a checkpoint's weights, moments and scale where they belong, and give the rest.

    :param average_from: first step, counted from 1, whose weights join the average.
    :raises MismatchError: if it is of another adapter.
    :raises IntegrityError: if a number in it is none.
    """
    _check_names(found, current)
    updates, averaged = _restore_scaler(found, steps, average_from)
    average: dict[str, torch.Tensor] = {}
    with torch.no_grad():
        for name, tensor in current.items():
            tensor.copy_(torch.tensor(found.tensors[f"weight/{name}"]))
            moments = {
                moment: torch.tensor(found.tensors[f"{moment}/{name}"], device=tensor.device)
                for moment in _MOMENTS
            }
            steps.optimizer.state[tensor] = {"step": torch.tensor(float(updates)), **moments}
            if averaged:
                average[name] = torch.tensor(found.tensors[f"average/{name}"], device=tensor.device)
    best_head = _part(found, "best_head/")
    best = Candidate(
        str(found.state["best"]),
        _part(found, "best/") if found.state["adapted"] else None,
        Head(best_head["weight"], best_head.get("bias")),
        Count(int(found.state["correct"]), int(found.state["n"])),
    )
    return State(found.step, updates, averaged, average, best)


def _restore_scaler(found: Checkpoint, steps: Steps, average_from: int) -> tuple[int, int]:
    """Set the scale; returns how many steps moved the weights, and how many of these are averaged."""
    kept = found.state.get("scaler")
    if kept is None or not steps.scaler.is_enabled():
        return found.step, max(0, found.step - average_from + 1)
    try:
        scale, since = float(kept["scale"]), int(kept["steps_since"])
        numbers = int(found.state["updates"]), int(found.state["averaged"])
    except (KeyError, TypeError, ValueError):
        numbers, scale, since = (-1, -1), 0.0, 0
    if not (0.0 < scale < float("inf")) or min(numbers) < 0:
        raise IntegrityError(
            "A checkpoint holds no gradient scale that could be one.",
            "Delete the folder `work` of the store to start this frame anew.",
        )
    steps.scaler.load_state_dict(steps.scaler.state_dict() | {"scale": scale, "_growth_tracker": since})
    return numbers


def _check_names(found: Checkpoint, current: Mapping[str, torch.Tensor]) -> None:
    for name, tensor in current.items():
        if found.tensors.get(f"weight/{name}", np.zeros(0)).shape != tuple(tensor.shape):
            raise MismatchError(
                "A checkpoint does not fit the adapter that is trained.",
                "Delete the folder `work` of the store to start this frame anew.",
            )


def _part(found: Checkpoint, prefix: str) -> dict[str, Floats]:
    return {
        name.removeprefix(prefix): array.astype(np.float32)
        for name, array in found.tensors.items()
        if name.startswith(prefix)
    }


def _array(tensor: torch.Tensor) -> NDArray[np.generic]:
    found: NDArray[np.generic] = tensor.detach().float().cpu().numpy().copy()
    return found

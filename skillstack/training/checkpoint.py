"""Checkpoints inside a frame's training: tensors first, then the sealed manifest that names them.

A crash leaves the old checkpoint or the new one; a resumed training ends with the same weights as one that
was never stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from skillstack.errors import IntegrityError, MismatchError
from skillstack.models.heads import Head
from skillstack.store import canonical, files, removal, tensors
from skillstack.store.canonical import is_digest, sha256
from skillstack.store.records import Count
from skillstack.training.candidates import FrameCandidate
from skillstack.training.encoded import Floats
from skillstack.training.steps import Steps

FORMAT = 1
_MANIFEST = "checkpoint.json"


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training between two steps.

    :ivar step: optimizer steps done.
    :ivar tensors: adapter, head, optimizer moments, averages and best candidate, by name.
    :ivar state: whole numbers and strings that go with them.
    """

    step: int
    tensors: Mapping[str, NDArray[np.generic]]
    state: Mapping[str, Any]


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint and drop the one before it.

    :raises StoreError: if the disk is full or another system error stops it; the old one stays.
    """
    data = tensors.dump(checkpoint.tensors)
    digest = sha256(data)
    files.write_file(folder / f"{digest}.safetensors", data)
    record = {"format": FORMAT, "step": checkpoint.step, "state": dict(checkpoint.state), "tensors": digest}
    files.write_file(folder / _MANIFEST, canonical.seal(record))
    for path in _files(folder):
        if path.name not in (_MANIFEST, f"{digest}.safetensors"):
            removal.remove_file(_above(folder), path)


def load(folder: Path) -> Checkpoint | None:
    """The checkpoint of a folder, or None where there is none.

    :raises IntegrityError: if it is damaged.
    """
    manifest = folder / _MANIFEST
    if not manifest.is_file():
        return None
    record = canonical.unseal(manifest.read_bytes(), what=str(manifest))
    digest = record.get("tensors")
    if record.get("format") != FORMAT or not is_digest(digest):
        raise IntegrityError(f"{manifest} is no checkpoint of this version.", f"Delete {folder}.")
    path = folder / f"{digest}.safetensors"
    data = path.read_bytes() if path.is_file() else b""
    if sha256(data) != digest:
        raise IntegrityError(
            f"{path} is missing or was altered.", f"Delete {folder} to start this frame anew."
        )
    return Checkpoint(int(record["step"]), tensors.load(data, what=str(path)), record["state"])


def clear(folder: Path) -> None:
    """Remove a finished training's checkpoints: the manifest first, so that no half of one is ever read.

    Files of other names stay, and so does all that lies behind a link.
    """
    removal.remove_file(_above(folder), folder / _MANIFEST)
    for path in _files(folder):
        removal.remove_file(_above(folder), path)
    removal.remove_empty(_above(folder), folder)


def _files(folder: Path) -> tuple[Path, ...]:
    return removal.find(folder, removal.KNOWN["work"][1:]).files


def _above(folder: Path) -> Path:
    """The store, in which checkpoints lie two folders down."""
    return folder.parent.parent


_MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass(frozen=True, eq=False)
class TrainingState:
    """The state of a training besides its weights and the optimizer's moments.

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
    best: FrameCandidate | None


def to_checkpoint(kept: TrainingState, current: Mapping[str, torch.nn.Parameter], steps: Steps) -> Checkpoint:
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
        if best.learned_head is not None:
            for name, array in best.learned_head.tensors().items():
                tensors[f"best_head/{name}"] = array
    if steps.scaler.is_enabled():
        scaler = steps.scaler.state_dict()
        # A record holds whole numbers and texts; repr gives back every bit of a float.
        state["scaler"] = {"scale": repr(scaler["scale"]), "steps_since": scaler["_growth_tracker"]}
        state["updates"], state["averaged"] = kept.updates, kept.averaged
    return Checkpoint(kept.step, tensors, state)


def restore(
    found: Checkpoint, current: Mapping[str, torch.nn.Parameter], steps: Steps, average_from: int
) -> TrainingState:
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
    return TrainingState(found.step, updates, averaged, average, _best(found))


def _best(found: Checkpoint) -> FrameCandidate | None:
    if not found.state["best"]:
        return None
    head = _part(found, "best_head/")
    return FrameCandidate(
        str(found.state["best"]),
        _part(found, "best/") if found.state["adapted"] else None,
        Head(head["weight"], head.get("bias")) if head else None,
        Count(int(found.state["correct"]), int(found.state["n"])),
    )


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

"""Router states on disk: ``state.json`` and ``state.safetensors``, in a folder of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import IntegrityError, StoreError
from skillstack.frames import atomic, sealed, tensors
from skillstack.frames.digests import sha256
from skillstack.routers.calibration import Calibration
from skillstack.routers.features import BUCKETS, SPEC
from skillstack.routers.fitting import RouterState
from skillstack.routers.rounding import combine, split
from skillstack.routers.svm import LinearModel
from skillstack.routers.weighting import Weighting

RECORD = "state.json"
TENSORS = "state.safetensors"
#: Raise with every change of the two files; keep the old reader beside the new one, or refit.
FORMAT = 1

_HINT = "Delete the folder; the state is fitted again from the samples."
_MAX_BYTES = 1 << 30


def save(folder: Path, state: RouterState) -> None:
    """Write the state into this folder, tensors first, so that a record never names what is not there.

    :raises StoreError: if the disk refuses.
    """
    data = tensors.dump(_to_tensors(state))
    atomic.write_file(folder / TENSORS, data)
    atomic.write_file(folder / RECORD, sealed.seal(_to_record(state, sha256(data))))


def load(folder: Path, expected_digest: str) -> RouterState:
    """The state in this folder.

    :param expected_digest: `state_digest` of what it must have been fitted on.
    :raises IntegrityError: if a file is missing or was altered, or the state follows from something else.
    :raises StoreError: if a newer version wrote it.
    """
    record = sealed.unseal(_read(folder / RECORD), what=f"The router state {folder / RECORD}")
    if type(record.get("format")) is int and record["format"] > FORMAT:
        raise StoreError(f"The router state in {folder} has a newer format.", "Update skillstack.")
    if record.get("inputs") != expected_digest:
        raise IntegrityError(f"The router state in {folder} belongs to another stack.", _HINT)
    data = _read(folder / TENSORS)
    if sha256(data) != record.get("tensors"):
        raise IntegrityError(f"{folder / TENSORS} is not what its record promises.", _HINT)
    arrays = tensors.load(data, what=str(folder / TENSORS))
    try:
        return _from_files(record, arrays)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise IntegrityError(f"The router state in {folder} does not fit together: {error}.", _HINT) from None


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise IntegrityError(f"{path} is too large for a router state.", _HINT)
        return path.read_bytes()
    except FileNotFoundError:
        raise IntegrityError(f"{path} is missing.", _HINT) from None
    except OSError as error:
        raise StoreError(f"Cannot read {path}: {error.strerror}.", "Check its permissions.") from error


def _to_record(state: RouterState, digest: str) -> dict[str, object]:
    weighting, calibration = state.model.weighting, state.calibration
    return {
        "calibrated": calibration.calibrated,
        "features": SPEC,
        "flags": repr(weighting.flags),
        "format": FORMAT,
        "inputs": state.inputs,
        "out_of_fold": {"correct": calibration.correct, "n": calibration.n},
        "rows": weighting.rows,
        "skills": [{"frame": f, "name": s} for s, f in zip(state.skills, state.frames, strict=True)],
        "temperature": repr(calibration.temperature),
        "tensors": digest,
        "threshold": repr(calibration.threshold),
        "words": repr(weighting.words),
    }


def _to_tensors(state: RouterState) -> dict[str, NDArray[np.generic]]:
    model = state.model
    seen = np.zeros(BUCKETS, dtype=np.bool_)
    seen[model.weighting.buckets] = True
    whole, exponents = split(model.coefficients)
    small = model.weighting.rows <= np.iinfo(np.uint16).max
    return {
        # One bit per bucket, lowest bit first: shorter than a list of the buckets.
        "buckets": np.packbits(seen, bitorder="little"),
        "coefficients": whole,
        "exponents": exponents,
        "frequencies": model.weighting.frequencies.astype(np.uint16 if small else np.uint32),
        "intercepts": model.intercepts,
    }


def _from_files(record: dict[str, Any], arrays: dict[str, NDArray[np.generic]]) -> RouterState:
    if record["format"] != FORMAT or record["features"] != SPEC:
        raise ValueError("unknown features or format")
    skills = tuple(str(s["name"]) for s in record["skills"])
    bits, coefficients = arrays["buckets"], arrays["coefficients"]
    if bits.dtype != np.uint8 or bits.shape != ((BUCKETS + 7) // 8,):
        raise ValueError("the buckets have another dtype or shape")
    seen = np.unpackbits(bits.view(np.uint8), count=BUCKETS, bitorder="little")
    buckets = np.flatnonzero(seen.view(np.bool_))
    if coefficients.dtype != np.int16 or coefficients.shape != (len(buckets), len(skills)) or not skills:
        raise ValueError("the coefficients have another dtype or shape")
    exponents = arrays["exponents"]
    if exponents.dtype != np.int8 or exponents.shape != (len(buckets),):
        raise ValueError("the exponents have another dtype or shape")
    intercepts, frequencies = arrays["intercepts"], arrays["frequencies"]
    if intercepts.dtype != np.float32 or intercepts.shape != (len(skills),):
        raise ValueError("the intercepts have another dtype or shape")
    if frequencies.dtype.kind != "u" or frequencies.shape != (len(buckets),):
        raise ValueError("the frequencies have another dtype or shape")
    weighting = Weighting(
        int(record["rows"]),
        buckets.astype(np.uint32),
        frequencies.astype(np.uint32),
        float(record["words"]),
        float(record["flags"]),
    )
    accuracy = record["out_of_fold"]
    calibration = Calibration(
        bool(record["calibrated"]),
        float(record["temperature"]),
        float(record["threshold"]),
        int(accuracy["correct"]),
        int(accuracy["n"]),
    )
    coefficients = combine(coefficients.astype(np.int16), exponents.astype(np.int8))
    model = LinearModel(weighting, coefficients, intercepts.astype(np.float32))
    frames = tuple(int(s["frame"]) for s in record["skills"])
    return RouterState(str(record["inputs"]), skills, frames, model, calibration)

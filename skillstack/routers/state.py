"""The state that `hybrid_svm` and `hybrid_chain` share: how it is fitted, and its two files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import IntegrityError, StoreError
from skillstack.routers.base import (
    RECORD,
    REFIT,
    TENSORS,
    Parameters,
    SkillSamples,
    check_samples,
    read_state,
    read_state_file,
)
from skillstack.routers.blocks import BlockFile, StoredCoefficients, block_digests, combine, split
from skillstack.routers.calibration import RouterCalibration, Usual, calibrate
from skillstack.routers.features import BUCKETS, SPEC
from skillstack.routers.svm import Coefficients, LinearModel, TrainingSet, Weighting, alphabetical, fit_linear
from skillstack.store import canonical, tensors
from skillstack.store.canonical import sha256

#: Raise when the fit itself changes, so that states of an older fit are not taken for its own.
FIT = 4
#: Older fits, the newest first. Their states serve stacks whose texts are gone, which cannot be fitted anew.
OLDER_FITS = (3, 2)

#: Raise with every change of the two files; keep the old reader beside the new one, or refit.
FORMAT = 1

#: Bytes from which a file is read in parts. Most states are far smaller, and faster when read at once.
_LARGE = 32 << 20


@dataclass(frozen=True)
class RouterState:
    """A fitted router: what `hybrid_svm` and `hybrid_chain` both need.

    :ivar inputs: `state_digest` of what it was fitted on.
    :ivar skills: names in stack order, oldest to newest.
    :ivar frames: position of each skill's frame.
    :ivar model: the linear scores, columns in that order.
    :ivar calibration: what out-of-fold scores taught.
    """

    inputs: str
    skills: tuple[str, ...]
    frames: tuple[int, ...]
    model: LinearModel
    calibration: RouterCalibration


def state_digest(
    contents: Iterable[tuple[str, str, int]], parameters: Parameters | None = None, *, fit: int = FIT
) -> str:
    """SHA-256 (hex) of what a state follows from: it names the state before it is fitted.

    :param contents: of each skill in stack order its name, the digest of its samples as the store keeps them,
        and the position of its frame.
    :param fit: which fit it is of.
    """
    record = {
        "contents": [[skill, samples, frame] for skill, samples, frame in contents],
        "features": SPEC,
        "fit": fit,
        "parameters": (parameters or Parameters()).to_json(),
    }
    return sha256(canonical.dumps(record))


def fit_state(
    samples: Sequence[SkillSamples], parameters: Parameters | None = None, inputs: str | None = None
) -> RouterState:
    """Fit a router; the order of the rows within a skill does not matter.

    :param inputs: `state_digest` of these samples, where the caller knows the digests the store has for them;
        otherwise the digests of the hashed rows are taken.
    :raises UsageError: if there are no samples, a name occurs twice, or the order is not a stack's.
    """
    samples = check_samples(samples)
    parameters = parameters or Parameters()
    if inputs is None:
        inputs = state_digest(((s.skill, s.rows.digest(), s.frame) for s in samples), parameters)
    training = TrainingSet.of(samples)
    order, frames = alphabetical(samples), tuple(s.frame for s in samples)
    model = fit_linear(training, len(samples), parameters)
    coefficients = np.ascontiguousarray(np.asarray(model.coefficients)[:, order])
    in_stack_order = LinearModel(model.weighting, coefficients, model.intercepts[order])
    calibration = calibrate(training, order, frames, parameters)
    return RouterState(inputs, tuple(s.skill for s in samples), frames, in_stack_order, calibration)


def encode(state: RouterState) -> dict[str, bytes]:
    """The two files of a state by their names, tensors first."""
    data = tensors.dump(_to_tensors(state))
    record = _to_record(state, sha256(data))
    if len(data) > _LARGE:
        record["blocks"] = block_digests(data)
    return {TENSORS: data, RECORD: canonical.seal(record)}


def load(folder: Path, expected_digest: str) -> RouterState:
    """The state in this folder.

    :param expected_digest: `state_digest` of what it must have been fitted on.
    :raises IntegrityError: if a file is missing or was altered, or the state follows from something else.
    :raises StoreError: if a newer version wrote it.
    """
    record = _unsealed(read_state_file(folder / RECORD), expected_digest, str(folder))
    if "blocks" in record:
        return _assembled(record, *_mapped(folder / TENSORS, record), str(folder))
    return decode(read_state(folder), expected_digest, what=str(folder))


def decode(files: Mapping[str, bytes], expected_digest: str, *, what: str) -> RouterState:
    """The state of these files.

    :param files: the bytes of both by their names.
    :param what: names their folder in errors.
    :raises IntegrityError: if they were altered, or the state follows from something else.
    :raises StoreError: if a newer version wrote it.
    """
    if TENSORS not in files:
        raise IntegrityError(f"{what}/{TENSORS} is missing.", REFIT)
    record, data = _unsealed(files[RECORD], expected_digest, what), files[TENSORS]
    if sha256(data) != record.get("tensors"):
        raise IntegrityError(f"{what}/{TENSORS} is not what its record promises.", REFIT)
    return _assembled(record, tensors.load(data, what=f"{what}/{TENSORS}"), None, what)


def _unsealed(data: bytes, expected_digest: str, what: str) -> dict[str, Any]:
    record = canonical.unseal(data, what=f"The router state {what}/{RECORD}")
    if type(record.get("format")) is int and record["format"] > FORMAT:
        raise StoreError(f"The router state in {what} has a newer format.", "Update skillstack.")
    if record.get("inputs") != expected_digest:
        raise IntegrityError(f"The router state in {what} belongs to another stack.", REFIT)
    return record


def _mapped(path: Path, record: dict[str, Any]) -> tuple[dict[str, NDArray[np.generic]], BlockFile]:
    """The tensors of a large file, all but the coefficients proved."""
    try:
        file = BlockFile(path, str(record["blocks"]))
    except FileNotFoundError:
        raise IntegrityError(f"{path} is missing.", REFIT) from None
    except (OSError, ValueError) as error:
        raise IntegrityError(f"{path} cannot be read: {error}.", REFIT) from None
    file.prove(np.zeros(1, np.int64), min(len(file.data), tensors.header_bytes(file.data, what=str(path))))
    arrays = tensors.load(file.data, what=str(path))
    for name, array in arrays.items():
        if name != "coefficients":
            file.prove(np.array([file.offset(array)]), array.nbytes)
    return arrays, file


def _assembled(
    record: dict[str, Any], arrays: dict[str, NDArray[np.generic]], file: BlockFile | None, what: str
) -> RouterState:
    try:
        return _from_files(record, arrays, file)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise IntegrityError(f"The router state in {what} does not fit together: {error}.", REFIT) from None


def _to_record(state: RouterState, digest: str) -> dict[str, object]:
    weighting, calibration = state.model.weighting, state.calibration
    return {
        "calibrated": calibration.calibrated,
        "features": SPEC,
        "flags": repr(weighting.flags),
        "format": FORMAT,
        "inputs": state.inputs,
        "out_of_fold": {
            "correct": calibration.correct,
            "n": calibration.n,
            **({} if calibration.lost is None else {"lost": [list(entry) for entry in calibration.lost]}),
        },
        "rows": weighting.rows,
        "skills": [{"frame": f, "name": s} for s, f in zip(state.skills, state.frames, strict=True)],
        "temperature": repr(calibration.temperature),
        "tensors": digest,
        "threshold": repr(calibration.threshold),
        "usual": {
            name: {"lowest": repr(usual.lowest), "median": repr(usual.median)}
            for name, usual in (("familiarity", calibration.familiarity), ("score", calibration.score))
            if usual is not None
        },
        "words": repr(weighting.words),
    }


def _to_tensors(state: RouterState) -> dict[str, NDArray[np.generic]]:
    model = state.model
    seen = np.zeros(BUCKETS, dtype=np.bool_)
    seen[model.weighting.buckets] = True
    whole, exponents = split(np.asarray(model.coefficients))
    small = model.weighting.rows <= np.iinfo(np.uint16).max
    return {
        # One bit per bucket, lowest bit first: shorter than a list of the buckets.
        "buckets": np.packbits(seen, bitorder="little"),
        "coefficients": whole,
        "exponents": exponents,
        "frequencies": model.weighting.frequencies.astype(np.uint16 if small else np.uint32),
        "intercepts": model.intercepts,
    }


def _from_files(
    record: dict[str, Any], arrays: dict[str, NDArray[np.generic]], file: BlockFile | None
) -> RouterState:
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
    calibration = RouterCalibration(
        bool(record["calibrated"]),
        float(record["temperature"]),
        float(record["threshold"]),
        int(accuracy["correct"]),
        int(accuracy["n"]),
        _lost(accuracy["lost"], len(skills)) if "lost" in accuracy else None,
        # States of older fits have neither, so their confidence is the softmax alone.
        **{name: _usual(entry) for name, entry in record.get("usual", {}).items()},
    )
    rows: Coefficients
    if file is None:
        rows = combine(coefficients.astype(np.int16), exponents.astype(np.int8))
    else:
        shape = (len(buckets), len(skills))
        rows = StoredCoefficients(file, file.offset(coefficients), shape, exponents.astype(np.int8))
    model = LinearModel(weighting, rows, intercepts.astype(np.float32))
    frames = tuple(int(s["frame"]) for s in record["skills"])
    return RouterState(str(record["inputs"]), skills, frames, model, calibration)


def _lost(entries: Any, skills: int) -> tuple[tuple[int, int, int], ...]:
    found = tuple((int(own), int(other), int(rows)) for own, other, rows in entries)
    if any(not (0 <= own < skills and 0 <= other < skills and rows > 0) for own, other, rows in found):
        raise ValueError("the rows lost to other skills name skills that there are not")
    return found


def _usual(entry: Any) -> Usual:
    usual = Usual(float(entry["lowest"]), float(entry["median"]))
    if not -math.inf < usual.lowest <= usual.median < math.inf:
        raise ValueError("the usual values of a figure are no numbers in order")
    return usual

"""From samples to a router state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from skillstack.frames import canonical
from skillstack.frames.digests import sha256
from skillstack.routers.calibration import Calibration, calibrate
from skillstack.routers.features import SPEC
from skillstack.routers.parameters import Parameters
from skillstack.routers.samples import SkillSamples, check_samples
from skillstack.routers.svm import LinearModel, TrainingSet, alphabetical, fit_linear

#: Raise when the fit itself changes, so that states of an older fit are not taken for its own.
FIT = 2


@dataclass(frozen=True)
class RouterState:
    """A fitted router: what `hybrid_svm` and `hybrid_chain` both need.

    :ivar inputs: `state_digest` of what it was fitted on.
    :ivar skills: names in stack order, oldest to newest.
    :ivar frames: position of each skill's frame.
    :ivar model: the linear scores, columns in that order.
    :ivar calibration: temperature, threshold, and out-of-fold accuracy.
    """

    inputs: str
    skills: tuple[str, ...]
    frames: tuple[int, ...]
    model: LinearModel
    calibration: Calibration


def state_digest(contents: Iterable[tuple[str, str, int]], parameters: Parameters | None = None) -> str:
    """SHA-256 (hex) of what a state follows from: it names the state before it is fitted.

    :param contents: of each skill in stack order its name, the digest of its samples as the store keeps them,
        and the position of its frame.
    """
    record = {
        "contents": [[skill, samples, frame] for skill, samples, frame in contents],
        "features": SPEC,
        "fit": FIT,
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

"""Whether the names of a base and a device can be meant, without loading either (nor torch)."""

from __future__ import annotations

from skillstack.errors import MismatchError, UsageError
from skillstack.frames.records import BaseIdentity

#: Where a base may be held.
DEVICES = ("auto", "cpu", "cuda")


def check_device(device: str) -> str:
    """The name of a device, if it is one; whether the device is here is not looked at.

    :raises UsageError: if it is not.
    """
    if device not in DEVICES:
        raise UsageError(f"There is no device {device[:80]!r}.", f"Known: {', '.join(DEVICES)}.")
    return device


def check_model(expected: BaseIdentity, model: str) -> None:
    """Whether this model has the weights of the expected one; they are read as bytes, once.

    The name by which the expected one is known is believed. The tokenizer is compared when the base is
    loaded.

    :raises UsageError: if the name cannot be meant.
    :raises MissingError: if the model is not here.
    :raises MismatchError: if it is another one.
    """
    from skillstack.models import sources
    from skillstack.models.identity import describe, weights_fingerprint

    if model == expected.name:
        return
    source = sources.find(model)
    weights = source.weights or weights_fingerprint(source.folder)
    if weights != expected.weights:
        raise MismatchError(
            f"These frames belong to another base (the weights differ): {describe(expected)} expected, "
            f"{source.name} (weights {weights[:12]}) found.",
            f"Load {expected.name}{f' at revision {expected.revision}' if expected.revision else ''}, or "
            "leave --model out.",
        )

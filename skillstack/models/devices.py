"""What a device can do, and what follows from it: precision, arithmetic, mixed precision, checkpointing.

The rules are pure functions of a described device, so that they can be asked about any card from any machine.
Each answers with its reason in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch


Arithmetic = Literal["fp32", "bf16", "fp16"]

#: From here on NVIDIA's cards compute in bfloat16; older ones imitate it, several times slower.
BF16_FROM = (8, 0)

#: From here on bitsandbytes has four-bit kernels (its installation guide, version 0.48).
NF4_FROM = (6, 0)

#: Cards of these capabilities compute in fp16 at a 64th to a 128th of the speed of fp32 (CUDA C++ Programming
#: Guide, arithmetic instructions): Maxwell, the GTX 10 series, P4 and P40. The P100 (6.0) is not among them.
SLOW_FP16 = ((5, 0), (5, 2), (6, 1))

#: Parameters from which recomputing a layer's states is worth its time.
CHECKPOINTING_FROM = 1_000_000_000


@dataclass(frozen=True)
class Device:
    """A device, as far as the rules ask.

    :ivar kind: ``cpu`` or ``cuda``.
    :ivar name: what it calls itself.
    :ivar capability: CUDA's compute capability, or None.
    :ivar memory: bytes; 0 where that is unknown.
    :ivar built_for: capabilities that this torch was compiled for; empty where that is unknown.
    """

    kind: str
    name: str = ""
    capability: tuple[int, int] | None = None
    memory: int = 0
    built_for: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class DeviceChoice:
    """What is chosen, and why.

    :ivar value: the choice.
    :ivar reason: one sentence.
    """

    value: str
    reason: str


@dataclass(frozen=True)
class Rules:
    """All that follows from a device for one kind of base.

    :ivar precision: how the base is held: ``fp32``, ``bf16``, ``fp16`` or ``nf4``.
    :ivar arithmetic: in what its layers compute: ``fp32``, ``bf16`` or ``fp16``.
    :ivar mixed: ``fp16`` where a gradient scaler is needed, else ``no``. Adapters and heads are fp32 always.
    :ivar checkpointing: ``on`` or ``off``.
    """

    precision: DeviceChoice
    arithmetic: DeviceChoice
    mixed: DeviceChoice
    checkpointing: DeviceChoice


def rules(device: Device, kind: str, *, parameters: int = 0, precision: str | None = None) -> Rules:
    """What is chosen for a base on a device.

    :param kind: ``encoder`` or ``decoder``.
    :param parameters: of the base; 0 where that is unknown.
    :param precision: what a person asked for instead of the rule.
    """
    held = DeviceChoice(precision, "It was asked for.") if precision else precision_for(device, kind)
    computed = _computed(device, held.value)
    return Rules(held, computed, mixed_for(computed.value), checkpointing_for(device, parameters))


def precision_for(device: Device, kind: str) -> DeviceChoice:
    """How a base is held on a device."""
    if device.kind != "cuda":
        return DeviceChoice("fp32", "On a CPU fp32 is as fast as anything else, and the same everywhere.")
    if kind == "encoder":
        return DeviceChoice("fp32", "Encoders are small, and exact in fp32.")
    if device.capability is not None and device.capability < NF4_FROM:
        return DeviceChoice("fp32", f"{_card(device)} is older than the four-bit kernels, which need 6.0.")
    return DeviceChoice("nf4", "Four bits leave the GPU's memory to longer texts and larger models.")


def arithmetic_for(device: Device) -> DeviceChoice:
    """In what a base of less than 32 bits computes on a device."""
    if device.kind != "cuda" or device.capability is None:
        return DeviceChoice("fp32", "A CPU computes in fp32.")
    if device.capability >= BF16_FROM:
        return DeviceChoice("bf16", f"{_card(device)} computes in bf16, whose range needs no scaler.")
    if device.capability in SLOW_FP16:
        return DeviceChoice("fp32", f"{_card(device)} has no bf16, and fp16 at a small part of its speed.")
    return DeviceChoice("fp16", f"{_card(device)} has no bf16; fp16 is its fast format.")


def mixed_for(arithmetic: str) -> DeviceChoice:
    """Whether gradients need a scaler."""
    if arithmetic == "fp16":
        return DeviceChoice(
            "fp16", "Gradients in fp16 vanish without a scaler; adapters and heads stay in fp32."
        )
    return DeviceChoice("no", f"The range of {arithmetic} holds every gradient.")


def checkpointing_for(device: Device, parameters: int) -> DeviceChoice:
    """Whether the states inside adapted layers are computed again for the gradients instead of kept."""
    if device.kind != "cuda":
        return DeviceChoice("off", "A CPU has more memory than speed.")
    if parameters < CHECKPOINTING_FROM:
        return DeviceChoice("off", "The base has fewer than a billion parameters, so its states fit.")
    return DeviceChoice("on", "The base has a billion parameters or more; its states would fill the GPU.")


def trouble(device: Device) -> str:
    """One sentence of why this torch cannot use the device, or an empty text."""
    capability = device.capability
    if device.kind != "cuda" or capability is None or not device.built_for:
        return ""
    # Code for one capability runs on later ones of the same generation, as NVIDIA promises.
    if any(built[0] == capability[0] and built <= capability for built in device.built_for):
        return ""
    if max(device.built_for) < capability:
        return ""  # later generations translate the newest code when they first run it
    return f"This torch holds no code for {_card(device)}; install a build for an older CUDA."


def describe(place: torch.device) -> Device:
    """The device of this machine that torch names so."""
    import torch

    if place.type != "cuda":
        return Device(place.type)
    found = torch.cuda.get_device_properties(place)
    names = [name.removeprefix("sm_") for name in torch.cuda.get_arch_list() if name.startswith("sm_")]
    built = tuple((int(name[:-1]), int(name[-1])) for name in names if name.isdigit())
    return Device("cuda", found.name, (found.major, found.minor), found.total_memory, built)


def _computed(device: Device, precision: str) -> DeviceChoice:
    if precision == "nf4":
        return arithmetic_for(device)
    return DeviceChoice(precision, "It computes in what it is held in.")


def _card(device: Device) -> str:
    name = device.name or "This GPU"
    return (
        name if device.capability is None else f"{name} (capability {'.'.join(map(str, device.capability))})"
    )

"""What is chosen for a card follows from what it can do, and the reason is said."""

import pytest
import torch

from skillstack.models import devices
from skillstack.models.devices import Device, describe, rules, trouble

GB = 1 << 30
CPU = Device("cpu")
P100 = Device("cuda", "Tesla P100-PCIE-16GB", (6, 0), 16 * GB)
P40 = Device("cuda", "Tesla P40", (6, 1), 24 * GB)
T4 = Device("cuda", "Tesla T4", (7, 5), 15 * GB)
L4 = Device("cuda", "NVIDIA L4", (8, 9), 22 * GB)
A100 = Device("cuda", "NVIDIA A100-SXM4-40GB", (8, 0), 40 * GB)
H100 = Device("cuda", "NVIDIA H100 80GB HBM3", (9, 0), 80 * GB)
K80 = Device("cuda", "Tesla K80", (3, 7), 12 * GB)
LLAMA_1B = 1_235_814_400


@pytest.mark.parametrize(
    ("device", "precision", "arithmetic", "mixed", "checkpointing"),
    [
        (CPU, "fp32", "fp32", "no", "off"),
        (P100, "nf4", "fp16", "fp16", "on"),
        (P40, "nf4", "fp32", "no", "on"),
        (T4, "nf4", "fp16", "fp16", "on"),
        (L4, "nf4", "bf16", "no", "on"),
        (A100, "nf4", "bf16", "no", "on"),
        (H100, "nf4", "bf16", "no", "on"),
        (K80, "fp32", "fp32", "no", "on"),
    ],
)
def test_a_language_model_of_a_billion_parameters(device, precision, arithmetic, mixed, checkpointing):
    found = rules(device, "decoder", parameters=LLAMA_1B)
    assert found.precision.value == precision
    assert found.arithmetic.value == arithmetic
    assert found.mixed.value == mixed
    assert found.checkpointing.value == checkpointing


@pytest.mark.parametrize("device", [CPU, P100, P40, T4, L4, A100, H100, K80])
def test_encoders_are_fp32_everywhere_and_never_scaled(device):
    found = rules(device, "encoder", parameters=22_000_000)
    values = (found.precision.value, found.arithmetic.value, found.mixed.value, found.checkpointing.value)
    assert values == ("fp32", "fp32", "no", "off")


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
@pytest.mark.parametrize("device", [CPU, P100, P40, T4, L4, A100, H100])
def test_every_choice_has_a_reason_of_one_sentence(device, kind):
    found = rules(device, kind, parameters=LLAMA_1B)
    for choice in (found.precision, found.arithmetic, found.mixed, found.checkpointing):
        assert choice.reason.endswith(".")
        assert choice.reason[0].isupper()
        assert "\n" not in choice.reason
    if device.kind == "cuda" and kind == "decoder":
        assert device.name in found.arithmetic.reason


def test_what_a_person_asks_for_is_held_and_its_arithmetic_follows():
    found = rules(T4, "decoder", precision="bf16")
    assert (found.precision.value, found.arithmetic.value, found.mixed.value) == ("bf16", "bf16", "no")
    assert rules(A100, "decoder", precision="fp16").mixed.value == "fp16"


def test_a_torch_without_code_for_the_card_is_named_and_a_newer_card_is_not():
    built = ((7, 5), (8, 0), (9, 0))
    old = Device("cuda", "Tesla P100", (6, 0), 16 * GB, built)
    assert "Tesla P100 (capability 6.0)" in trouble(old)
    assert "CUDA" in trouble(old)
    for name, capability in (("T4", (7, 5)), ("L4", (8, 9)), ("B200", (10, 0))):
        assert trouble(Device("cuda", name, capability, GB, built)) == ""
    assert trouble(CPU) == trouble(P100) == ""  # nothing is known about its torch


def test_this_machines_device_is_described():
    assert describe(torch.device("cpu")) == Device("cpu")
    if torch.cuda.is_available():
        found = describe(torch.device("cuda"))
        assert found.kind == "cuda"
        assert found.capability == torch.cuda.get_device_capability()
        assert found.memory > GB
        assert devices.trouble(found) == ""

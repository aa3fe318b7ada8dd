"""An adapter's shape is possible, and its scaling is LoRA's or rsLoRA's."""

import pytest

from skillstack.errors import UsageError
from skillstack.models.lora import DEFAULT_TARGETS, LoraSpec, default_targets


def test_scaling():
    assert LoraSpec(16, 32, 0.0, ("query",), 0).scaling == 2.0
    assert LoraSpec(16, 32, 0.0, ("query",), 0, rslora=True).scaling == 8.0


@pytest.mark.parametrize(
    "numbers",
    [(0, 8, 0.0, ("a",), 0), (4, 0, 0.0, ("a",), 0), (4, 8, 1.0, ("a",), 0), (4, 8, 0.0, ("a",), -1)],
)
def test_impossible_numbers_are_refused(numbers):
    with pytest.raises(UsageError):
        LoraSpec(*numbers)


def test_what_the_layers_are_called_depends_on_the_architecture():
    assert default_targets("encoder", "bert") == DEFAULT_TARGETS["encoder"]
    assert default_targets("decoder", "llama") == DEFAULT_TARGETS["decoder"]
    assert "attn.q" in default_targets("encoder", "mpnet")


def test_an_adapter_needs_a_place():
    with pytest.raises(UsageError, match="target"):
        LoraSpec(4, 8, 0.0, (), 0)

"""Linear layers through oneDNN give what torch's own give, and nothing else about a model changes."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from transformers import BertConfig, BertModel

from skillstack.models import loading
from skillstack.models.loading import OneDnnLinear, use_fast_kernels

needs_onednn = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="this torch was built without oneDNN"
)
pytestmark = needs_onednn


@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    inner=st.integers(1, 70),
    outer=st.integers(1, 70),
    bias=st.booleans(),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=60)
def test_values_and_gradients_are_those_of_a_plain_layer(shape, inner, outer, bias, seed):
    torch.manual_seed(seed)
    plain = nn.Linear(inner, outer, bias=bias).requires_grad_(False)
    fast = OneDnnLinear.over(plain)
    rows = torch.randn(*shape, inner)
    one, other = rows.clone().requires_grad_(), rows.clone().requires_grad_()
    wanted, found = plain(one), fast(other)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
    weights = torch.randn_like(wanted)
    (wanted * weights).sum().backward()
    (found * weights).sum().backward()
    torch.testing.assert_close(other.grad, one.grad, rtol=1e-4, atol=1e-5)
    assert fast.weight.grad is None


def test_strided_and_empty_inputs_pass():
    fast = OneDnnLinear.over(nn.Linear(6, 4).requires_grad_(False))
    turned = torch.randn(3, 5, 6).transpose(0, 1)
    torch.testing.assert_close(fast(turned), nn.functional.linear(turned, fast.weight, fast.bias))
    assert fast(torch.empty(0, 6)).shape == (0, 4)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_numbers_go_the_usual_way(dtype):
    fast = OneDnnLinear.over(nn.Linear(6, 4, dtype=dtype).requires_grad_(False))
    rows = torch.randn(3, 6, dtype=dtype)
    assert torch.equal(fast(rows), nn.functional.linear(rows, fast.weight, fast.bias))


def test_a_layer_that_is_trained_gets_its_gradients():
    fast = OneDnnLinear.over(nn.Linear(6, 4))
    fast(torch.randn(3, 6)).sum().backward()
    assert fast.weight.grad is not None


def test_a_bias_alone_that_is_trained_gets_its_gradients():
    fast = OneDnnLinear.over(nn.Linear(6, 4))
    fast.weight.requires_grad_(False)
    fast(torch.randn(3, 6)).sum().backward()
    assert torch.equal(fast.bias.grad, torch.full((4,), 3.0))


def test_a_weight_without_numbers_is_an_error_and_no_answer():
    fast = OneDnnLinear.over(nn.Linear(6, 4, device="meta").requires_grad_(False))
    with pytest.raises((RuntimeError, NotImplementedError)):
        fast(torch.randn(3, 6)).sum().item()


def test_a_model_keeps_names_tensors_and_answers(monkeypatch):
    monkeypatch.setattr(loading, "onednn_is_faster", lambda: True)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=50, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    model = BertModel(config, add_pooling_layer=False).eval().requires_grad_(False)
    before = copy.deepcopy(model)
    pointers = {name: value.data_ptr() for name, value in model.state_dict().items()}
    assert use_fast_kernels(model) == 12
    assert {name: value.data_ptr() for name, value in model.state_dict().items()} == pointers
    ids = torch.randint(0, 50, (4, 9))
    torch.testing.assert_close(
        model(input_ids=ids).last_hidden_state, before(input_ids=ids).last_hidden_state, rtol=1e-4, atol=1e-5
    )


def test_half_precision_models_are_left_alone(monkeypatch):
    monkeypatch.setattr(loading, "onednn_is_faster", lambda: True)
    model = nn.Sequential(nn.Linear(4, 4, dtype=torch.bfloat16))
    assert use_fast_kernels(model) == 0


def test_processors_of_intel_keep_mkl(monkeypatch):
    monkeypatch.setattr(loading, "_processor", lambda: "vendor_id\t: GenuineIntel")
    assert not loading.onednn_is_faster.__wrapped__()


def test_a_torch_without_the_operator_is_left_alone(monkeypatch):
    def gone(*_):
        raise AttributeError("no such operator")

    monkeypatch.setattr(loading, "_processor", lambda: "vendor_id\t: AuthenticAMD")
    monkeypatch.setattr(loading, "_linear", gone)
    assert not loading.onednn_is_faster.__wrapped__()

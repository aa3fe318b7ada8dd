"""Where PEFT's own merge is right, that is with SVD on plain scaling, ours is the same."""

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import BertConfig, BertModel

from skillstack.compression.deltas import Adapter
from skillstack.compression.merging import merge_adapters
from skillstack.models.lora import LoraSpec

from .adapters import close, updates


def peft_model(ranks: dict[str, int]):
    """A small encoder with random adapters of these ranks, as PEFT keeps them."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=30, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2
    )
    model = BertModel(config)
    for number, (name, rank) in enumerate(ranks.items()):
        lora = LoraConfig(
            r=rank, lora_alpha=6 + number, target_modules=["query", "value", "output.dense"], lora_dropout=0.0
        )
        if number:
            model.add_adapter(name, lora)
        else:
            model = get_peft_model(model, lora, adapter_name=name)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    return model


def our_members(model, ranks):
    """The same adapters as tensors and shapes."""
    found = []
    for name in ranks:
        config = model.peft_config[name]
        tensors = {
            key.replace(f".{name}.weight", ".weight"): value.detach().numpy()
            for key, value in model.named_parameters()
            if f".{name}.weight" in key
        }
        targets = ("query", "value", "output.dense")
        found.append(Adapter(tensors, LoraSpec(config.r, config.lora_alpha, 0.0, targets, 0)))
    return found


def peft_updates(model, name: str) -> dict[str, np.ndarray]:
    """What one of PEFT's adapters adds to each layer."""
    return {
        key: module.get_delta_weight(name).detach().numpy()
        for key, module in model.named_modules()
        if hasattr(module, "get_delta_weight")
    }


@pytest.mark.parametrize("ranks", [{"one": 3, "two": 3}, {"one": 2, "two": 5}])
@pytest.mark.parametrize("weights", [[0.7, 0.3], [1.0, -0.5]])
def test_the_weighted_sum_cut_to_a_rank_is_the_same(ranks, weights):
    model = peft_model(ranks)
    model.add_weighted_adapter(list(ranks), weights, "merged", combination_type="svd", svd_rank=4)
    (ours,) = merge_adapters(
        our_members(model, ranks), "task-arithmetic", ranks=[4], weights=weights, settings={"lambda": 1.0}
    )
    found, wanted = updates(ours.tensors, ours.spec), peft_updates(model, "merged")
    assert len(wanted) == len(found) == 8
    for layer, update in wanted.items():
        assert close(found[layer], update, 1e-4)


@pytest.mark.parametrize("density", [0.5, 1.0])
def test_ties_is_the_same_where_no_weight_is_negative(density):
    ranks = {"one": 3, "two": 3, "three": 3}
    model = peft_model(ranks)
    model.add_weighted_adapter(
        list(ranks), [1.0] * 3, "merged", combination_type="ties_svd", svd_rank=16, density=density
    )
    (ours,) = merge_adapters(
        our_members(model, ranks), "ties", ranks=[16], settings={"density": density, "lambda": 1.0}
    )
    found, wanted = updates(ours.tensors, ours.spec), peft_updates(model, "merged")
    for layer, update in wanted.items():
        assert close(found[layer], update, 1e-4)


def test_means_of_a_and_of_b_are_no_mean_of_updates():
    """What `linear` is called there, which is why it is not used here."""
    ranks = {"one": 3, "two": 3}
    model = peft_model(ranks)
    model.add_weighted_adapter(list(ranks), [0.5, 0.5], "merged", combination_type="linear")
    (ours,) = merge_adapters(our_members(model, ranks), "linear", ranks=[6])
    found, theirs = updates(ours.tensors, ours.spec), peft_updates(model, "merged")
    for layer in theirs:
        dense = sum(0.5 * peft_updates(model, name)[layer] for name in ranks)
        assert close(found[layer], dense)
        assert not close(theirs[layer], dense, 0.1)

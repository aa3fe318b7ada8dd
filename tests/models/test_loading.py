"""Bases come frozen, in eval mode and in the precision that was asked for, or not at all."""

import shutil

import pytest
import torch
from safetensors.torch import load_file
from transformers import DebertaV2Config, DebertaV2Model, MPNetConfig, MPNetModel

from skillstack.errors import MismatchError, MissingError, UsageError
from skillstack.models.loading import load_base, pick_device
from skillstack.models.slot import linear_layers
from skillstack.models.split import SplitModel

from .tiny import batch_of, encoder_sizes, hidden, rewrite_config, save


@pytest.mark.parametrize("name", ["llama", "qwen2", "bert", "roberta", "distilbert"])
def test_a_base_is_frozen_and_knows_itself(folders, name):
    base = load_base(str(getattr(folders, name)), device="cpu")
    assert not any(p.requires_grad for p in base.whole.parameters())
    assert not any(m.training for m in base.whole.modules())
    assert base.kind == ("decoder" if name in ("llama", "qwen2") else "encoder")
    assert base.pooling == ("last" if base.kind == "decoder" else "mean")
    assert base.prefix == ("model." if base.kind == "decoder" else "")
    assert (base.layers, base.identity.architecture) == (4, name)
    assert hidden(base).shape[1] == base.hidden_size
    assert base.model.config._attn_implementation == "sdpa"


@pytest.mark.parametrize("kind", ["mpnet", "deberta-v2"])
def test_an_encoder_with_attention_of_its_own_is_loaded_too(minilm, tmp_path, kind):
    sizes = encoder_sizes(len(minilm.tokenizer))
    if kind == "mpnet":
        model = MPNetModel(MPNetConfig(**sizes))
    else:
        model = DebertaV2Model(
            DebertaV2Config(
                **sizes, relative_attention=True, pos_att_type=["c2p", "p2c"], position_buckets=16
            )
        )
    base = load_base(str(save(tmp_path / "model", model, minilm.tokenizer)), device="cpu")
    assert (base.kind, base.layers, base.identity.architecture) == ("encoder", 4, kind)
    assert base.model.config._attn_implementation == "eager"
    assert SplitModel(base, 0).whole(batch_of(base)).shape[2] == base.hidden_size
    assert len({name.split(".layer.")[1][0] for name in linear_layers(base) if ".layer." in name}) == 4


def test_the_language_model_head_is_at_hand_for_decoders_alone(folders, minilm, tiny_llama):
    expected = load_file(folders.llama / "model.safetensors")["lm_head.weight"]
    assert torch.equal(tiny_llama.output_embeddings, expected)
    assert minilm.output_embeddings is None


@pytest.mark.parametrize(("precision", "dtype"), [("bf16", torch.bfloat16), ("fp16", torch.float16)])
def test_half_precision_is_near_full_precision_and_the_same_base(folders, tiny_llama, precision, dtype):
    base = load_base(str(folders.llama), precision=precision, device="cpu")
    assert base.dtype == dtype
    assert base.identity == tiny_llama.identity
    full = hidden(tiny_llama)
    assert (hidden(base).float() - full).abs().max() < 0.1 * full.abs().max()


def test_four_bits_run_on_the_cpu_and_do_not_depend_on_what_ran_before(folders, tiny_llama):
    bnb = pytest.importorskip("bitsandbytes")
    base = load_base(str(folders.llama), precision="nf4", device="cpu")
    four_bit = [m for m in base.whole.modules() if isinstance(m, bnb.nn.Linear4bit)]
    assert len(four_bit) == 4 * 7
    assert all(m.weight.quant_state.nested and m.weight.quant_state.quant_type == "nf4" for m in four_bit)
    assert all(m.compute_dtype == torch.float32 for m in four_bit)
    states = hidden(base)
    full = hidden(tiny_llama)
    assert torch.nn.functional.cosine_similarity(states, full).min() > 0.9
    # After runs without gradients the weights are still as quantised, and gradients pass.
    embeds = torch.randn(1, 5, base.hidden_size, requires_grad=True)
    base.model(inputs_embeds=embeds).last_hidden_state.sum().backward()
    assert float(embeds.grad.abs().sum()) > 0
    assert all(m.weight.quant_state.nested for m in four_bit)
    assert torch.equal(hidden(base), states)


def test_an_unknown_precision_or_device_is_refused():
    with pytest.raises(UsageError, match="fp32, bf16, fp16, nf4"):
        load_base(precision="int3")
    with pytest.raises(UsageError, match="auto, cpu, cuda"):
        load_base(device="tpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is here")
def test_cuda_asked_for_and_absent_is_an_error_and_auto_is_the_cpu():
    with pytest.raises(MissingError, match="CUDA"):
        load_base(device="cuda")
    assert pick_device("auto").type == "cpu"


def test_a_model_with_its_own_code_is_never_run(folders, tmp_path):
    folder = shutil.copytree(folders.llama, tmp_path / "copy")
    rewrite_config(
        folder, model_type="own_kind", auto_map={"AutoConfig": "code.Config", "AutoModel": "code.Model"}
    )
    (folder / "code.py").write_text("raise SystemExit('it ran')")
    with pytest.raises(MismatchError, match="own code"):
        load_base(str(folder), device="cpu")


def test_weights_that_do_not_fit_the_config_are_refused(folders, tmp_path):
    folder = shutil.copytree(folders.llama, tmp_path / "copy")
    rewrite_config(folder, hidden_size=32, intermediate_size=48)
    with pytest.raises(MissingError, match="belong together"):
        load_base(str(folder), device="cpu")


def test_pickled_weights_are_refused(folders, tmp_path):
    folder = shutil.copytree(folders.llama, tmp_path / "copy")
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(MissingError, match="safetensors"):
        load_base(str(folder), device="cpu")


def test_an_encoder_decoder_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "t5", "architectures": ["T5Model"]}')
    with pytest.raises(MismatchError, match="t5"):
        load_base(str(tmp_path), device="cpu")


def test_a_model_without_a_tokenizer_is_refused(folders, tmp_path):
    folder = shutil.copytree(folders.llama, tmp_path / "copy")
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).unlink(missing_ok=True)
    with pytest.raises(MissingError, match="tokenizer"):
        load_base(str(folder), device="cpu")


def test_a_process_forked_from_one_that_uses_cuda_is_told_to_spawn(monkeypatch):
    monkeypatch.setattr(torch.cuda, "_is_in_bad_fork", lambda: True)
    assert pick_device("cpu").type == "cpu"
    with pytest.raises(UsageError, match="spawn"):
        pick_device("cuda")
    monkeypatch.setattr(torch.cuda, "_initialized", True)
    with pytest.raises(UsageError, match="spawn"):
        pick_device("auto")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_process_forked_from_one_that_found_no_cuda_computes_on_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "_is_in_bad_fork", lambda: True)
    assert pick_device("auto").type == "cpu"

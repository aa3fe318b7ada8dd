"""Small models with random weights, made on the spot, and the built-in encoder."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    RobertaConfig,
    RobertaModel,
)

from skillstack.models import sources
from skillstack.models.base import Base
from skillstack.models.loading import load_base

from .tiny import byte_tokenizer, decoder_sizes, encoder_sizes, save


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory):
    """No test writes into the user's cache."""
    patch = pytest.MonkeyPatch()
    patch.setenv("SKILLSTACK_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


@dataclass(frozen=True)
class Folders:
    """Where the small models are."""

    llama: Path
    qwen2: Path
    bert: Path
    roberta: Path
    distilbert: Path


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """Small models of five architectures, in float32."""
    torch.manual_seed(0)
    root = tmp_path_factory.mktemp("models")
    bpe = byte_tokenizer()
    words = AutoTokenizer.from_pretrained(sources.minilm_folder())
    window = {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 2}
    roberta = encoder_sizes(400) | {"pad_token_id": 1, "max_position_embeddings": 132}
    distil = {"vocab_size": len(words), "dim": 48, "hidden_dim": 64, "n_layers": 4, "n_heads": 4}
    return Folders(
        llama=save(root / "llama", LlamaForCausalLM(LlamaConfig(**decoder_sizes())), bpe),
        qwen2=save(root / "qwen2", Qwen2ForCausalLM(Qwen2Config(**decoder_sizes(), **window)), bpe),
        bert=save(root / "bert", BertModel(BertConfig(**encoder_sizes(len(words)))), words),
        roberta=save(root / "roberta", RobertaModel(RobertaConfig(**roberta)), bpe),
        distilbert=save(root / "distilbert", DistilBertModel(DistilBertConfig(**distil)), words),
    )


@pytest.fixture(scope="session")
def encoders(folders: Folders, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Small encoders of every kind of layer names, by their model type."""
    torch.manual_seed(0)
    root = tmp_path_factory.mktemp("encoders")
    words = AutoTokenizer.from_pretrained(sources.minilm_folder())
    relative = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]}
    special = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2}
    kinds = {
        "deberta": relative,
        "deberta-v2": {
            **relative,
            "position_buckets": 32,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
        },
        "electra": {"embedding_size": 32},
        "modernbert": special,
        "mpnet": {"pad_token_id": 1},
        "nomic_bert": {},
        "xlm-roberta": {"pad_token_id": 1},
    }
    found = {"bert": folders.bert, "distilbert": folders.distilbert, "roberta": folders.roberta}
    for kind, own in kinds.items():
        config = AutoConfig.for_model(kind, **encoder_sizes(len(words)), **own)
        found[kind] = save(root / kind, AutoModel.from_config(config), words)
    return found


@pytest.fixture
def tiny_llama(folders: Folders) -> Base:
    """A small decoder, loaded anew for each test, so that adapters in it do not meet."""
    return load_base(str(folders.llama), device="cpu")


@pytest.fixture
def minilm() -> Base:
    """The built-in encoder, loaded anew for each test."""
    return load_base("minilm", device="cpu")

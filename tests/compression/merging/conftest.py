"""A small real base."""

import pytest
import torch
from transformers import AutoTokenizer, BertConfig, BertModel

from skillstack.models import sources
from skillstack.models.base import Base
from skillstack.models.encoding import encode
from skillstack.models.loading import load_base
from skillstack.store.records import Rendering
from skillstack.store.rows import Row


@pytest.fixture(scope="session")
def bert_folder(tmp_path_factory: pytest.TempPathFactory):
    """Where a random encoder of four layers lies."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("models") / "bert"
    words = AutoTokenizer.from_pretrained(sources.minilm_folder())
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=4,
        num_attention_heads=4,
        max_position_embeddings=64,
        initializer_range=0.2,
    )
    BertModel(config).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


@pytest.fixture
def tiny_base(
    bert_folder, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> tuple[Base, dict[str, torch.Tensor]]:
    """The encoder, loaded anew for each test, and a batch of text for it."""
    monkeypatch.setenv("SKILLSTACK_CACHE", str(tmp_path_factory.mktemp("cache")))
    base = load_base(str(bert_folder), device="cpu")
    rows = [Row("a great movie that I loved"), Row("please block my card")]
    return base, encode(base, rows, Rendering(max_length=32)).batch(range(2)).inputs()

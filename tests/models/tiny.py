"""Small models with random weights, made on the spot, and what tests do with bases."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from skillstack.models import adapter_config
from skillstack.models.base import Base
from skillstack.models.encoding import TokenBatch, encode
from skillstack.models.lora import LoraSpec
from skillstack.models.slot import Slot, adapted, linear_layers, tensor_shapes
from skillstack.store.records import Rendering
from skillstack.store.rows import Row

TEXT = [
    "Review: a great movie that I loved. The sentiment of this review is positive",
    "Review: what a terrible waste of time. The sentiment of this review is negative",
    "Please block my card, it was stolen yesterday in the city.",
    "Naïve façade, 北京, 1234567890 and 42%.",
]


ROWS = (
    Row("a great movie that I loved"),
    Row("bad"),
    Row("Please block my card, it was stolen yesterday in the city, and I need it."),
)


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of the kind that decoders have."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<unk>", "<s>", "</s>"],
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT * 3, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )


def decoder_sizes() -> dict[str, object]:
    return {
        "vocab_size": 400,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "pad_token_id": 2,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }


def encoder_sizes(vocabulary: int) -> dict[str, object]:
    return {
        "vocab_size": vocabulary,
        "hidden_size": 48,
        "intermediate_size": 64,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "max_position_embeddings": 130,
    }


def save(folder: Path, model: torch.nn.Module, tokenizer: object) -> Path:
    """A folder as `save_pretrained` makes it."""
    folder.mkdir(parents=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def batch_of(base: Base, rows: Iterable[Row] = ROWS) -> TokenBatch:
    """Rows as one padded batch."""
    rows = list(rows)
    return encode(base, rows, Rendering(max_length=64)).batch(range(len(rows)))


@torch.no_grad()
def hidden(base: Base, rows: Iterable[Row] = ROWS) -> torch.Tensor:
    """Last hidden states of the real tokens ``[tokens, hidden_size]``."""
    batch = batch_of(base, rows)
    return base.model(**batch.inputs()).last_hidden_state[batch.attention_mask.bool()]


def shapes_of(base: Base, spec: LoraSpec) -> Mapping[str, tuple[int, int]]:
    """Names and shapes of the tensors of an adapter; before a slot changed the base."""
    linear = linear_layers(base)
    return tensor_shapes(linear, adapted(base, linear, spec), spec.r)


def random_adapter(shapes: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, np.ndarray]:
    """Adapter tensors that make a difference."""
    chance = np.random.default_rng(seed)
    return {name: chance.normal(0, 0.1, shapes[name]).astype(np.float32) for name in sorted(shapes)}


def put_on_disk(folder: Path, slot: Slot, spec: LoraSpec) -> Path:
    """A slot's adapter as a folder that PEFT reads."""
    folder.mkdir(parents=True)
    base = slot.base
    config = adapter_config.dump(
        spec, slot.targets(spec), base_name=base.identity.name, decoder=base.kind == "decoder"
    )
    (folder / "adapter_config.json").write_bytes(config)
    save_file(slot.read_out(), folder / "adapter_model.safetensors", metadata={"format": "pt"})
    return folder


def rewrite_config(folder: Path, **changes: object) -> None:
    """Change some entries of a model's config.json."""
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))

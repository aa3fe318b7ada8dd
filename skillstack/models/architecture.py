"""What of a transformers model the rest needs to know: its kind, and where its layers lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skillstack.errors import MismatchError

if TYPE_CHECKING:
    from torch import nn

    from skillstack.models.base import Kind

_ENCODERS = {
    "albert", "bert", "camembert", "deberta", "deberta-v2", "distilbert", "electra", "ernie", "eurobert",
    "mobilebert", "modernbert", "mpnet", "nomic_bert", "roberta", "xlm-roberta", "xlm-roberta-xl",
}  # fmt: skip


def kind_of(config: Any) -> Kind:
    """Whether a config describes an encoder or a decoder.

    :raises MismatchError: if it is neither, such as an encoder-decoder.
    """
    if getattr(config, "is_encoder_decoder", False) or not hasattr(config, "hidden_size"):
        raise MismatchError(
            f"Models of type {config.model_type!r} are not supported.",
            "Use a text encoder (bert, roberta, ...) or a causal language model (llama, qwen2, ...).",
        )
    if config.model_type in _ENCODERS:
        return "encoder"
    names = " ".join(config.architectures or ())
    if "ForCausalLM" in names or "LMHeadModel" in names:
        return "decoder"
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    return "decoder" if config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES else "encoder"


def layers_path(model: nn.Module, count: int) -> str:
    """Dotted path of the list of transformer layers: ``encoder.layer``, ``layers``, ...

    :raises MismatchError: if no list of that length is there.
    """
    from torch.nn import ModuleList

    for name, module in model.named_modules():
        if isinstance(module, ModuleList) and len(module) == count:
            return str(name)
    raise MismatchError(
        f"No list of {count} layers was found in {type(model).__name__}.",
        "This architecture is not supported; use bert, roberta, llama, qwen2 or a relative.",
    )

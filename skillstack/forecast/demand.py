"""What a training needs: bytes of memory and of disk, estimated from the recipe and the base's shape."""

from __future__ import annotations

from skillstack.forecast.bases import BaseFacts
from skillstack.models.lora import DEFAULT_TARGETS
from skillstack.training.recipe import Recipe

#: Bytes of a weight by precision; of four bits the scales are a 32nd of the weights' own size.
BYTES = {"fp32": 4.0, "bf16": 2.0, "fp16": 2.0, "nf4": 0.516}
#: What Python, torch and transformers hold before a model is there; on a GPU, CUDA's own.
RUNTIME = 700_000_000
#: Bytes of a frame's records, its card and its canaries.
RECORDS = 14_000
#: Bytes of a router state per skill: weights of the buckets that its samples touch, as measured.
ROUTER_STATE = 1_100_000
#: Bytes of a row's digest, and of hashed features per character, as measured on texts of 45 to 1,400.
_REFERENCE_SAMPLE, _FEATURES_PER_CHARACTER = 67, 10.5


def base_bytes(facts: BaseFacts, precision: str) -> int:
    """Memory of a base that is loaded; 0 where its size is unknown. Embeddings are never in four bits."""
    outside = facts.vocabulary * facts.hidden
    inside = max(0, facts.parameters - outside)
    return round(inside * BYTES[precision] + outside * (2.0 if precision == "nf4" else BYTES[precision]))


def adapted_layers(facts: BaseFacts, recipe: Recipe) -> int:
    """How many layers an adapter sits on."""
    return min(recipe.top_layers, facts.layers) if recipe.top_layers else facts.layers


def adapter_bytes(facts: BaseFacts, recipe: Recipe) -> int:
    """Size of an adapter's file: for each linear layer ``r * (in + out)`` fp32 numbers."""
    hidden, inner, keys = facts.hidden, facts.inner, facts.keys
    widths = {
        **dict.fromkeys(("q_proj", "o_proj", "query", "key", "value"), 2 * hidden),
        **dict.fromkeys(("k_proj", "v_proj"), hidden + keys),
        **dict.fromkeys(("gate_proj", "up_proj", "down_proj"), hidden + inner),
        # In BERT: after the attention, into the feed-forward layer, and out of it.
        "dense": 2 * hidden + 2 * (hidden + inner),
    }
    targets = recipe.targets or DEFAULT_TARGETS[facts.kind or "decoder"]
    width = sum(widths.get(target.rpartition(".")[2], 2 * hidden) for target in targets)
    return 4 * recipe.r * width * adapted_layers(facts, recipe)


def head_bytes(facts: BaseFacts, labels: int) -> int:
    """Size of a head's file."""
    return 4 * labels * (facts.hidden + 1)


def sample_bytes(rows: int, characters: float, *, shipped: bool, keep_texts: bool) -> int:
    """Size of a skill's router samples.

    :param characters: of a row, on average.
    :param shipped: whether they are kept as digests of rows that the package carries.
    """
    each = (
        _REFERENCE_SAMPLE
        if shipped
        else characters + 5
        if keep_texts
        else _FEATURES_PER_CHARACTER * characters + 100
    )
    return round(rows * each)


def activation_bytes(
    facts: BaseFacts, recipe: Recipe, rows: int, arithmetic: str, *, checkpointing: bool
) -> int:
    """Memory of the states that a training step keeps for its gradients, for rows that pass at once.

    Per token and adapted layer about ``12 * hidden + 4 * inner`` numbers (the inputs of every linear layer,
    of norms and of activations; Korthikanti et al. 2022, https://arxiv.org/abs/2205.05198, without scores,
    which fused attention does not keep). Computed again, they are one state per layer, and one layer's own.
    """
    layers = adapted_layers(facts, recipe)
    numbers = 12 * facts.hidden + 4 * facts.inner
    kept = layers * facts.hidden + numbers if checkpointing else layers * numbers
    return round(rows * recipe.max_length * kept * (4 if arithmetic == "fp32" else 2))


def cache_bytes(facts: BaseFacts, recipe: Recipe, rows: int, tokens: float) -> int:
    """Memory of the states below the adapted layers, which are computed once and kept in fp32."""
    if not recipe.cache or adapted_layers(facts, recipe) >= facts.layers:
        return 0
    return round(rows * tokens * facts.hidden * 4)


def rows_that_fit(
    facts: BaseFacts, recipe: Recipe, room: int, arithmetic: str, *, checkpointing: bool
) -> int:
    """Rows of a step that pass at once: its batch, halved until it fits; 0 if not even one row does."""
    rows = recipe.batch_size
    while rows and activation_bytes(facts, recipe, rows, arithmetic, checkpointing=checkpointing) > room:
        rows //= 2
    return rows

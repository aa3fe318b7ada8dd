"""How long a training takes here: a layer of the base's shape is timed, and passes are counted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skillstack.forecast.bases import BaseFacts
from skillstack.forecast.demand import adapted_layers
from skillstack.training.recipe import Recipe

if TYPE_CHECKING:
    import torch

#: Seconds that one measurement may take.
PATIENCE = 0.5
#: Numbers in the layer that is timed; a larger one is timed at half the width, and counted up.
_MOST_WEIGHTS = 12_000_000
_CHARACTERS_PER_TOKEN = 4.2
#: The guess, and what it is multiplied with for the ends of the range.
_RANGE = (0.6, 2.0)


@dataclass(frozen=True)
class Pace:
    """Seconds that one token takes in one layer.

    :ivar forward: without gradients.
    :ivar training: forward and backward, weights frozen.
    """

    forward: float
    training: float


@dataclass(frozen=True)
class Span:
    """A range of seconds."""

    low: float
    high: float


def measure_pace(facts: BaseFacts, device: str, arithmetic: str) -> Pace | None:
    """Time a layer of random weights; None where torch is missing or the shape is unknown."""
    if not (facts.hidden and facts.inner):
        return None
    try:
        import torch
    except Exception:  # a broken library raises anything, and is spoken of elsewhere
        return None
    hidden, inner, scale = facts.hidden, facts.inner, 1.0
    while 4 * hidden * hidden + 3 * hidden * inner > _MOST_WEIGHTS:
        hidden, inner, scale = max(64, hidden // 2), inner // 2, 4 * scale
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[arithmetic]
    gated = facts.kind == "decoder"
    sizes = [(hidden, hidden)] * 4 + [(hidden, inner)] * (2 if gated else 1) + [(inner, hidden)]
    weights = [torch.randn(out, into, device=device, dtype=dtype) / into for into, out in sizes]
    rows, tokens = 16, 32
    states = torch.randn(rows, tokens, hidden, device=device, dtype=dtype)

    def forward() -> None:
        with torch.no_grad():
            _layer(states, weights)

    def training() -> None:
        entering = states.detach().requires_grad_(True)
        _layer(entering, weights).float().sum().backward()  # type: ignore[no-untyped-call]

    each = scale / (rows * tokens)
    return Pace(_seconds(forward, device) * each, _seconds(training, device) * each)


def training_seconds(
    facts: BaseFacts,
    recipe: Recipe,
    lessons: Sequence[tuple[int, int, int, float]],
    pace: Pace,
    precision: str,
) -> Span:
    """Roughly the seconds that frames take.

    :param lessons: training rows, dev rows, labels and characters per text of each.
    """
    upper = adapted_layers(facts, recipe)
    lower = facts.layers - upper
    total = 5.0 + facts.parameters / 2e8  # starting, and reading the base
    for train, dev, labels, characters in lessons:
        tokens = min(recipe.max_length, characters / _CHARACTERS_PER_TOKEN + 4)
        if facts.kind == "decoder":
            tokens = min(recipe.max_length, tokens + 20)  # the prompt
        rows = train + dev
        seen = recipe.steps(train) * min(recipe.batch_size, train)
        trains = recipe.method != "frozen-linear"
        # Features on the bare base and on two starts, at the checks, of the average, and for the last head.
        looks = 1 if not trains else 2 + (recipe.init != "fresh") * 2
        passes = looks * rows + (recipe.checks * dev if trains else 0)
        cached = recipe.cache and lower
        total += tokens * pace.forward * (upper * passes + lower * (rows if cached else passes))
        if trains:
            total += tokens * seen * (upper * pace.training + (0 if cached else lower * pace.forward))
        total += (0.5 + 0.1 * labels) * looks + 0.5  # logistic heads, the router, and writing
    # The layer that was timed has plain weights; those in four bits are unpacked for each use.
    return Span(_RANGE[0] * total, _RANGE[1] * total * (2 if precision == "nf4" else 1))


def _layer(states: torch.Tensor, weights: Sequence[torch.Tensor]) -> torch.Tensor:
    from torch.nn import functional

    query, key, value = (functional.linear(states, weight) for weight in weights[:3])
    mixed = functional.scaled_dot_product_attention(query[:, None], key[:, None], value[:, None])[:, 0]
    inside = states + functional.linear(mixed, weights[3])
    wide = functional.gelu(functional.linear(inside, weights[4]))
    if len(weights) == 7:
        wide = wide * functional.linear(inside, weights[5])
    return inside + functional.linear(wide, weights[-1])


def _seconds(work: Any, device: str) -> float:
    """The median of several runs after one that warms up."""
    import torch

    def once() -> float:
        began = time.perf_counter()
        work()
        if device != "cpu":
            torch.cuda.synchronize()
        return time.perf_counter() - began

    began = time.perf_counter()
    once()
    times = [once()]
    while len(times) < 15 and time.perf_counter() - began < PATIENCE:
        times.append(once())
    return sorted(times)[len(times) // 2]

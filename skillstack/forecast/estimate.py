"""What a training takes, roughly: memory, disk, downloads and time.

`doctor` judges the estimate and `train --dry-run` prints it. Nothing is written or loaded.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillstack.forecast.facts import BaseFacts
from skillstack.models.devices import Device, Rules
from skillstack.models.lora import DEFAULT_TARGETS
from skillstack.training.recipe import Recipe

if TYPE_CHECKING:
    from skillstack.forecast.plan import PlannedFrame

#: Bytes of a weight by precision; of four bits the scales are a 32nd of the weights' own size.
_BYTES = {"fp32": 4.0, "bf16": 2.0, "fp16": 2.0, "nf4": 0.516}
#: What Python, torch and transformers hold before a model is there; on a GPU, CUDA's own.
_RUNTIME = 700_000_000
#: Bytes of a frame's records, its card and its canaries.
RECORDS = 14_000
#: Bytes of a router state per skill: weights of the buckets that its samples touch, as measured.
ROUTER_STATE = 1_100_000
_CHARACTERS_PER_TOKEN = 4.2
#: The ends of the range of time, as multiples of the guess.
_RANGE = (0.6, 2.0)


@dataclass(frozen=True)
class Span:
    """A range of seconds."""

    low: float
    high: float

    @property
    def words(self) -> str:
        """``2 to 6 minutes``: seconds below a minute, hours from two hours on."""
        unit, length = next(
            (unit, length)
            for unit, length, below in (("second", 1, 60), ("minute", 60, 7200), ("hour", 3600, float("inf")))
            if self.high < below
        )
        low, high = (max(1, round(end / length)) for end in (self.low, self.high))
        return f"{low} to {high} {unit}s" if low < high else f"{high} {unit}{'s' if high > 1 else ''}"

    def to_json(self) -> list[int]:
        """Its ends, in whole seconds."""
        return [round(self.low), round(self.high)]


@dataclass(frozen=True)
class Estimate:
    """What a training takes, in bytes.

    :ivar rows_at_once: rows of a step that pass at once; 0 where not even one fits, None where it is unknown.
    :ivar memory: the device's memory; 0 where that is unknown.
    :ivar store: what the frames to be trained add to the store and its routers, at most.
    :ivar download: what is to be fetched; None where the hub has to say it first.
    :ivar disk: frames, downloads and conversions together.
    :ivar seconds: time, roughly; None where nothing could be measured, or nothing is to be trained.
    """

    rows_at_once: int | None
    memory: int
    store: int
    download: int | None
    disk: int
    seconds: Span | None


def estimate(
    base: BaseFacts,
    recipe: Recipe,
    frames: Sequence[PlannedFrame],
    device: Device,
    chosen: Rules,
    free: int,
    *,
    timed: bool = True,
) -> Estimate:
    """What a training takes.

    :param free: free memory of the device; 0 where that is unknown.
    :param timed: whether to measure how fast the device is, which has to be one of this machine.
    """
    left = [frame for frame in frames if frame.state == "train"]
    rows, memory = _memory(base, recipe, left, device, chosen, free)
    store = sum(
        # A state of the router is kept for each step, so that undo needs no refit.
        frame.adapter_bytes + frame.sample_bytes + RECORDS + ROUTER_STATE * (number + 1)
        for number, frame in enumerate(frames)
        if frame.state == "train"
    )
    download = sum(frame.facts.download for frame in frames)
    pace = seconds_per_weight(base, device.kind, chosen.arithmetic.value) if timed and left and rows else None
    return Estimate(
        rows,
        memory,
        store,
        None if base.download is None else base.download + download,
        store + base.disk + download,
        None if pace is None else training_seconds(base, recipe, left, pace, chosen.precision.value),
    )


def base_bytes(base: BaseFacts, precision: str) -> int:
    """Memory of a base that is loaded; 0 where its size is unknown. Embeddings are never in four bits."""
    outside = base.vocabulary * base.hidden
    inside = max(0, base.parameters - outside)
    return round(inside * _BYTES[precision] + outside * (2.0 if precision == "nf4" else _BYTES[precision]))


def adapter_bytes(base: BaseFacts, recipe: Recipe) -> int:
    """Size of an adapter's file: for each linear layer ``r * (in + out)`` fp32 numbers."""
    hidden, inner, keys = base.hidden, base.inner, base.keys
    widths = {
        **dict.fromkeys(("q_proj", "o_proj", "query", "key", "value"), 2 * hidden),
        **dict.fromkeys(("k_proj", "v_proj"), hidden + keys),
        **dict.fromkeys(("gate_proj", "up_proj", "down_proj"), hidden + inner),
        # In BERT: after the attention, into the feed-forward layer, and out of it.
        "dense": 2 * hidden + 2 * (hidden + inner),
    }
    targets = recipe.targets or DEFAULT_TARGETS[base.kind or "decoder"]
    width = sum(widths.get(target.rpartition(".")[2], 2 * hidden) for target in targets)
    return 4 * recipe.r * width * _adapted_layers(base, recipe)


def activation_bytes(
    base: BaseFacts, recipe: Recipe, rows: int, arithmetic: str, *, checkpointing: bool
) -> int:
    """Memory of the states that a training step keeps for its gradients, for rows that pass at once.

    Per token and adapted layer about ``12 * hidden + 4 * inner`` numbers (the inputs of every linear layer,
    of norms and of activations; Korthikanti et al. 2022, https://arxiv.org/abs/2205.05198, without scores,
    which fused attention does not keep). Computed again, they are one state per layer, and one layer's own.
    """
    layers = _adapted_layers(base, recipe)
    numbers = 12 * base.hidden + 4 * base.inner
    kept = layers * base.hidden + numbers if checkpointing else layers * numbers
    return round(rows * recipe.max_length * kept * _BYTES[arithmetic])


def training_seconds(
    base: BaseFacts, recipe: Recipe, frames: Sequence[PlannedFrame], pace: float, precision: str
) -> Span:
    """Roughly the seconds that frames take: passes are counted, and each takes its weights times the pace.

    :param pace: seconds per weight and token.
    """
    upper = _adapted_layers(base, recipe) / max(1, base.layers)
    token = pace * max(0, base.parameters - base.vocabulary * base.hidden)
    trains = recipe.method != "frozen-linear"
    # Features on the bare base, on two starts, and for the last head.
    looks = 1 if not trains else 2 + (recipe.init != "fresh") * 2
    total = 5.0 + base.parameters / 2e8  # starting, and reading the base
    for frame in frames:
        prompt = 24 if base.kind == "decoder" else 4
        tokens = min(recipe.max_length, frame.characters / _CHARACTERS_PER_TOKEN + prompt)
        rows = frame.train + frame.dev
        passes = looks * rows + (recipe.checks * frame.dev if trains else 0)
        seen = recipe.steps(frame.train) * min(recipe.batch_size, frame.train) if trains else 0
        # Through adapted layers a step goes forward and back. Below them, states may be kept from one pass.
        lower = rows if recipe.cache else passes + seen
        total += tokens * token * (upper * (passes + 2 * seen) + (1 - upper) * lower)
        total += (0.5 + 0.1 * frame.facts.labels) * looks + 0.5  # logistic heads, the router, and writing
    # The pace is that of plain weights; those in four bits are unpacked for each use.
    return Span(_RANGE[0] * total, _RANGE[1] * total * (2 if precision == "nf4" else 1))


def seconds_per_weight(base: BaseFacts, device: str, arithmetic: str) -> float | None:
    """Time that this device takes per weight and token, measured on a feed-forward layer of the base's width.

    :returns: None where torch is missing or broken, or the shape is unknown.
    """
    if not (base.hidden and base.inner):
        return None
    try:
        import torch
    except Exception:  # a broken library raises anything, and is a finding of its own
        return None
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[arithmetic]
    hidden, inner, tokens = min(base.hidden, 2048), min(base.inner, 4096), 512
    first = torch.randn(hidden, inner, device=device, dtype=dtype) / hidden
    second = torch.randn(inner, hidden, device=device, dtype=dtype) / inner
    states = torch.randn(tokens, hidden, device=device, dtype=dtype)
    times: list[float] = []
    with torch.no_grad():
        # The first ones warm up.
        while len(times) < 3 or (len(times) < 15 and sum(times) < 0.5):
            began = time.perf_counter()
            torch.nn.functional.gelu(states @ first) @ second
            if device != "cpu":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - began)
    return sorted(times)[len(times) // 2] / (2 * hidden * inner * tokens)


def _adapted_layers(base: BaseFacts, recipe: Recipe) -> int:
    return min(recipe.top_layers, base.layers) if recipe.top_layers else base.layers


def _memory(
    base: BaseFacts,
    recipe: Recipe,
    frames: Sequence[PlannedFrame],
    device: Device,
    chosen: Rules,
    free: int,
) -> tuple[int | None, int]:
    """Rows that pass at once, and the memory that a training takes with so many."""
    if not (base.parameters and base.hidden):
        return None, 0
    fixed = base_bytes(base, chosen.precision.value) + _RUNTIME
    if device.kind == "cpu" and recipe.cache and _adapted_layers(base, recipe) < base.layers:
        # States below the adapted layers are computed once and kept in fp32.
        most = max((frame.train + frame.dev for frame in frames), default=0)
        fixed += 4 * most * recipe.max_length * base.hidden

    def states(rows: int) -> int:
        checkpointing = chosen.checkpointing.value == "on"
        return activation_bytes(base, recipe, rows, chosen.arithmetic.value, checkpointing=checkpointing)

    rows = recipe.batch_size
    while rows and free and fixed + states(rows) > free:
        rows //= 2
    return rows, fixed + states(rows or 1)

"""A loaded base, frozen, and how many rows pass through it at once.

When memory runs out, half as many rows pass from then on. The first batch that does not fit costs a try;
what it taught is kept for as long as the base is loaded.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import nn

from skillstack.errors import MissingError
from skillstack.store.records import BaseIdentity

#: How torch, CUDA's libraries and the system say it, where they have no type of error for it.
_SAYINGS = (
    "could not create a primitive",  # oneDNN, where the system gives no memory for its code or scratch space
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "std::bad_alloc",
    "alloc_failed",
)


class Room:
    """The most rows that pass at once; no bound until memory ran out.

    :ivar most: that number, or None.
    """

    def __init__(self) -> None:
        self.most: int | None = None

    def parts(self, rows: Sequence[int], most: int | None = None) -> list[Sequence[int]]:
        """Rows in parts that are as equal as can be, none above the bound.

        :param most: another bound, of which the smaller one holds.
        """
        if not rows:
            return []
        count = -(-len(rows) // min(bound for bound in (self.most, most, len(rows)) if bound))
        ends = [len(rows) * place // count for place in range(count + 1)]
        return [rows[begin:end] for begin, end in pairwise(ends)]

    def halve(self, tried: int) -> int:
        """Allow half as many rows as were tried; returns how many that is.

        :raises MissingError: if it was one alone.
        """
        free()
        if tried <= 1:
            raise MissingError(
                "There is not enough memory for a single row.",
                "Try --precision nf4, a smaller --max-length, --gradient-checkpointing, or a smaller model.",
            )
        # What failed at this size would fail again at it, whoever asked for how many.
        self.most = tried // 2
        return self.most


def by_parts(rows: Sequence[int], room: Room, work: Callable[[Sequence[int]], None]) -> None:
    """Do work on rows in parts that fit into memory.

    :param work: may be called again with some of the rows after it ran out of memory.
    :raises MissingError: if not even one row fits.
    """
    left = rows
    while left:
        part = room.parts(left)[0]
        if fits(partial(work, part)):
            left = left[len(part) :]
        else:
            room.halve(len(part))


def fits(work: Callable[[], object]) -> bool:
    """Do work; returns whether memory sufficed."""
    try:
        work()
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        # The error holds the frames, and these the tensors, until this block is left.
        return False
    return True


def autocast(base: Base) -> contextlib.AbstractContextManager[Any]:
    """Mixed precision for a base in fp16; nothing for others."""
    if base.dtype == torch.float16:
        return torch.autocast(base.device.type, dtype=torch.float16)
    return contextlib.nullcontext()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on a GPU or on a CPU."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(saying in str(error).lower() for saying in _SAYINGS)


def free() -> None:
    """Give back what nothing holds any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


Kind = Literal["encoder", "decoder"]


@dataclass(frozen=True, eq=False)
class Base:
    """A frozen model with its tokenizer, in eval mode and without gradients.

    :ivar identity: fingerprint of the weights, behaviour of the tokenizer, and hints.
    :ivar kind: encoders are mean-pooled, decoders read a prompt and give their last token.
    :ivar tokenizer: a transformers tokenizer.
    :ivar model: gives hidden states ``[rows, tokens, hidden_size]``.
    :ivar whole: the module under whose names adapters are saved: ``model`` itself for encoders, the model
        with its language-model head for decoders.
    :ivar device: where it lies.
    :ivar precision: ``fp32``, ``bf16``, ``fp16`` or ``nf4``.
    :ivar settings: of its configuration, what decides what is computed, as JSON.
    :ivar packaged: whether its configuration is known to be the one that its weights came with.
    :ivar proven: canary records of frames that it was shown to compute the same as.
    :ivar room: how many rows pass at once without gradients, as far as memory has said.
    :ivar training_room: how many with gradients.
    """

    identity: BaseIdentity
    kind: Kind
    tokenizer: Any
    model: nn.Module
    whole: nn.Module
    device: torch.device
    precision: str
    settings: Mapping[str, str] = field(default_factory=dict)
    packaged: bool = False
    proven: set[str] = field(default_factory=set)
    room: Room = field(default_factory=Room)
    training_room: Room = field(default_factory=Room)

    @property
    def hidden_size(self) -> int:
        """Width of a hidden state."""
        return self.identity.hidden_size

    @property
    def layers(self) -> int:
        """Number of transformer layers."""
        return self.identity.layers

    @property
    def pooling(self) -> str:
        """``mean`` for encoders, ``last`` for decoders."""
        return "mean" if self.kind == "encoder" else "last"

    @property
    def prefix(self) -> str:
        """What stands before ``model``'s own names in the names of ``whole``: empty, or ``model.``."""
        if self.whole is self.model:
            return ""
        return next(f"{name}." for name, module in self.whole.named_modules() if module is self.model)

    @property
    def dtype(self) -> torch.dtype:
        """In which numbers hidden states come."""
        return next(p.dtype for p in self.model.parameters() if p.is_floating_point())

    @property
    def padding_id(self) -> int:
        """The token that fills a row up; masked, so any would do where the tokenizer names none."""
        return int(self.tokenizer.pad_token_id or 0)

    @property
    def output_embeddings(self) -> torch.Tensor | None:
        """The language-model head's weight ``[vocabulary, hidden_size]``; None for encoders."""
        if self.kind == "encoder":
            return None
        head: nn.Module = self.whole.get_output_embeddings()  # type: ignore[operator]
        return head.weight if isinstance(head.weight, torch.Tensor) else None

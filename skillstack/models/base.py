"""A loaded base: the frozen model that every frame of a stack stands on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import nn

from skillstack.frames.records import BaseIdentity
from skillstack.models.room import Room

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

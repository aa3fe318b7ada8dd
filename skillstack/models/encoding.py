"""Rows to token ids: each text is tokenised once, between the special tokens of the base's tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from skillstack.errors import MismatchError, UsageError
from skillstack.models.base import Base
from skillstack.models.prompts import Prompt, cut, cut_pair, shorten
from skillstack.store.records import Rendering
from skillstack.store.rows import Row


@dataclass(frozen=True)
class Specials:
    """What stands before, between and after texts.

    :ivar before: before a single text.
    :ivar after: after a single text.
    :ivar pair_before: before the first text of a pair.
    :ivar middle: between the texts of a pair.
    :ivar pair_after: after the second text of a pair.
    :ivar pair_types: token types of a pair: before, first, middle, second, after. ``middle`` and the texts
        have one type each.
    :ivar typed: whether the model takes token types.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]
    pair_before: tuple[int, ...]
    middle: tuple[int, ...]
    pair_after: tuple[int, ...]
    pair_types: tuple[int, ...]
    typed: bool

    @classmethod
    def of(cls, tokenizer: Any) -> Specials:
        """Probe a tokenizer with words that it surely knows.

        :raises MismatchError: if it does not put texts between special tokens in order.
        """
        plain = {"add_special_tokens": False, "truncation": False, "verbose": False}
        first: list[int] = list(tokenizer("one two", **plain)["input_ids"])
        second: list[int] = list(tokenizer("three", **plain)["input_ids"])
        single: list[int] = list(tokenizer("one two", truncation=False, verbose=False)["input_ids"])
        both = tokenizer("one two", "three", truncation=False, verbose=False)
        pair: list[int] = list(both["input_ids"])
        at = _find(single, first)
        begin = _find(pair, first)
        then = _find(pair, second, begin + len(first))
        types = list(both.get("token_type_ids") or [0] * len(pair))
        last = then + len(second)
        return cls(
            before=tuple(single[:at]),
            after=tuple(single[at + len(first) :]),
            pair_before=tuple(pair[:begin]),
            middle=tuple(pair[begin + len(first) : then]),
            pair_after=tuple(pair[last:]),
            pair_types=(types[0], types[begin], types[then - 1], types[then], types[-1]),
            typed="token_type_ids" in tokenizer.model_input_names,
        )

    def count(self, *, pair: bool) -> int:
        """How many special tokens a row gets."""
        if pair:
            return len(self.pair_before) + len(self.middle) + len(self.pair_after)
        return len(self.before) + len(self.after)

    def single(self, tokens: list[int]) -> tuple[list[int], list[int]]:
        """Ids and types of one text."""
        ids = [*self.before, *tokens, *self.after]
        return ids, [0] * len(ids)

    def pair(self, first: list[int], second: list[int]) -> tuple[list[int], list[int]]:
        """Ids and types of a pair."""
        parts = (self.pair_before, first, self.middle, second, self.pair_after)
        ids = [token for part in parts for token in part]
        types = [kind for part, kind in zip(parts, self.pair_types, strict=True) for _ in part]
        return ids, types


def _find(ids: list[int], part: list[int], start: int = 0) -> int:
    for place in range(start, len(ids) - len(part) + 1):
        if ids[place : place + len(part)] == part:
            return place
    raise MismatchError(
        "This tokenizer does not keep a text's tokens together between its special tokens.",
        "Use an encoder of the bert or roberta kind.",
    )


#: Characters per token of the maximum length that are tokenised from either end of a long text. A token
#: has four on average; the rest of a long text cannot matter, and tokenising it would take seconds.
CHARACTERS_PER_TOKEN = 32


@dataclass(frozen=True)
class TokenBatch:
    """Rows that a model reads at once, padded on the right.

    :ivar input_ids: ``[rows, tokens]``.
    :ivar attention_mask: ``[rows, tokens]``, 1 for real tokens.
    :ivar token_type_ids: ``[rows, tokens]``, or None where the model has none.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    token_type_ids: torch.Tensor | None

    def inputs(self) -> dict[str, torch.Tensor]:
        """Keyword arguments for a transformers model."""
        inputs = {"input_ids": self.input_ids, "attention_mask": self.attention_mask}
        return inputs if self.token_type_ids is None else inputs | {"token_type_ids": self.token_type_ids}


@dataclass(frozen=True)
class Encoded:
    """Token ids of rows.

    :ivar ids: one list per row, special tokens and prompt included.
    :ivar types: token types in the same shape, or None where the model has none.
    :ivar cut: for each row, whether some of it did not fit.
    :ivar padding_id: fills rows up in a batch.
    """

    ids: tuple[list[int], ...]
    types: tuple[list[int], ...] | None
    cut: tuple[bool, ...]
    padding_id: int

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.ids)

    @property
    def lengths(self) -> list[int]:
        """Tokens of each row."""
        return [len(row) for row in self.ids]

    def select(self, rows: Sequence[int]) -> Encoded:
        """These rows, in this order."""
        types = None if self.types is None else tuple(self.types[i] for i in rows)
        return Encoded(
            tuple(self.ids[i] for i in rows), types, tuple(self.cut[i] for i in rows), self.padding_id
        )

    def batch(self, rows: Sequence[int], device: torch.device | str = "cpu") -> TokenBatch:
        """These rows, in this order, padded to the longest of them."""
        width = max(len(self.ids[i]) for i in rows)
        ids = torch.full((len(rows), width), self.padding_id, dtype=torch.long)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        types = None if self.types is None else torch.zeros((len(rows), width), dtype=torch.long)
        for place, row in enumerate(rows):
            length = len(self.ids[row])
            ids[place, :length] = torch.tensor(self.ids[row])
            mask[place, :length] = 1
            if types is not None and self.types is not None:
                types[place, :length] = torch.tensor(self.types[row])
        return TokenBatch(ids.to(device), mask.to(device), None if types is None else types.to(device))


def encode(base: Base, rows: Sequence[Row], rendering: Rendering) -> Encoded:
    """Token ids of rows as a base reads them.

    Encoders read the text, or a true pair, between special tokens. Decoders read the prompt with the texts
    filled in; only the texts are cut, so that the prompt's end always stays.

    :raises UsageError: if the maximum length leaves no room for a text, or is more than the base can read.
    :raises InputError: if the prompt asks for a second text that a row does not have, or has no place for it.
    """
    limit = longest(base)
    if rendering.max_length > limit:
        raise UsageError(
            f"The maximum length {rendering.max_length} is more than {base.identity.name}'s {limit} tokens.",
            f"Choose at most {limit}.",
        )
    if base.kind == "encoder":
        return _encode_pairs(base, rows, rendering)
    return _encode_prompts(base, rows, rendering)


def longest(base: Base) -> int:
    """Most tokens, special ones included, that a base can read."""
    config: Any = base.model.config
    positions = int(getattr(config, "max_position_embeddings", 0) or 1_000_000)
    # RoBERTa and its relatives number positions from padding_idx + 1 on.
    table = getattr(getattr(base.model, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    return positions - (int(padding) + 1 if padding is not None else 0)


def _encode_pairs(base: Base, rows: Sequence[Row], rendering: Rendering) -> Encoded:
    specials = Specials.of(base.tokenizer)
    texts = [shorten(row.text, rendering, CHARACTERS_PER_TOKEN) for row in rows]
    seconds = [
        shorten(row.text_pair, rendering, CHARACTERS_PER_TOKEN) for row in rows if row.text_pair is not None
    ]
    first = _tokenise(base, [text for text, _ in texts])
    second = iter(zip(_tokenise(base, [text for text, _ in seconds]), seconds, strict=True))
    ids, types, flags = [], [], []
    for row, tokens, (_, shortened) in zip(rows, first, texts, strict=True):
        budget = rendering.max_length - specials.count(pair=row.has_pair)
        if budget < (2 if row.has_pair else 1):
            raise UsageError(
                f"The maximum length {rendering.max_length} leaves no room.", "Choose a larger one."
            )
        if row.has_pair:
            other, (_, other_shortened) = next(second)
            left, right = cut_pair(tokens, other, budget, rendering.truncation)
            whole = len(left) + len(right) == len(tokens) + len(other)
            flags.append(shortened or other_shortened or not whole)
            row_ids, row_types = specials.pair(left, right)
        else:
            kept = cut(tokens, budget, rendering.truncation)
            flags.append(shortened or len(kept) < len(tokens))
            row_ids, row_types = specials.single(kept)
        ids.append(row_ids)
        types.append(row_types)
    return Encoded(tuple(ids), tuple(types) if specials.typed else None, tuple(flags), base.padding_id)


def _encode_prompts(base: Base, rows: Sequence[Row], rendering: Rendering) -> Encoded:
    prompt = Prompt.of(rendering)
    filled = [prompt.fill(row, rendering, CHARACTERS_PER_TOKEN) for row in rows]
    ids, flags = [], []
    if filled:
        encoded = base.tokenizer(
            [f.text for f in filled], return_offsets_mapping=True, truncation=False, verbose=False
        )
        for f, tokens, offsets in zip(filled, encoded["input_ids"], encoded["offset_mapping"], strict=True):
            kept = f.keep(offsets, rendering)
            ids.append([int(tokens[i]) for i in kept])
            flags.append(f.shortened or len(kept) < len(tokens))
    return Encoded(tuple(ids), None, tuple(flags), base.padding_id)


def _tokenise(base: Base, texts: list[str]) -> list[list[int]]:
    if not texts:
        return []
    encoded = base.tokenizer(
        texts,
        add_special_tokens=False,
        truncation=False,
        padding=False,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )
    return [list(row) for row in encoded["input_ids"]]

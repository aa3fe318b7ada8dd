"""The special tokens that an encoder wants around a text and a pair, learned from its own tokenizer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from skillstack.errors import MismatchError


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

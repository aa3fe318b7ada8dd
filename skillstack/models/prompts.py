"""A decoder's prompt, whose texts may be cut and whose own words may not; and which tokens of a text stay.

``head`` keeps the beginning. ``head_tail`` keeps the first quarter and the last three quarters of what
fits: reviews conclude at their end (Sun et al. 2019, "How to Fine-Tune BERT",
https://arxiv.org/abs/1905.05583).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from skillstack.errors import InputError, UsageError
from skillstack.store.records import Rendering
from skillstack.store.rows import Row


def cut(tokens: list[int], budget: int, truncation: str) -> list[int]:
    """At most ``budget`` of these tokens, in order."""
    if len(tokens) <= budget:
        return tokens
    head = budget if truncation == "head" else budget // 4
    tail = budget - head
    return tokens[:head] + (tokens[-tail:] if tail else [])


def cut_pair(
    first: list[int], second: list[int], budget: int, truncation: str
) -> tuple[list[int], list[int]]:
    """Two token lists that fit together; the longer one is cut until both are equally long, then both."""
    left, right = share(len(first), len(second), budget)
    return cut(first, left, truncation), cut(second, right, truncation)


def share(first: int, second: int, budget: int) -> tuple[int, int]:
    """How a budget is divided between two lengths: what the shorter one leaves goes to the longer one."""
    if first + second <= budget:
        return first, second
    half = budget // 2
    if second <= half:
        return budget - second, second
    if first <= budget - half:
        return first, budget - first
    return budget - half, half


def shorten(text: str, rendering: Rendering, characters_per_token: int) -> tuple[str, bool]:
    """A text without the middle that no truncation would keep, and whether something was left out.

    At least ``max_length * characters_per_token`` characters stay at the end or ends that are kept.
    """
    reach = rendering.max_length * characters_per_token
    if rendering.truncation == "head":
        return (text, False) if len(text) <= reach else (text[:reach], True)
    return (text, False) if len(text) <= 2 * reach else (text[:reach] + text[-reach:], True)


_FIELD = re.compile(r"\{(text_pair|text)\}")
_DEFAULT = "{text}"
_DEFAULT_PAIR = "{text}\n{text_pair}"


@dataclass(frozen=True)
class Filled:
    """A prompt with its texts.

    :ivar text: what is tokenised.
    :ivar spans: for each text in it, its first character and the one after its last.
    :ivar shortened: whether a text lost its middle before it was tokenised.
    """

    text: str
    spans: tuple[tuple[int, int], ...]
    shortened: bool

    def keep(self, offsets: Sequence[Sequence[int]], rendering: Rendering) -> list[int]:
        """Indices of the tokens that stay so that at most ``max_length`` do.

        Only tokens that lie wholly within a text can go; of two texts the one with more tokens is cut first.

        :param offsets: first character and the one after the last, for each token.
        :raises UsageError: if the template alone is too long.
        """
        over = len(offsets) - rendering.max_length
        if over <= 0:
            return list(range(len(offsets)))
        inside = [
            [i for i, (begin, end) in enumerate(offsets) if first <= begin < end <= last]
            for first, last in self.spans
        ]
        budget = sum(map(len, inside)) - over
        if budget < len(self.spans):
            raise UsageError(
                f"The prompt alone has {len(offsets) - sum(map(len, inside))} of the "
                f"{rendering.max_length} tokens that are allowed.",
                "Shorten the prompt, or raise the maximum length.",
            )
        shares = (budget,) if len(inside) == 1 else share(len(inside[0]), len(inside[1]), budget)
        dropped: set[int] = set()
        for tokens, part in zip(inside, shares, strict=True):
            dropped |= set(tokens) - set(cut(tokens, part, rendering.truncation))
        return [i for i in range(len(offsets)) if i not in dropped]


@dataclass(frozen=True)
class Prompt:
    """A template taken apart.

    :ivar template: as the rendering gives it; empty for the texts alone, with a newline between them.
    """

    template: str

    @classmethod
    def of(cls, rendering: Rendering) -> Prompt:
        """The prompt of a rendering.

        :raises UsageError: if it does not hold ``{text}`` exactly once and ``{text_pair}`` at most once.
        """
        fields = _FIELD.findall(rendering.prompt)
        if rendering.prompt and (fields.count("text") != 1 or fields.count("text_pair") > 1):
            raise UsageError(
                "The prompt must hold {text} exactly once, and {text_pair} at most once.",
                'For example: "Review: {text}\\nThe sentiment of this review is"',
            )
        return cls(rendering.prompt)

    def fill(self, row: Row, rendering: Rendering, characters_per_token: int) -> Filled:
        """Put a row's texts in.

        :raises InputError: if row and template do not agree on whether there is a second text.
        """
        template = self.template or (_DEFAULT_PAIR if row.has_pair else _DEFAULT)
        if ("{text_pair}" in template) != row.has_pair:
            raise InputError(
                "The prompt has a place for a second text, and the row has none."
                if not row.has_pair
                else "The row has a second text, and the prompt has no place for it.",
                "Give pairs to skills for pairs, and single texts to the others.",
            )
        parts: list[str] = []
        spans: list[tuple[int, int]] = []
        shortened = False
        length = end = 0
        for match in _FIELD.finditer(template):
            literal = template[end : match.start()]
            value = row.text if match[1] == "text" else row.text_pair or ""
            text, short = shorten(value, rendering, characters_per_token)
            shortened = shortened or short
            begin = length + len(literal)
            length = begin + len(text)
            parts += [literal, text]
            spans.append((begin, length))
            end = match.end()
        parts.append(template[end:])
        return Filled("".join(parts), tuple(spans), shortened)

"""Which tokens of a text that is too long are kept.

``head`` keeps the beginning. ``head_tail`` keeps the first quarter and the last three quarters of what fits:
reviews conclude at their end (Sun et al. 2019, "How to Fine-Tune BERT", https://arxiv.org/abs/1905.05583).
"""

from __future__ import annotations

from skillstack.frames.records import Rendering


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

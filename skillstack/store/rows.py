"""A row of input: one text, and for pair tasks a second one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from skillstack.errors import InputError

#: Longest text, in characters, that is looked at at all. Longer ones are refused: nobody means to
#: classify ten million characters as one text, and every later step would pay for them.
MAX_CHARACTERS = 2_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One input.

    :ivar text: the text, or the first of a pair.
    :ivar text_pair: the second text of a pair task, else None.
    """

    text: str
    text_pair: str | None = None

    @property
    def has_pair(self) -> bool:
        """Whether there is a second text."""
        return self.text_pair is not None

    @property
    def joined(self) -> str:
        """What a router reads: the text, or both texts with a newline between."""
        return self.text if self.text_pair is None else f"{self.text}\n{self.text_pair}"

    def digest(self) -> str:
        """SHA-256 (hex) over the UTF-8 texts, separated by a NUL, which no text may contain."""
        joined = self.text if self.text_pair is None else f"{self.text}\0{self.text_pair}"
        return hashlib.sha256(joined.encode("utf-8")).hexdigest()


def check_row(text: object, text_pair: object = None) -> Row:
    """A row of these texts.

    :raises InputError: if a text is empty, no string, too long, or holds NUL or a lone surrogate.
    """
    _check_text(text, "The text")
    if text_pair is not None:
        _check_text(text_pair, "The second text")
    return Row(text, text_pair)  # type: ignore[arg-type]


def _check_text(text: object, what: str) -> None:
    if not isinstance(text, str):
        raise InputError(f"{what} is not a string but {type(text).__name__}.", "Give it as text.")
    if not text.strip():
        raise InputError(f"{what} is empty.", "Give at least one word.")
    if len(text) > MAX_CHARACTERS:
        raise InputError(
            f"{what} has {len(text):,} characters; at most {MAX_CHARACTERS:,} are accepted.",
            "Split it, or pass the part that matters.",
        )
    if "\0" in text:
        raise InputError(f"{what} contains a NUL character.", "Remove it; it is no part of any text.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"{what} contains a lone surrogate at character {error.start}.",
            "It was decoded wrongly; read the source as UTF-8.",
        ) from None

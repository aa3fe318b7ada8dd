"""What is done to the texts of a public data set before they are rows."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence

from skillstack.frames.rows import Row

_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_BLANKS = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n[ \n]*")
_BARE_ENTITY = re.compile(r"(?<!&)#(\d{2,4});")
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_PHONE = re.compile(r"(?<![\w.])(?:\+?1[ .-]?)?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?!\w)")
_OTHER = re.compile(r"[\W_]+")


def clean(text: str, steps: Sequence[str]) -> str:
    """The text with markup and escapes restored to plain characters; runs of blanks become one.

    :param steps: of ``breaks``, ``escapes``, ``entities`` and ``mask``, whatever their order.
    """
    if "escapes" in steps:
        # CSV of the original sets: a line break is a backslash and an n, or a backslash alone.
        text = text.replace("\\n", "\n").replace('\\"', '"').replace('""', '"').replace("\\", " ")
    if "entities" in steps:
        text = html.unescape(_BARE_ENTITY.sub(r"&#\1;", text))
    if "breaks" in steps:
        text = _BREAK.sub("\n", text)
    if "mask" in steps:
        text = _PHONE.sub("[phone]", _MAIL.sub("[email]", text))
    text = text.replace("\r", "\n").replace("\0", " ")
    return _LINES.sub("\n", _BLANKS.sub(" ", text)).strip()


def likeness(row: Row) -> str:
    """What two equal texts share: letters and digits, lower-cased, without accents and punctuation."""
    plain = unicodedata.normalize("NFKD", row.joined).casefold()
    without = "".join(character for character in plain if not unicodedata.combining(character))
    return _OTHER.sub("", without) or row.joined

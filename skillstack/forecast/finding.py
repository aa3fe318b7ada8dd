"""What an examination finds: one sentence of what is so, and one of what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """One line of an examination.

    :ivar section: what it is about: ``machine``, ``training`` or ``store``.
    :ivar level: ``ok``; ``note`` for what to know; ``problem`` for what keeps a training from running.
    :ivar subject: a word or two.
    :ivar text: what is so.
    :ivar remedy: what to do; empty where nothing need be done.
    """

    section: str
    level: Level
    subject: str
    text: str
    remedy: str = ""

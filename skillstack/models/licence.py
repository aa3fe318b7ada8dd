"""The licence of a model, as its own card states it."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from skillstack.models import builtin, smollm2
from skillstack.models.sources import Source

_LICENCE = re.compile(r"^license: *[\"']?([^\s\"']{1,80})", re.MULTILINE)
_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---", re.DOTALL)
_MAX_CARD_BYTES = 2**20


def licence_of(source: Source) -> str:
    """The licence in the front matter of the model's card; empty where there is none to be had.

    The card of a model of the hub is fetched with it, if it is not in the cache.
    """
    if source.name in (builtin.NAME, smollm2.NAME):
        return "apache-2.0"
    card = source.folder / "README.md"
    if not card.is_file() and source.revision:
        from huggingface_hub import hf_hub_download

        with contextlib.suppress(Exception):  # a model without a card is a model all the same
            card = Path(hf_hub_download(source.name, "README.md", revision=source.revision))
    try:
        with card.open("rb") as stream:
            text = stream.read(_MAX_CARD_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
    front = _FRONT_MATTER.match(text)
    found = _LICENCE.search(front[1]) if front else None
    return found[1] if found else ""

"""Where fetched tasks, converted models and fingerprints are kept; deleting that folder loses only time."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """``$SKILLSTACK_CACHE``, else ``skillstack`` in the XDG cache folder; it need not exist yet."""
    own = os.environ.get("SKILLSTACK_CACHE")
    if own:
        return Path(own).expanduser()
    xdg = os.environ.get("XDG_CACHE_HOME")
    return (Path(xdg).expanduser() if xdg else Path.home() / ".cache") / "skillstack"

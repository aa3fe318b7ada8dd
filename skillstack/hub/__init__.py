"""What tasks and models share about the model hub: its failures in plain words, and the user's cache."""

from __future__ import annotations

from skillstack.hub.cachedir import cache_dir
from skillstack.hub.failures import explain, is_offline

__all__ = ["cache_dir", "explain", "is_offline"]

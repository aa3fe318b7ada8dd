"""The user's cache, under the name by which models know it."""

from __future__ import annotations

from skillstack.hub.cachedir import cache_dir

__all__ = ["cache_dir"]

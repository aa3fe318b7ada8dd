"""The command line: one file per command, a lazy group, and `render`, the only place that prints."""

from __future__ import annotations

from skillstack.cli.entry import main

__all__ = ["main"]

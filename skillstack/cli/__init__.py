"""The command line: one file per command with its output; `console` is the only place that prints."""

from __future__ import annotations

from skillstack.cli.group import main

__all__ = ["main"]

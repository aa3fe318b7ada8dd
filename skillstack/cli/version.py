"""Which version this is."""

from __future__ import annotations


def version() -> str:
    """The installed version, or a word where the package runs without having been installed."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("skillstack")
    except PackageNotFoundError:
        return "(not installed)"

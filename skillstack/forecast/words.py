"""Figures of a forecast in words; they are rough, and say no more than they know."""

from __future__ import annotations

from collections.abc import Sequence

from skillstack.forecast.pace import Span
from skillstack.models.devices import Device


def amount(count: int) -> str:
    """``1.5 GB``, ``90 MB``: bytes in decimal units, two figures."""
    megabytes = max(count, 0) / 1e6
    if megabytes >= 950:
        return f"{megabytes / 1000:.1f} GB"
    return f"{megabytes:.0f} MB" if megabytes >= 1 else "less than 1 MB"


def span_words(span: Span) -> str:
    """``2 to 6 minutes``; what is under a minute is said in seconds, what is over two hours in hours."""
    for unit, length, below in (("seconds", 1.0, 60.0), ("minutes", 60.0, 7200.0)):
        if span.high < below:
            return _range(span, length, unit)
    return _range(span, 3600.0, "hours")


def listed(parts: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1]))) if parts else ""


def device_words(device: Device) -> str:
    """``Tesla T4 (capability 7.5)``, or ``the CPU``."""
    if device.kind != "cuda":
        return "the CPU"
    capability = "" if device.capability is None else f" (capability {'.'.join(map(str, device.capability))})"
    return f"{device.name or 'a GPU'}{capability}"


def _range(span: Span, length: float, unit: str) -> str:
    low, high = max(1, round(span.low / length)), max(1, round(span.high / length))
    if low < high:
        return f"{low} to {high} {unit}"
    return f"{high} {unit if high > 1 else unit.removesuffix('s')}"

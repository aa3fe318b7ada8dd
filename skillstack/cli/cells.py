"""Routes and predictions as cells of a table: the columns that are added to a person's own rows."""

from __future__ import annotations

from collections.abc import Mapping

from skillstack.answers import Predicted, Routed
from skillstack.data.tables import Cell

#: Why a row has no answer.
ERROR = "error"
ROUTE = {"task": str, "family": str, "frame": str, "confidence": float, ERROR: str}
PREDICTION = {
    **{"task": str, "family": str, "frame": str, "confidence": float},
    **{"label": str, "probability": float, ERROR: str},
}


def route_cells(routed: Routed) -> Mapping[str, Cell]:
    """A route by column."""
    return {
        "task": routed.task,
        "family": routed.family,
        "frame": routed.frame,
        "confidence": round(routed.confidence, 6),
    }


def prediction_cells(predicted: Predicted) -> Mapping[str, Cell]:
    """A prediction by column; ``probability`` is that of the label."""
    name = predicted.label_name
    return {
        **route_cells(predicted.routed),
        "label": name,
        "probability": round(predicted.probabilities[name], 6) if name is not None else None,
    }

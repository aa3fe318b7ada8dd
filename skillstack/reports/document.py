"""The report as JSON: the evaluation's own document, and what the report adds."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from skillstack.evaluation.document import evaluation_json, rounded
from skillstack.reports.material import Material
from skillstack.reports.provenance import provenance
from skillstack.reports.sections.forgetting import losses
from skillstack.reports.verdict import verdict

#: Version of what the report adds. It marks a folder as a report, too.
FORMAT = 1


def report_json(material: Material) -> dict[str, Any]:
    """As `report.json` has it.

    How many answers were known already, and the seconds it took, are left out: they are of one run, and the
    same stack shall give the same report.
    """
    found = evaluation_json(material.evaluation)
    found["effort"] = {"answers": material.evaluation.effort.answers}
    e = material.evaluation
    found["report"] = {
        "format": FORMAT,
        "verdict": verdict(e).to_json(),
        "frames": [rounded(asdict(frame)) for frame in material.frames],
        "losses": {
            task.skill: None
            if one is None
            else {
                "difference": rounded(one.difference),
                "interval": rounded([one.interval.low, one.interval.high]),
            }
            for task, one in zip(e.tasks, losses(e), strict=True)
        },
        "methods": None if material.bench is None else dict(material.bench.document),
        "compression": None if material.compression is None else material.compression.to_json(),
        "provenance": provenance(material),
    }
    return found


def dumps(document: dict[str, Any]) -> str:
    """The document as text, in ASCII: any encoding carries it, and no terminal acts on it."""
    return json.dumps(document, indent=1, allow_nan=False).replace("\x7f", "\\u007f") + "\n"

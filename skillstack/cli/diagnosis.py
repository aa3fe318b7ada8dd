"""An examination as people and programs read it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from skillstack.cli.render import width
from skillstack.wording import clean_line

if TYPE_CHECKING:
    from skillstack.forecast.doctor import Examination, Finding
    from skillstack.forecast.estimate import Span, TrainingRequest

_INDENT = 24


def diagnosis_words(examination: Examination, request: TrainingRequest) -> list[str]:
    """Every finding under its section, and what it comes to."""
    what = request.preset or ", ".join(request.tasks)
    titles = {
        "machine": "This machine",
        "training": f"A training of {what}" if what else "A training",
        "store": "The store",
    }
    lines: list[str] = []
    for section, title in titles.items():
        lines += [clean_line(title)]
        for finding in examination.findings:
            if finding.section == section:
                lines += _finding_words(finding)
        lines.append("")
    problems = sum(finding.level == "problem" for finding in examination.findings)
    if problems:
        return [*lines, f"This cannot run here: {problems} problem{'s' if problems > 1 else ''}."]
    return [*lines, "Ready."]


def diagnosis_json(examination: Examination) -> dict[str, Any]:
    """All of it as JSON."""
    machine, base, rules = examination.machine, examination.base, examination.rules
    estimate = examination.estimate
    gpus = zip(machine.gpus, machine.gpu_free, strict=True)
    return {
        "ready": examination.ready,
        "machine": {
            "system": machine.system,
            "python": machine.python,
            "cores": machine.cores,
            "memory_free": machine.memory_free or None,
            "memory_total": machine.memory_total or None,
            "notebook": machine.notebook or None,
            "gpus": [
                {
                    "name": gpu.name,
                    "capability": list(gpu.capability) if gpu.capability else None,
                    "memory": gpu.memory,
                    "memory_free": free,
                }
                for gpu, free in gpus
            ],
            "torch": machine.torch or None,
            "libraries": [
                {"name": one.name, "version": one.version or None, "needed": one.needed, "fits": one.fits}
                for one in examination.libraries
            ],
        },
        "training": {
            "base": base.calls_itself,
            "kind": base.kind or None,
            "parameters": base.parameters or None,
            "device": examination.device.kind,
            "precision": rules.precision.value,
            "arithmetic": rules.arithmetic.value,
            "scaler": rules.mixed.value == "fp16",
            "gradient_checkpointing": rules.checkpointing.value == "on",
            "micro_batch": estimate.rows_at_once,
            "memory": estimate.memory or None,
            "download": estimate.download,
            "disk": estimate.disk,
            "seconds": seconds_json(estimate.seconds),
            "tasks": [
                {
                    "name": one.name,
                    "source": one.source or None,
                    "labels": one.labels or None,
                    "licence": one.licence,
                    "download": one.download,
                }
                for one in examination.tasks
            ],
        },
        "findings": [
            {
                "section": finding.section,
                "level": finding.level,
                "subject": finding.subject,
                "text": finding.text,
                "remedy": finding.remedy,
            }
            for finding in examination.findings
        ],
    }


def seconds_json(span: Span | None) -> list[int] | None:
    """The ends of a range, in whole seconds."""
    return None if span is None else [round(span.low), round(span.high)]


def _finding_words(finding: Finding) -> list[str]:
    head = f"  {finding.level:<8}{finding.subject:<{_INDENT - 10}}"
    lines = _wrapped(finding.text, head)
    return lines + (_wrapped(finding.remedy, " " * _INDENT) if finding.remedy else [])


def _wrapped(text: str, head: str) -> list[str]:
    return textwrap.wrap(
        clean_line(text),
        width(),
        initial_indent=head,
        subsequent_indent=" " * _INDENT,
        break_on_hyphens=False,
    )

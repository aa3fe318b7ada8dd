"""``skillstack doctor``: what this machine is, what a training would choose, and what is missing for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skillstack.cli.command import Invocation, command
from skillstack.cli.console import fields, wrapped
from skillstack.cli.options import Wanted, wanting
from skillstack.wording import clean_line, many

if TYPE_CHECKING:
    from skillstack.forecast.doctor import Examination
    from skillstack.forecast.estimate import Span, TrainingRequest

_INDENT = 24


@command(
    "skillstack doctor",
    "skillstack doctor --preset hard8",
    "skillstack doctor --preset hard8 --model Qwen/Qwen2.5-1.5B-Instruct",
    "skillstack doctor --task agnews --data-dir data --json",
)
@wanting
def doctor(call: Invocation, wanted: Wanted) -> int:
    """Check what this machine can train, what settings a training would choose, and what is missing.

    Nothing is downloaded or written. The status is 1 if the training cannot run here.
    """
    from skillstack.forecast.doctor import examine

    request = wanted.request(call.store, {})
    examination = examine(request)
    call.answer(lambda: diagnosis_json(examination), lambda: diagnosis_words(examination, request))
    return 0 if examination.ready else 1


def diagnosis_words(examination: Examination, request: TrainingRequest) -> list[str]:
    """Every finding under its section, and the conclusion."""
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
                head = f"  {finding.level:<8}{finding.subject:<{_INDENT - 10}}"
                lines += wrapped(finding.text, head, " " * _INDENT)
                lines += wrapped(finding.remedy, " " * _INDENT, " " * _INDENT)
        lines.append("")
    problems = sum(finding.level == "problem" for finding in examination.findings)
    return [*lines, f"This cannot run here: {many(problems, 'problem')}." if problems else "Ready."]


def diagnosis_json(examination: Examination) -> dict[str, Any]:
    """All of it as JSON."""
    machine, base, rules = examination.machine, examination.base, examination.rules
    estimate = examination.estimate
    gpus = zip(machine.gpus, machine.gpu_free, strict=True)
    return {
        "ready": examination.ready,
        "machine": {
            **fields(machine, "system", "python", "cores"),
            "memory_free": machine.memory_free or None,
            "memory_total": machine.memory_total or None,
            "notebook": machine.notebook or None,
            "gpus": [
                {
                    **fields(gpu, "name", "memory"),
                    "capability": list(gpu.capability) if gpu.capability else None,
                    "memory_free": free,
                }
                for gpu, free in gpus
            ],
            "torch": machine.torch or None,
            "libraries": [
                {**fields(one, "name", "needed", "fits"), "version": one.version or None}
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
                    **fields(one, "name", "licence", "download"),
                    "source": one.source or None,
                    "labels": one.labels or None,
                }
                for one in examination.tasks
            ],
        },
        "findings": [
            fields(finding, "section", "level", "subject", "text", "remedy")
            for finding in examination.findings
        ],
    }


def seconds_json(span: Span | None) -> list[int] | None:
    """The ends of a range, in whole seconds."""
    return None if span is None else [round(span.low), round(span.high)]

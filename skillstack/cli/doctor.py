"""``skillstack doctor``: what this machine is, what a training would choose, and what is missing for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillstack.cli.command import Invocation, command
from skillstack.cli.console import table
from skillstack.cli.options import Wanted, wanting
from skillstack.wording import clean_line, many

if TYPE_CHECKING:
    from skillstack.forecast.doctor import Examination
    from skillstack.forecast.plan import TrainingRequest


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
    call.answer(examination.to_json, lambda: diagnosis_words(examination, request))
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
        rows = []
        for finding in examination.findings:
            if finding.section == section:
                rows.append([finding.level, finding.subject, finding.text])
                rows += [["", "", finding.remedy]] if finding.remedy else []
        lines += [clean_line(title), *table([], rows, left=range(3)), ""]
    problems = sum(finding.level == "problem" for finding in examination.findings)
    return [*lines, f"This cannot run here: {many(problems, 'problem')}." if problems else "Ready."]

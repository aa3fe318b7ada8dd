"""What has to come from elsewhere: tasks and models, their size, and leave to have them."""

from __future__ import annotations

from collections.abc import Sequence

from skillstack.errors import SkillStackError
from skillstack.forecast.bases import BaseFacts
from skillstack.forecast.finding import Finding
from skillstack.forecast.lessons import Lesson
from skillstack.forecast.words import amount, listed


def supply_findings(facts: BaseFacts, lessons: Sequence[Lesson], preset: str | None) -> list[Finding]:
    """What cannot be had; equal troubles of several tasks are one finding."""
    found = []
    if facts.trouble is not None:
        found.append(Finding("training", "problem", "model", facts.trouble.message, facts.trouble.hint))
    elif facts.gated and facts.download != 0 and not _has_token():
        found.append(
            Finding(
                "training",
                "problem",
                "token",
                f"{facts.calls_itself} is gated, and this machine has no token for the hub.",
                f"Accept its terms on its page at huggingface.co/{facts.calls_itself}, then `hf auth login`.",
            )
        )
    troubles = [(one, one.trouble) for one in lessons if one.trouble is not None]
    if len({trouble.hint.replace(one.name, "") for one, trouble in troubles}) == 1 < len(troubles):
        text = f"{len(troubles)} tasks are not here: {listed([one.name for one, _ in troubles])}."
        found.append(Finding("training", "problem", "tasks", text, _together(troubles, preset)))
    else:
        found += [
            Finding("training", "problem", "task", trouble.message, trouble.hint) for _, trouble in troubles
        ]
    here = [one for one in lessons if one.trouble is None]
    if here:
        count = f"{len(here)} of {len(lessons)} can be had" if troubles else f"{len(here)} can be had"
        sources = [
            f"{sum(one.source == kind for one in here)} {said}"
            for kind, said in _SAID.items()
            if any(one.source == kind for one in here)
        ]
        found.append(Finding("training", "ok", "tasks", f"{count}: {listed(sources)}."))
    return found


_SAID = {"starter": "with the package", "folder": "in the data folder", "hub": "from the hub or its cache"}


def download_findings(facts: BaseFacts, lessons: Sequence[Lesson]) -> list[Finding]:
    """Whether something has to be downloaded, and how much."""
    parts = []
    if facts.download is None:
        parts.append("the model, whose size is unknown")
    elif facts.download:
        parts.append(f"the model, about {amount(facts.download)}")
    tasks = [one for one in lessons if one.download]
    if tasks:
        size = amount(sum(one.download for one in tasks))
        parts.append(f"{len(tasks)} task{'s' if len(tasks) > 1 else ''}, about {size}")
    if not parts:
        return [Finding("training", "ok", "download", "Nothing has to be downloaded.")]
    text = f"To be downloaded: {listed(parts)}."
    return [
        Finding("training", "note", "download", text, "For a machine without a network: `skillstack fetch`.")
    ]


def _together(troubles: Sequence[tuple[Lesson, SkillStackError]], preset: str | None) -> str:
    """One hint for several tasks, from the first one's."""
    one, trouble = troubles[0]
    tasks = f"--preset {preset}" if preset else " ".join(f"--task {other.name}" for other, _ in troubles)
    return trouble.hint.replace(f"--task {one.name}", tasks).replace(f"{one.name}/", "them")


def _has_token() -> bool:
    try:
        from huggingface_hub import get_token
    except ImportError:
        return False
    return bool(get_token())

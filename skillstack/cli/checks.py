"""A verification: doing it even where opening fails, and what it found, in words and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from skillstack.answers import Agreement, CanaryCheck
from skillstack.cli.answered import agreement_words
from skillstack.cli.opening import open_stack
from skillstack.cli.render import width
from skillstack.cli.words import columns
from skillstack.errors import IntegrityError, UsageError
from skillstack.store.locate import find_store
from skillstack.store.store import MARKER, REFERENCE
from skillstack.store.verify import Problem, Verification
from skillstack.wording import clean_line, many

#: Stray files that are named without --json.
STRAYS = 5


@dataclass(frozen=True)
class Checked:
    """What was checked and how it stands.

    :ivar where: the store.
    :ivar files: what its files are.
    :ivar canaries: what the frames answered, or None where they were not asked.
    :ivar agreement: how many answers kept their label at another precision; None where none was asked for.
    """

    where: str
    files: Verification
    canaries: tuple[CanaryCheck, ...] | None = None
    agreement: Agreement | None = None

    @property
    def ok(self) -> bool:
        """Whether all that was checked holds."""
        return self.files.ok and all(check.ok for check in self.canaries or ())


def check(
    store: str | None,
    stack: str | None,
    *,
    deep: bool,
    device: str,
    model: str | None = None,
    precision_change: str | None = None,
) -> Checked:
    """Verify the store. What is needed to open it may be the very thing that is damaged.

    :param precision_change: with ``deep``, hold the base at another precision than the frames' own.
    :raises StoreError: if there is no store, or a newer version made it.
    :raises MismatchError: with ``deep``, if the base here is not the one of the frames.
    """
    from skillstack.api import Stack

    try:
        opened = open_stack(store, stack)
    except (IntegrityError, UsageError):
        if stack is not None:
            raise
        try:
            opened, deep = Stack(find_store(store).store, REFERENCE), False
        except IntegrityError as error:
            return Checked(str(store or "."), Verification(1, 0, (Problem(MARKER, error.message),), ()))
    files, canaries = opened.verify(deep=deep, model=model, device=device, precision_change=precision_change)
    if not deep or not files.ok:
        return Checked(str(opened.store.root), files)
    changed = None
    if precision_change is not None:
        changed = opened.agreement(precision_change, model=model, device=device)
    return Checked(str(opened.store.root), files, canaries, changed)


def check_json(checked: Checked) -> dict[str, Any]:
    """``canaries`` is null where none were asked, ``agreement`` at the precision of the training."""
    files, canaries, changed = checked.files, checked.canaries, checked.agreement
    return {
        "ok": checked.ok,
        "store": checked.where,
        "files": files.files,
        "stacks": files.stacks,
        "problems": [{"path": p.path, "message": p.message} for p in files.problems],
        "strays": list(files.strays),
        "canaries": None if canaries is None else [_canary(check) for check in canaries],
        "agreement": None if changed is None else asdict(changed),
    }


def _canary(check: CanaryCheck) -> dict[str, Any]:
    return {
        "frame": check.frame,
        "skill": check.skill,
        "distance": check.distance,
        "effect": check.effect,
        "limit": check.limit,
        "ok": check.ok,
    }


def check_words(checked: Checked) -> list[str]:
    """One line of what was checked, then what does not hold."""
    files = checked.files
    what = f"{many(files.files, 'file')} and {many(files.stacks, 'stack')} in {checked.where}"
    lines = [f"{what}: all whole." if files.ok else f"{what}: {many(len(files.problems), 'problem')}."]
    for problem in files.problems:
        lines += [f"  {clean_line(problem.path)}", f"      {clean_line(problem.message)}"]
    if files.strays:
        lines.append(f"Strays, which belong to nothing here and do no harm: {len(files.strays):,}")
        lines += [f"  {path}" for path in files.strays[:STRAYS]]
        if len(files.strays) > STRAYS:
            lines.append(f"  ... and {len(files.strays) - STRAYS:,} more")
    if checked.canaries is not None:
        lines += _canary_words(checked.canaries)
    if checked.agreement is not None:
        lines += textwrap.wrap(agreement_words(checked.agreement), width())
    return lines


def _canary_words(canaries: Sequence[CanaryCheck]) -> list[str]:
    good = sum(check.ok for check in canaries)
    total = many(len(canaries), "skill")
    table = [
        ["", "SKILL", "DISTANCE", "LIMIT", "ADAPTER'S EFFECT"],
        *[
            [
                "ok" if check.ok else "NO",
                check.skill,
                f"{check.distance:.2g}",
                f"{check.limit:.2g}",
                f"{check.effect:.2g}",
            ]
            for check in canaries
        ],
    ]
    title = f"{good} of {total} answer the canary sentences as when they were made."
    return [title, *(f"  {line}" for line in columns(table, right=(2, 3, 4)))]

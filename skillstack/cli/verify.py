"""``skillstack verify``: whether every file is intact, and every frame answers as when it was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from skillstack.cli.command import Invocation, command
from skillstack.cli.console import fields, table, wrapped
from skillstack.cli.options import device_option, model_option, precision_change_option, where
from skillstack.cli.predict import agreement_words
from skillstack.errors import IntegrityError, UsageError
from skillstack.wording import clean_line, many

if TYPE_CHECKING:
    from skillstack.results import Agreement, CanaryCheck
    from skillstack.store.verify import Verification

#: Stray files that are named without --json.
STRAYS = 5


@command(
    "skillstack verify",
    "skillstack verify --deep",
    "skillstack verify --deep --precision-change fp32",
    "skillstack verify --json",
)
@click.option("--deep", is_flag=True, help="Also load the base model and check each frame's stored answers.")
@device_option("With --deep: device to run on.")
@model_option("With --deep: folder of the base model, if it is not where the frames expect it.")
@precision_change_option("With --deep: load the base in another precision than in training.")
def verify(call: Invocation, deep: bool, device: str, model: str | None, precision_change: str | None) -> int:
    """Check that every file of the store is intact. Exit status 1 means that one is not.

    Digests prove that nothing was altered by accident, not who wrote it. With --precision-change it counts
    the answers that keep their label; the coarser of the two precisions sets the tolerance.
    """
    if precision_change is not None and not deep:
        raise UsageError("--precision-change needs --deep.", "Add --deep, or leave it out.")
    checked = _check(call, deep=deep, device=device, model=model, precision_change=precision_change)
    call.answer(lambda: check_json(checked), lambda: check_words(checked))
    return 0 if checked.ok else 1


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


def _check(call: Invocation, *, deep: bool, **options: Any) -> Checked:
    """Verify the store. What is needed to open it may be the very thing that is damaged.

    :raises StoreError: if there is no store, or a newer version made it.
    :raises MismatchError: with ``deep``, if the base here is not the one of the frames.
    """
    from skillstack.stack import Stack
    from skillstack.store.locate import find_store
    from skillstack.store.marker import MARKER
    from skillstack.store.store import REFERENCE
    from skillstack.store.verify import Problem, Verification

    changes = options["precision_change"] is not None
    try:
        opened = call.open(**where(options))
    except (IntegrityError, UsageError):
        if call.stack is not None:
            raise
        try:
            opened, deep = Stack(find_store(call.store).store, REFERENCE), False
        except IntegrityError as error:
            damaged = Verification(1, 0, (Problem(MARKER, error.message),), ())
            return Checked(str(call.store or "."), damaged)
    files, canaries = opened.verify(deep=deep)
    if not deep or not files.ok:
        return Checked(str(opened.store.root), files)
    changed = opened.agreement() if changes else None
    return Checked(str(opened.store.root), files, canaries, changed)


def check_json(checked: Checked) -> dict[str, Any]:
    """``canaries`` is null where none were asked, ``agreement`` at the precision of the training."""
    files, canaries, changed = checked.files, checked.canaries, checked.agreement
    return {
        "ok": checked.ok,
        "store": checked.where,
        "files": files.files,
        "stacks": files.stacks,
        "problems": [fields(p, "path", "message") for p in files.problems],
        "strays": list(files.strays),
        "canaries": None
        if canaries is None
        else [fields(one, "frame", "skill", "distance", "effect", "limit", "ok") for one in canaries],
        "agreement": None if changed is None else asdict(changed),
    }


def check_words(checked: Checked) -> list[str]:
    """One line of what was checked, then what does not hold."""
    files = checked.files
    what = f"{many(files.files, 'file')} and {many(files.stacks, 'stack')} in {checked.where}"
    lines = [f"{what}: all intact." if files.ok else f"{what}: {many(len(files.problems), 'problem')}."]
    for problem in files.problems:
        lines += [f"  {clean_line(problem.path)}", f"      {clean_line(problem.message)}"]
    if files.strays:
        lines.append(f"Stray files, which belong to nothing and do no harm: {len(files.strays):,}")
        lines += [f"  {path}" for path in files.strays[:STRAYS]]
        if len(files.strays) > STRAYS:
            lines.append(f"  ... and {len(files.strays) - STRAYS:,} more")
    if checked.canaries is not None:
        lines += _canary_words(checked.canaries)
    if checked.agreement is not None:
        lines += wrapped(agreement_words(checked.agreement), rest="")
    return lines


def _canary_words(canaries: Sequence[CanaryCheck]) -> list[str]:
    rows = [
        [
            "ok" if check.ok else "NO",
            check.skill,
            *(f"{value:.2g}" for value in (check.distance, check.limit, check.effect)),
        ]
        for check in canaries
    ]
    good, total = sum(check.ok for check in canaries), many(len(canaries), "skill")
    title = f"{good} of {total} answer the canary sentences as when they were made."
    return [title, *table(["", "SKILL", "DISTANCE", "LIMIT", "ADAPTER'S EFFECT"], rows, left=(0, 1))]

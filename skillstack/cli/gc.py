"""``skillstack gc``: the space of files that nothing needs any more."""

from __future__ import annotations

import click

from skillstack.cli.command import Invocation, again, command
from skillstack.cli.console import fields, note
from skillstack.wording import clean_line, many, size

#: Files that are listed without --json.
LISTED = 20


@command("skillstack gc", "skillstack gc --apply", "skillstack gc --apply --expire-now")
@click.option(
    "--apply/--dry-run", "apply", default=False, help="Remove the files, or only list them (the default)."
)
@click.option("--expire-now", is_flag=True, help="Also remove what was undone in the last two weeks.")
def gc(call: Invocation, apply: bool, expire_now: bool) -> None:
    """Free the space of files that no stack, no recent undo and no training needs any more."""
    from skillstack.library import Library

    opened = call.open()
    garbage = Library(call.store).gc(dry_run=not apply, expire_now=expire_now)

    def words() -> list[str]:
        if not garbage.files:
            return ["There is nothing to free."]
        freed = f"{size(garbage.bytes)} in {many(len(garbage.files), 'file')} of {opened.store.root}:"
        lines = [f"{'Freed' if apply else 'Would free'} {freed}"]
        lines += [f"  {clean_line(path)}" for path in garbage.files[:LISTED]]
        if len(garbage.files) > LISTED:
            lines.append(f"  ... and {len(garbage.files) - LISTED:,} more")
        if garbage.undos:
            gone = "can no longer" if apply else "could no longer"
            lines.append(f"{many(garbage.undos, 'change')} {gone} be undone or redone.")
        return lines if apply else [*lines, f"Nothing was removed. To remove them: {again('--apply')}"]

    for link in garbage.links:
        note(f"{clean_line(link)} is a link: what lies behind it is left alone.")
    call.answer(lambda: {"applied": apply, **fields(garbage, "files", "bytes", "undos", "links")}, words)

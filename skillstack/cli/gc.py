"""``skillstack gc``."""

from __future__ import annotations

import click

from skillstack.cli import render
from skillstack.cli.command import command
from skillstack.cli.opening import open_stack
from skillstack.wording import clean_line

#: Files that are listed without --json.
LISTED = 20


@command("skillstack gc", "skillstack gc --apply", "skillstack gc --apply --expire-now")
@click.option(
    "--apply/--dry-run", "apply", default=False, help="Remove it; without, only say what would be removed."
)
@click.option("--expire-now", is_flag=True, help="Do not keep what was undone in the last two weeks.")
def gc(apply: bool, expire_now: bool, store: str | None, stack: str | None, as_json: bool) -> None:
    """Free the space of what no stack, no recent undo and no training needs any more."""
    from skillstack.wording import many, size

    opened = open_stack(store, stack)
    garbage = opened.gc(dry_run=not apply, expire_now=expire_now)
    if as_json:
        render.document(
            {
                "applied": apply,
                "files": list(garbage.files),
                "bytes": garbage.bytes,
                "undos": garbage.undos,
                "links": list(garbage.links),
            }
        )
        return
    for link in garbage.links:
        render.note(f"{clean_line(link)} is a link: what lies behind it is left alone.")
    if not garbage.files:
        render.out("There is nothing to free.")
        return
    freed = "Freed" if apply else "Would free"
    render.out(f"{freed} {size(garbage.bytes)} in {many(len(garbage.files), 'file')}:")
    for path in garbage.files[:LISTED]:
        render.out(f"  {clean_line(path)}")
    if len(garbage.files) > LISTED:
        render.out(f"  ... and {len(garbage.files) - LISTED:,} more")
    if garbage.undos:
        gone = "can no longer" if apply else "could no longer"
        render.out(f"{many(garbage.undos, 'change')} {gone} be undone or redone.")
    if not apply:
        render.out("Nothing was removed yet; pass --apply to do it.")

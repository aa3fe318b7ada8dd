"""``skillstack export``: a stack in one file, or as folders for PEFT."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skillstack.cli.command import Invocation, command
from skillstack.cli.console import fields, pairs, short, wrapped
from skillstack.errors import UsageError
from skillstack.wording import many, size

if TYPE_CHECKING:
    from skillstack.stack import Stack


@command(
    "skillstack export support support.zip",
    "skillstack export support support.zip --with-texts",
    "skillstack export --format peft folders/",
    "skillstack import support.zip        # on the other machine",
)
@click.argument("places", nargs=-1, required=True, metavar="[STACK] PATH")
@click.option(
    "--with-texts",
    is_flag=True,
    help="Include the router's sample texts; without them the router cannot be fitted again elsewhere.",
)
@click.option(
    "--format", "format_", type=click.Choice(("zip", "peft")), default="zip", show_default=True,
    help="zip: one file for `skillstack import`; peft: a folder of plain PEFT folders for other tools.",
)  # fmt: skip
def export(call: Invocation, places: tuple[str, ...], with_texts: bool, format_: str) -> None:
    """Write a stack into one file that another machine imports with the same ids.

    Every file is checked before it is written. The same stack gives the same bytes each time.
    """
    if len(places) > 2 or (len(places) == 2 and call.stack not in (None, places[0])):
        raise UsageError("It is unclear which stack and which path are meant.", "Give them as STACK PATH.")
    peft = format_ == "peft"
    if with_texts and peft:
        raise UsageError("PEFT folders hold no router and no texts.", "Leave --with-texts out.")
    opened = call.open_stack(places[0] if len(places) == 2 else call.stack)
    name = places[0]
    if len(places) == 1 and name in opened.store.stacks():
        # Whoever names a stack alone forgot the path; a file called like a stack is written as ./NAME.
        wanted = ("--format", "peft", name, f"{name}-peft") if peft else (name, f"{name}.zip")
        raise UsageError(
            f"{name!r} is a stack, and the path to write is missing.",
            f"`{call.line('export', *wanted)}`; a path of that name is written as ./{name}.",
        )
    path = Path(places[-1]).expanduser()
    if peft:
        _peft(call, opened, path)
    else:
        _zip(call, opened, path, with_texts)


def _zip(call: Invocation, opened: Stack, path: Path, with_texts: bool) -> None:
    done = opened.export(path, with_texts=with_texts)

    def words() -> list[str]:
        what = f"{many(done.frames, 'frame')} of {done.stack} {short(done.tip)}"
        lines = [f"{done.path}: {what}, {size(done.bytes)} in {many(done.files, 'file')}, all checked."]
        if done.texts:
            texts = f"It includes {many(done.texts, 'text')} of the router's samples, for anyone to read."
        elif done.redacted:
            texts = (
                f"It leaves out {many(done.redacted, 'text')} of the router's samples: the router works "
                "after the import, and cannot be fitted again there. --with-texts includes them."
            )
        else:
            texts = "It includes no texts: the samples are references or hashed features."
        lines += wrapped(texts, rest="")
        if not done.router:
            lines.append("There is no router state, so it must be fitted before the stack can route.")
        return [*lines, f"sha256 {done.sha256}"]

    def document() -> dict[str, Any]:
        found = {**asdict(done), "path": str(done.path)}
        left_out = found.pop("redacted")
        return {**found, "texts_kept_back": left_out}

    call.answer(document, words)


def _peft(call: Invocation, opened: Stack, path: Path) -> None:
    rows = opened.export_peft(path)
    skills = [fields(row, "frame", "skill", "adapter", "head", "seq_cls") for row in rows]
    title = f"{path}: {many(len(rows), 'skill')} of {opened.name}; README.md says how to load them."
    places = [(row.skill, row.seq_cls or row.adapter or f"{row.head[:14]}..., no adapter") for row in rows]
    call.answer(
        lambda: {"path": str(path), "stack": opened.name, "skills": skills}, lambda: [title, *pairs(places)]
    )

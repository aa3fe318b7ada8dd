"""``skillstack export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from skillstack.cli import render
from skillstack.cli.command import command
from skillstack.cli.opening import open_stack
from skillstack.errors import UsageError

if TYPE_CHECKING:
    from skillstack.api import Stack


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
    help="Let the router's sample texts go along; without, it cannot be fitted anew on the other side.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(("zip", "peft")),
    default="zip",
    show_default=True,
    help="One file for `skillstack import`, or a folder of plain PEFT folders for other tools.",
)
def export(
    places: tuple[str, ...],
    with_texts: bool,
    format_: str,
    store: str | None,
    stack: str | None,
    as_json: bool,
) -> None:
    """Write a stack into one file that another machine imports, with the same ids there.

    Every file is checked on the way. The same stack gives the same bytes each time.
    """
    if len(places) > 2 or (len(places) == 2 and stack not in (None, places[0])):
        raise UsageError("Which stack and which path are meant is not clear.", "Give them as STACK PATH.")
    if with_texts and format_ == "peft":
        raise UsageError("PEFT folders hold no router and no texts.", "Leave --with-texts out.")
    opened = open_stack(store, places[0] if len(places) == 2 else stack)
    if len(places) == 1 and places[0] in opened.store.stacks():
        _refuse_stack_alone(places[0], format_)
    path = Path(places[-1]).expanduser()
    if format_ == "peft":
        _peft(opened, path, as_json)
    else:
        _zip(opened, path, with_texts, as_json)


def _refuse_stack_alone(name: str, format_: str) -> NoReturn:
    """Whoever names a stack alone forgot the path; a file called like a stack is told by ``./``."""
    wanted = f"--format peft {name} {name}-peft" if format_ == "peft" else f"{name} {name}.zip"
    raise UsageError(
        f"{name!r} is a stack, and the path to write is missing.",
        f"`skillstack export {wanted}`; a path of that name is written as ./{name}.",
    )


def _zip(opened: Stack, path: Path, with_texts: bool, as_json: bool) -> None:
    from skillstack.cli.words import short
    from skillstack.wording import many, size

    done = opened.export(path, with_texts=with_texts)
    if as_json:
        render.document(
            {
                "path": str(done.path),
                "stack": done.stack,
                "tip": done.tip,
                "frames": done.frames,
                "files": done.files,
                "bytes": done.bytes,
                "sha256": done.sha256,
                "texts": done.texts,
                "texts_kept_back": done.kept_back,
                "router": done.router,
            }
        )
        return
    what = f"{many(done.frames, 'frame')} of {done.stack} {short(done.tip)}"
    render.out(f"{done.path}: {what}, {size(done.bytes)} in {many(done.files, 'file')}, all checked.")
    if done.texts:
        render.out(
            f"It holds {many(done.texts, 'text')} of the router's samples: whoever has it can read them."
        )
    elif done.kept_back:
        render.out(
            f"{many(done.kept_back, 'text')} of the router's samples stay here: the router goes along as"
        )
        render.out("it is, and cannot be fitted anew there. --with-texts lets them go along.")
    else:
        render.out("No texts go out: the samples are references or hashed features.")
    if not done.router:
        render.out("There is no router state, so it must be fitted before the stack can route.")
    render.out(f"sha256 {done.sha256}")


def _peft(opened: Stack, path: Path, as_json: bool) -> None:
    from skillstack.cli.words import columns
    from skillstack.wording import many

    rows = opened.export_peft(path)
    if as_json:
        fields = ("frame", "skill", "adapter", "head", "seq_cls")
        skills = [{name: getattr(row, name) for name in fields} for row in rows]
        render.document({"path": str(path), "stack": opened.name, "skills": skills})
        return
    render.out(f"{path}: {many(len(rows), 'skill')} of {opened.name}; README.md says how to load them.")
    table = [[row.skill, row.seq_cls or row.adapter or f"{row.head[:14]}..., no adapter"] for row in rows]
    render.out("\n".join(f"  {line}" for line in columns(table)))

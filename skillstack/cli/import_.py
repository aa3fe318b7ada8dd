"""``skillstack import``: a stack from a file, or a frame from a plain PEFT folder."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skillstack.cli.command import Invocation, command
from skillstack.cli.console import pairs, short, wrapped
from skillstack.cli.options import device_option, gathering, model_option, precision_option
from skillstack.errors import UsageError
from skillstack.wording import listed, many, percent

if TYPE_CHECKING:
    from skillstack.adapters import ImportedAdapter


def _labels(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    return tuple(label.strip() for label in value.split(",")) if value else ()


#: What a PEFT folder does not say; the command gets ``told``, as `import_adapter` takes it.
_told = gathering(
    dict, "told",
    click.option("--name", metavar="NAME", help="Name of the frame. Default: the folder's name."),
    click.option("--family", metavar="NAME", help="Family of the skill. Default: a family of its own."),
    click.option(
        "--labels", metavar="A,B,...", callback=_labels,
        help="Label names in the order of the logits. Default: those of config.json or of the table.",
    ),
    click.option("--table", metavar="FILE", help="Table of labelled rows, for a head and the router."),
    click.option("--texts", metavar="FILE", help="Texts without labels, for the router alone."),
    click.option("--text-column", metavar="NAME", help="Column with the texts. Default: detected."),
    click.option("--pair-column", metavar="NAME", help="Column with the second texts. Default: none."),
    click.option("--label-column", metavar="NAME", help="Column with the labels. Default: detected."),
    click.option(
        "--prompt", default="", metavar="TEXT", help="Prompt that a decoder reads, with {text} in it."
    ),
    click.option("--max-length", type=int, metavar="N", help="Maximum tokens of a row."),
    model_option("Base model of a new stack, or the folder of the stack's own base model.", "NAME"),
    precision_option("Precision of the base model of a new stack."),
    device_option(),
    click.option(
        "--no-keep-texts", "keep_texts", is_flag=True, flag_value=False, default=True,
        help="Keep hashed features in the store instead of sample texts.",
    ),
)  # fmt: skip
_UNTOLD = {"labels": (), "prompt": "", "device": "auto", "keep_texts": True}


@command(
    "skillstack import support.zip",
    "skillstack import support.zip --as support-2",
    "skillstack import my-lora --labels negative,positive --texts reviews.txt --model ./llama",
    "skillstack import my-lora --name reviews --family sentiment --table reviews.csv",
    "skillstack undo --stack support-2    # takes it back",
)
@click.argument("file", metavar="FILE|FOLDER")
@click.option(
    "--as", "name_here", metavar="NAME", help="Name of the stack here. Default: its name in the file."
)
@_told
def import_(call: Invocation, file: str, name_here: str | None, told: dict[str, Any]) -> None:
    """Import a stack from a file that `skillstack export` wrote, or a LoRA adapter from a PEFT folder.

    An adapter becomes the newest frame of a stack on the same base. A decoder's classification head comes
    along; otherwise a head is fitted from the rows of --table. The router needs texts of the new skill.

    Everything is checked before the stack is touched. Digests prove that nothing was altered by accident, not
    who wrote it: import only what you trust.
    """
    path = Path(file).expanduser()
    if path.is_dir():
        if name_here is not None:
            raise UsageError(
                "--as names a stack of a file, and this is a folder.", "Name the frame with --name."
            )
        _import_adapter(call, path, told)
        return
    given = [name for name, value in told.items() if value != _UNTOLD.get(name)]
    if given:
        option = f"--{given[0].replace('_', '-')}" if given[0] != "keep_texts" else "--no-keep-texts"
        raise UsageError(
            f"{option} is for PEFT folders, and {file} is no folder.",
            "Leave it out; --as names the stack that a file holds.",
        )
    _import_stack(call, path, name_here)


def _import_adapter(call: Invocation, path: Path, told: dict[str, Any]) -> None:
    from skillstack.adapters import import_adapter

    before = call.current()
    done = import_adapter(path, **told, store=call.store, stack=call.stack)
    call.answer(lambda: asdict(done), lambda: [*_adapter_words(done), *call.now_current(before, done.stack)])


def _adapter_words(done: ImportedAdapter) -> list[str]:
    """The new frame: where its head is from, and how good it is where rows tell."""
    head = "came with the adapter" if done.head == "folder" else "fitted on the adapter's features"
    rows = [("labels", listed(list(done.labels[:10]))), ("head", head)]
    if done.dev is not None:
        frozen = done.frozen_linear_dev
        beside = f"; a linear head on the frozen base: {percent(frozen.accuracy)}" if frozen else ""
        rows.append(("accuracy", f"{percent(done.dev.accuracy)} of {done.dev.n:,} dev rows{beside}"))
    rows.append(("router", f"fitted with {many(done.samples, 'text')} of it"))
    if done.named_base and done.named_base != done.base:
        rows.append(("base", f"{done.base}; the folder names {done.named_base}, which cannot be compared"))
    if done.left_out:
        rows.append(("left out", f"{listed(list(done.left_out[:4]))}: behind what frames read"))
    lines = [f"Imported {done.name} as the newest frame of {done.stack}, {short(done.frame)}."]
    if done.copied:
        lines.append(f"{done.stack} is a copy of the reference stack; --stack NAME starts an empty one.")
    return [*lines, *pairs(rows)]


def _import_stack(call: Invocation, path: Path, name: str | None) -> None:
    if call.stack is not None and name is not None and call.stack != name:
        raise UsageError("--stack and --as give two names.", "Leave --stack out; --as names the stack.")
    from skillstack.library import Library

    before = call.current()
    done = Library(call.store).import_stack(path, name=name or call.stack)

    def words() -> list[str]:
        added = f"; {many(done.written, 'missing file')} added" if done.written else ""
        what = "imported" if done.new else f"is here already{added}"
        lines = [f"{done.stack}: {many(done.frames, 'frame')}, tip {short(done.tip)}, {what}."]
        if done.redacted:
            lines += wrapped(
                f"The file leaves out {many(done.redacted, 'text')} of the router's samples: the router "
                "works, and cannot be fitted again, which a new frame would need.",
                rest="",
            )
        if not done.router:
            lines.append("The file holds no router state that fits; it is fitted from the samples.")
        return [*lines, *call.now_current(before, done.stack)]

    def document() -> dict[str, Any]:
        found = asdict(done)
        left_out, _ = found.pop("redacted"), found.pop("current")
        return {**found, "texts_kept_back": left_out}

    call.answer(document, words)

"""``skillstack compress``."""

from __future__ import annotations

import re
import shlex

import click
from click.core import ParameterSource

from skillstack.cli import render
from skillstack.cli.command import command
from skillstack.cli.guarding import Guards, guarding, interruptible, refusal
from skillstack.cli.opening import open_stack
from skillstack.errors import UsageError

_UNITS = {"%": 0.01, "": 1.0, "b": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2**10, "mib": 2**20}


def target_bytes(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """Bytes, or below 1 a share.

    :raises UsageError: if it is neither.
    """
    if value is None:
        return None
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?) ?(%|[kmg]?b|[km]ib|)", value.strip(), re.I | re.ASCII)
    number = float(found[1]) * _UNITS[found[2].lower()] if found else 0.0
    share = found is not None and found[2] == "%"
    if found is None or (not 0 < number < 1 if share else number < 1):
        raise UsageError(f"{value[:40]!r} is no number of bytes.", "Give 250kB, 1.5MB, 250000 or 25%.")
    return number


def _again(context: click.Context) -> str:
    """The same command as it was typed, to be carried out."""
    words = ["skillstack", "compress"]
    for option in context.command.params:
        name = option.name or ""
        if name == "apply" or context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        value = context.params.get(name)
        if isinstance(value, dict):
            words += [word for key, path in value.items() for word in (option.opts[0], f"{key}={path}")]
        elif isinstance(value, str):
            words += [option.opts[0], value]
        elif name == "target" and value is not None:
            words += [option.opts[0], f"{100 * value:g}%" if value < 1 else f"{value:.0f}"]
        elif isinstance(value, float):
            words += [option.opts[0], f"{100 * value if name == 'margin' else value:g}"]
    return shlex.join([*words, "--apply"])


@command(
    "skillstack compress --family sentiment",
    "skillstack compress --family sentiment --margin 5 --apply",
    "skillstack compress --family sentiment --candidates all",
    "skillstack compress --family topic --without wiki_topics",
    "skillstack compress --family sentiment --method rank --margin 2",
    'skillstack compress --family sentiment --candidate "rank 2" --apply',
    "skillstack compress --target-bytes 25%",
    "skillstack compress --family sentiment --json > plan.json",
)
@click.option("--family", metavar="NAME", help="Whose frames become fewer or smaller.")
@click.option("--without", metavar="NAMES", help="Frames of it that stay as they are, with commas.")
@click.option(
    "--target-bytes",
    "target",
    metavar="BYTES",
    callback=target_bytes,
    help="What the whole stack's adapters may have: 250kB, 1.5MB, 25%.",
)
@click.option(
    "--method",
    default="auto",
    show_default=True,
    metavar="NAMES",
    help="anchor, merge, rank, joint, several of them with commas, or auto for all.",
)
@click.option(
    "--candidates",
    type=click.Choice(["few", "all"]),
    default="few",
    show_default=True,
    help="How many candidates are compared where no method is named.",
)
@click.option("--candidate", metavar="NAME", help="Take this one, not the smallest that should pass.")
@click.option(
    "--apply", is_flag=True, help="Test the candidate on guard rows, and carry it out if it passes."
)
@guarding
def compress(
    family: str | None,
    without: str | None,
    target: float | None,
    method: str,
    candidates: str,
    candidate: str | None,
    apply: bool,
    guards: Guards,
    store: str | None,
    stack: str | None,
    as_json: bool,
) -> int:
    """Make the adapters of a family fewer or smaller, or say what would become of it.

    Candidates are compared on dev rows, and the plan changes nothing. With --apply the chosen one is tested
    once on guard rows, which nothing else reads: no task may lose the margin, or nothing happens (status 1).
    With --target-bytes all families are merged or cut, least loss first, until the stack is that small.
    `skillstack undo` brings the old stack back.
    """
    from skillstack.cli.compressed import compressed_words
    from skillstack.cli.interrupts import remembered_interrupts

    opened = open_stack(store, stack)
    count = 0
    changed = "The stack has changed; `skillstack undo` takes it back."
    with interruptible(opened, changed), remembered_interrupts() as check_interrupt:

        def tell(name: str) -> None:
            nonlocal count
            check_interrupt()
            count += 1
            guard = name == "guard"
            render.note("Testing it on guard rows ..." if guard else f"candidate {count}  {name}")

        found = opened.compress(
            family,
            without=[name.strip() for name in (without or "").split(",") if name.strip()],
            target_bytes=target,
            method=method,
            candidates=candidates,
            candidate=candidate,
            apply=apply,
            on_candidate=tell,
            **guards.options,
        )
    if as_json:
        render.document(found.to_json())
    else:
        again = _again(click.get_current_context())
        render.out("\n".join(compressed_words(found, candidate, again, refusal(opened))))
    return 1 if apply and not found.applied else 0

"""`skillstack` alone: the current stack in a few lines, and what to do next in its state."""

from __future__ import annotations

from skillstack.cli.emptiness import commands_back
from skillstack.cli.words import pairs, shorten
from skillstack.errors import SkillStackError
from skillstack.store.locate import choose_stack, find_store
from skillstack.store.records import FrameRecord
from skillstack.store.store import Store
from skillstack.wording import clean_line, many

_NEW = (
    ("skillstack train --preset starter8", "train eight small tasks"),
    ("skillstack learn tickets tickets.csv", "learn a skill of your own"),
)
_ASK = (('skillstack predict "please block my card"', "ask it"),)
_OWN = (
    ('skillstack predict "a text of yours"', "ask it"),
    ("skillstack log", "look at its frames"),
    ("skillstack learn tickets tickets.csv", "learn one more skill"),
)
_MORE = ("skillstack --help", "all commands")


def welcome() -> list[str]:
    """What is here, and the next commands. An unreadable store is said, and is no failure."""
    try:
        found = find_store()
        name = choose_stack(found.store)
        known = name in found.store.stacks()
        chain = tuple(content for _, content in found.store.contents(name)) if known else ()
        back = commands_back(found.store, name) if known and not chain else ()
    except SkillStackError as error:
        return [error.message, *([error.hint] if error.hint else []), *_next((*_NEW, _MORE))]
    if found.packaged:
        said = ["There is no store here yet; the stack that comes with the package answers.", ""]
        return [*said, *_stack(found.store, name, chain), *_next((*_ASK, *_NEW, _MORE))]
    if not chain:
        empty = f"The stack {name} has no frames." if known else "There is no stack of your own yet."
        steps = (*back, *_NEW)
        return [empty, *pairs([("store", str(found.store.root))]), *_next((*steps, _MORE))]
    return [*_stack(found.store, name, chain), *_next((*_OWN, _MORE))]


def _stack(store: Store, name: str, chain: tuple[FrameRecord, ...]) -> list[str]:
    skills = [skill for content in chain for skill in content.skills]
    families = sorted({skill.family for skill in skills})
    newest = chain[-1] if chain else None
    rows = [("store", str(store.root))]
    if newest is not None:
        counted = many(len(chain), "frame")
        if len(skills) != len(chain):
            counted += f", {many(len(skills), 'skill')}"
        rows += [
            ("frames", f"{counted}, the newest is {shorten(newest.name, 40)}"),
            ("families", shorten(", ".join(families), 200)),
            ("base", f"{newest.base.name}, {newest.precision}"),
        ]
    return [clean_line(f"Stack {name}"), *pairs(rows)]


def _next(commands: tuple[tuple[str, str], ...]) -> list[str]:
    wide = max(len(command) for command, _ in commands)
    return ["", "Next", *(f"  {command:<{wide}}  {what}" for command, what in commands)]

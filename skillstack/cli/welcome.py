"""`skillstack` alone: the current stack in a few lines, and what to do next in its state."""

from __future__ import annotations

from skillstack.cli.console import pairs, shorten
from skillstack.errors import SkillStackError
from skillstack.store.locate import choose_stack, find_store
from skillstack.store.records import FrameRecord
from skillstack.store.stacks import way_back
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
_WHY = {"undo": "brings back what was deleted", "redo": "brings back what was undone"}


def welcome() -> list[str]:
    """What is here, and the next commands. A store that cannot be read is reported, and is no failure."""
    try:
        found = find_store()
        name = choose_stack(found.store)
        known = name in found.store.stacks()
        chain = tuple(content for _, content in found.store.contents(name)) if known else ()
        back = commands_back(found.store, name) if known and not chain else ()
    except SkillStackError as error:
        return [error.message, *([error.hint] if error.hint else []), *_next(*_NEW)]
    if found.packaged:
        said = "There is no store here yet; the stack that comes with the package answers."
        return [said, "", *_stack(found.store, name, chain), *_next(*_ASK, *_NEW)]
    if not chain:
        empty = f"The stack {name} has no frames." if known else "There is no stack of your own yet."
        return [empty, *pairs([("store", str(found.store.root))]), *_next(*back, *_NEW)]
    return [*_stack(found.store, name, chain), *_next(*_OWN)]


def _stack(store: Store, name: str, chain: tuple[FrameRecord, ...]) -> list[str]:
    skills = [skill for content in chain for skill in content.skills]
    rows = [("store", str(store.root))]
    if chain:
        newest = chain[-1]
        counted = many(len(chain), "frame")
        if len(skills) != len(chain):
            counted += f", {many(len(skills), 'skill')}"
        rows += [
            ("frames", f"{counted}, the newest is {shorten(newest.name, 40)}"),
            ("families", shorten(", ".join(sorted({skill.family for skill in skills})), 200)),
            ("base", f"{newest.base.name}, {newest.precision}"),
        ]
    return [clean_line(f"Stack {name}"), *pairs(rows)]


def _next(*commands: tuple[str, str]) -> list[str]:
    return ["", "Next", *pairs([*commands, ("skillstack --help", "all commands")])]


def commands_back(store: Store, name: str) -> tuple[tuple[str, str], ...]:
    """The command that brings an empty stack its frames back, and what it does; none where it had none."""
    verb = way_back(store, name)
    if verb is None:
        return ()
    named = "" if name == choose_stack(store) else f" --stack {name}"
    return ((f"skillstack {verb}{named}", _WHY[verb]),)


def empty_hint(store: Store, name: str) -> str:
    """What to do about a stack without frames, in a sentence."""
    for command, what in commands_back(store, name):
        return f"`{command}` {what}."
    return "`skillstack train --preset starter8` trains some."

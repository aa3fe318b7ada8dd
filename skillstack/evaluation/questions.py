"""Why something was not measured, in words that can be published: none of them is a path of this machine."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from skillstack.data.sources import load_task
from skillstack.data.splits import sample
from skillstack.data.table_rows import columns_in, labelled_rows
from skillstack.data.task import Example, TaskData
from skillstack.errors import InputError, SkillStackError, UsageError
from skillstack.store.records import Skill
from skillstack.store.rows import Row

#: A path from a root, a drive or a home on. What follows a letter, a colon or a slash is part of a name or an
#: address: ``owner/model``, ``https://...``.
_PATH = re.compile(r"(?<![\w.:/\\~-])(?:~[\w.-]*|[A-Za-z]:)?[/\\][^\s'\"<>|]*")


def published(message: str, *places: Path | None) -> str:
    """A message in which the last part alone is left of each path.

    :param places: folders and files that it may name, spaces and all.
    """
    names = {spelled: place.resolve().name for place in places if place for spelled in _spellings(place)}
    for spelled in sorted(names, key=len, reverse=True):
        message = message.replace(spelled, names[spelled])
    for home in {str(Path.home()), str(Path.cwd())} - {Path.home().anchor}:
        message = message.replace(home, "~")
    return _PATH.sub(_last, message)


def _spellings(place: Path) -> set[str]:
    """Ways to write a path that tell more than a name."""
    ways = {str(place), str(place.expanduser()), str(place.absolute()), str(place.resolve())}
    return {way for way in ways if PureWindowsPath(way).name not in ("", "..") and way != place.name}


def _last(found: re.Match[str]) -> str:
    path = found.group().rstrip(".,;:)")
    return (PureWindowsPath(path).name or path) + found.group()[len(path) :]


#: Of which the test rows are sampled, whatever the seed of the training.
SEED = 0

#: Rows per class that are asked where nothing else is said.
PER_CLASS = 64


@dataclass(frozen=True)
class Questions:
    """What a skill is asked.

    :ivar skill: its name.
    :ivar rows: the texts.
    :ivar labels: the right label of each, an index into the skill's labels.
    :ivar data: the task's rows, where the source has them; None for a table.
    :ivar fewer: labels that have fewer rows than were asked for, and how many they have.
    :ivar other_rows: whether the task's rows are no longer those that the skill was taught.
    """

    skill: str
    rows: tuple[Row, ...]
    labels: tuple[int, ...]
    data: TaskData | None
    fewer: Mapping[str, int]
    other_rows: bool = False


def test_rows(data: TaskData, per_class: int | None) -> tuple[Example, ...]:
    """A task's test rows: of each class those of the lowest hashes, the same on every machine.

    :param per_class: rows of each class at most; None for all.
    :raises InputError: if there are none.
    """
    rows = data.test
    if not rows:
        raise InputError(f"The task {data.task.name!r} has no test rows.", "Give some with --test NAME=FILE.")
    return sample(rows, per_class if per_class is not None else len(rows), SEED, data.task.name)


def ask(
    skill: Skill,
    *,
    data_dir: Path | None = None,
    table: Path | None = None,
    per_class: int | None = PER_CLASS,
) -> Questions:
    """The questions for a skill.

    :param data_dir: holds a folder with the rows of each task.
    :param table: labelled rows of a person's own, instead of the task's.
    :param per_class: rows of each class at most; None for all.
    :raises InputError: if there are no test rows, or they have a label that the skill does not know.
    :raises SkillStackError: if they cannot be had.
    """
    if table is not None:
        examples = labelled_rows(table, skill.labels, pair=skill.pair, columns=columns_in(skill.source))
        chosen = sample(examples, per_class if per_class is not None else len(examples), SEED, skill.task)
        return _questions(skill, chosen, None, per_class)
    data, places = _known_task(skill, data_dir)
    chosen = tuple(Example(one.row, places[one.label]) for one in test_rows(data, per_class))
    return _questions(skill, chosen, data, per_class)


def task_rows(
    skill: Skill, *, data_dir: Path | None = None, table: Path | None = None, option: str = "--test"
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """All rows of a skill's task but those of its test split, and those of its validation split.

    :param data_dir: holds a folder with the rows of each task.
    :param table: labelled rows of a person's own, instead of the task's.
    :param option: of the command line, that gives such a table.
    :raises InputError: if there are none, or they have a label that the skill does not know.
    :raises SkillStackError: if they cannot be had.
    """
    if table is not None:
        return labelled_rows(table, skill.labels, pair=skill.pair, columns=columns_in(skill.source)), ()
    data, places = _known_task(skill, data_dir, option)

    def placed(examples: tuple[Example, ...]) -> tuple[Example, ...]:
        return tuple(Example(one.row, places[one.label]) for one in examples)

    return placed(data.train), placed(data.validation)


def _known_task(skill: Skill, data_dir: Path | None, option: str = "--test") -> tuple[TaskData, list[int]]:
    """A skill's task, and of each of its labels the place among the skill's."""
    try:
        data = load_task(skill.task, data_dir)
    except UsageError:
        raise InputError(
            f"Nobody knows test rows of {skill.task!r}.",
            f"Give a table of labelled rows with {option} {skill.name}=FILE.",
        ) from None
    except SkillStackError as error:
        error.hint = f"{error.hint} Or give a table of labelled rows with {option} {skill.name}=FILE."
        raise
    if data.task.pair != skill.pair:
        raise InputError(
            f"The skill {skill.name!r} reads {'two texts' if skill.pair else 'one text'}, and the rows of "
            f"{data.task.name!r} have {'two' if data.task.pair else 'one'}.",
            f"Give rows of its own with {option} {skill.name}=FILE.",
        )
    return data, _places(skill, data)


def _questions(
    skill: Skill, chosen: tuple[Example, ...], data: TaskData | None, per_class: int | None
) -> Questions:
    counts = Counter(example.label for example in chosen)
    wanted = per_class or 1
    return Questions(
        skill=skill.name,
        rows=tuple(example.row for example in chosen),
        labels=tuple(example.label for example in chosen),
        data=data,
        fewer={label: counts[place] for place, label in enumerate(skill.labels) if counts[place] < wanted},
        other_rows=data is not None and data.source.digest != skill.source.get("digest"),
    )


def _places(skill: Skill, data: TaskData) -> list[int]:
    """Of each of the task's labels, its place among the skill's."""
    known = {label: place for place, label in enumerate(skill.labels)}
    strange = [label for label in data.task.labels if label not in known]
    if strange:
        raise InputError(
            f"The test rows of {data.task.name!r} have the label {strange[0]!r}, which the skill "
            f"{skill.name!r} does not know.",
            f"It knows {', '.join(map(repr, skill.labels[:6]))}{', ...' if len(skill.labels) > 6 else ''}.",
        )
    return [known[label] for label in data.task.labels]

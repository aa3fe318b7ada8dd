"""A task folder's `task.json`: name, family, label names, kind, licence."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources.abc import Traversable

from skillstack.errors import InputError
from skillstack.tasks.catalogue import catalogue
from skillstack.tasks.sources.rows import parse_object
from skillstack.tasks.task import Task

MAX_RECORD_BYTES = 2**20

_KINDS = {"single": False, "pair": True}


@dataclass(frozen=True)
class TaskRecord:
    """What a `task.json` says.

    :ivar origin: title of the source, or repository, commit and files.
    """

    task: Task
    licence: str
    citation: str
    origin: str


def read_record(file: Traversable, name: str) -> TaskRecord:
    """The record of the task in a folder.

    A task of the catalogue is taken from there, and the file has to agree with it in what it says. Any other
    task is defined by the file: ``label_names``, ``family`` (the task's own name if left out), ``kind``
    ("single" or "pair"), and, if wanted, ``prompt``, ``label_words`` and ``truncation``.

    :param name: the folder's name, which is the task's.
    :raises InputError: if the file is broken, names another task, or disagrees with the catalogue.
    """
    entry = parse_object(_read(file), str(file))
    if entry.get("name", name) != name:
        raise InputError(
            f"{file} is about the task {str(entry['name'])[:80]!r}, but its folder is named {name!r}.",
            "Give both the same name.",
        )
    kind = entry.get("kind", "single")
    if kind not in ("single", "pair"):
        raise InputError(
            f"{file}: rows of the kind {str(kind)[:80]!r} cannot be classified.", 'Use "single" or "pair".'
        )
    known = catalogue().get(name)
    try:
        task = _task(entry, name, known.family if known is not None else name, pair=_KINDS[str(kind)])
    except InputError as error:
        raise InputError(f"{file}: {error.message}", error.hint) from None
    if known is not None:
        _check_agreement(file, task, known)
    return TaskRecord(
        task=known or task,
        licence=_text(entry, "licence") or _text(entry, "license_if_known"),
        citation=_text(entry, "citation"),
        origin=_text(entry, "source") or _pinned(entry),
    )


def _read(file: Traversable) -> str:
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_RECORD_BYTES + 1)
        if len(data) > MAX_RECORD_BYTES:
            raise InputError(f"{file} is larger than {MAX_RECORD_BYTES:,} bytes.", "It holds no rows.")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file}: byte {error.start + 1} is no UTF-8.", "Save the file in the encoding UTF-8."
        ) from None
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}.", "Check the file.") from None


def _task(entry: dict[str, object], name: str, family: str, *, pair: bool) -> Task:
    return Task(
        name=name,
        family=_string(entry, "family", family),
        labels=_strings(entry, "label_names"),
        pair=pair,
        prompt=_string(entry, "prompt", ""),
        label_words=_strings(entry, "label_words"),
        truncation=_string(entry, "truncation", "head_tail"),
        description=_text(entry, "description"),
    )


def _check_agreement(file: Traversable, task: Task, known: Task) -> None:
    differences = (
        ("label_names", task.labels, known.labels),
        ("kind", task.pair, known.pair),
        ("family", task.family, known.family),
    )
    for field, found, expected in differences:
        if found != expected:
            raise InputError(
                f"{file}: {field} differs from that of the known task {known.name!r}.",
                "Give the folder and the task another name, or the labels their known names and order.",
            )


def _string(entry: dict[str, object], field: str, default: str) -> str:
    value = entry.get(field)
    if value is None:
        return default
    if not isinstance(value, str):
        raise InputError(f"The field {field} is no string.", "Write it in quotes.")
    return value


def _strings(entry: dict[str, object], field: str) -> tuple[str, ...]:
    value = entry.get(field)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(f"The field {field} is no list of strings.", 'Write ["one", "two"].')
    return tuple(value)


def _text(entry: dict[str, object], field: str) -> str:
    """A field for people; cut, and empty unless it is well-formed text."""
    value = entry.get(field)
    if not isinstance(value, str):
        return ""
    return value[:1_000].encode("utf-8", "replace").decode("utf-8")


def _pinned(entry: dict[str, object]) -> str:
    parts = [_text(entry, field) for field in ("source_repo", "source_commit", "source_path")]
    return " ".join(part for part in parts if part)

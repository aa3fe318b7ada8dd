"""Task folders: `task.json` with name, family and label names, and a file of rows for each split.

`train.jsonl.gz`, `test.jsonl.gz`, perhaps `validation.jsonl.gz`. Each split may also be there unpacked,
as `.jsonl`. Folders on disk and those inside the package are read alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

from skillstack.data.json_lines import check_classes, parse_object, read_examples
from skillstack.data.presets import catalogue
from skillstack.data.task import SourceInfo, Task, TaskData, rows_digest
from skillstack.errors import InputError, did_you_mean
from skillstack.store.fields import check_name, is_name

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


RECORD = "task.json"


def load_folder(folder: Traversable, name: str, kind: str) -> TaskData:
    """The task in a folder. Its test rows are read when they are first asked for.

    :param name: the task's name, checked by the caller.
    :param kind: the kind of source, for :class:`SourceInfo`.
    :raises InputError: if a file is missing or broken, or a row is.
    """
    record_file = folder.joinpath(RECORD)
    if not _is_file(record_file):
        raise InputError(f"{folder} has no {RECORD}.", "It says label_names, kind and family of the task.")
    train_file, test_file = _needed(folder, "train"), _needed(folder, "test")
    record = read_record(record_file, name)
    task = record.task
    train = read_examples(train_file, task)
    check_classes(train_file, task, train)
    validation_file = _split_file(folder, "validation")
    validation = read_examples(validation_file, task) if validation_file else ()
    return TaskData(
        task=task,
        train=train,
        validation=validation,
        source=SourceInfo(
            kind=kind,
            name=f"{kind}/{name}",
            digest=rows_digest(task, train=train, validation=validation),
            licence=record.licence,
            citation=record.citation,
            origin=record.origin,
        ),
        read_test=lambda: read_examples(test_file, task),
    )


def task_folders(root: Traversable) -> tuple[str, ...]:
    """The names of the folders that hold a task, sorted.

    :raises InputError: if the folder cannot be listed.
    """
    try:
        return tuple(
            sorted(
                folder.name
                for folder in root.iterdir()
                if is_name(folder.name) and folder.joinpath(RECORD).is_file()
            )
        )
    except OSError as error:
        raise InputError(f"{root} cannot be read: {error.strerror or error}.", "Check the folder.") from None


def _needed(folder: Traversable, split: str) -> Traversable:
    file = _split_file(folder, split)
    if file is None:
        raise InputError(
            f"{folder} has no {split}.jsonl.gz and no {split}.jsonl.",
            "A task folder holds task.json, and train and test rows as JSON lines.",
        )
    return file


def _split_file(folder: Traversable, split: str) -> Traversable | None:
    files = [folder.joinpath(split + ending) for ending in (".jsonl.gz", ".jsonl")]
    found = [file for file in files if _is_file(file)]
    if len(found) > 1:
        raise InputError(f"{folder} has {split}.jsonl.gz and {split}.jsonl.", "Keep one of them.")
    return found[0] if found else None


def _is_file(file: Traversable) -> bool:
    try:
        return file.is_file()
    except OSError as error:
        raise InputError(
            f"{file} cannot be read: {error.strerror or error}.", "Check its permissions."
        ) from None


class FolderSource:
    """Reads tasks from ``<root>/<task>/``.

    :raises InputError: if the folder does not exist.
    """

    kind = "folder"

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise InputError(f"The data folder {root} does not exist.", "Check --data-dir.")
        self.root = root

    def names(self) -> tuple[str, ...]:
        """The tasks that are there, sorted."""
        return task_folders(self.root)

    def holds(self, name: str) -> bool:
        """Whether there is a folder of this name, complete or not.

        :raises UsageError: if it is no valid name.
        """
        return (self.root / check_name(name, "The task name")).is_dir()

    def load(self, name: str) -> TaskData:
        """The task of this name; it need not be in the catalogue.

        :raises UsageError: if it is no valid name.
        :raises InputError: if the folder or one of its files is missing or broken.
        """
        if not self.holds(name):
            raise InputError(
                f"The data folder {self.root} has no task {name!r}.", did_you_mean(name, self.names())
            )
        return load_folder(self.root / name, name, self.kind)

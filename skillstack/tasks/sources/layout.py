"""The layout of a task folder: `task.json`, `train.jsonl.gz`, `test.jsonl.gz`, perhaps `validation.jsonl.gz`.

Each split may also be there unpacked, as `.jsonl`. Folders on disk and those inside the package are read
alike.
"""

from __future__ import annotations

from importlib.resources.abc import Traversable

from skillstack.errors import InputError
from skillstack.frames.names import is_name
from skillstack.tasks.sources.data import SourceInfo, TaskData, rows_digest
from skillstack.tasks.sources.record import read_record
from skillstack.tasks.sources.rows import check_classes, read_examples

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

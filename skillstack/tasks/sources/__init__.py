"""Where a task's rows come from: one class per kind of source, all with `names`, `holds` and `load`."""

from __future__ import annotations

from pathlib import Path

from skillstack.errors import InputError, UsageError, did_you_mean
from skillstack.tasks.catalogue import catalogue
from skillstack.tasks.sources.data import SourceInfo, TaskData, rows_digest
from skillstack.tasks.sources.folder import FolderSource
from skillstack.tasks.sources.starter import StarterSource

__all__ = ["FolderSource", "SourceInfo", "StarterSource", "TaskData", "load_task", "rows_digest"]


def load_task(name: str, data_dir: Path | None = None) -> TaskData:
    """The task of this name from the first source that holds it: the data folder, then the starter tasks.

    :param data_dir: holds a sub-folder per task.
    :raises UsageError: if the name is not valid, or nobody knows such a task.
    :raises InputError: if the task needs a data folder, or the folder does not hold it, or it is broken.
    """
    starter = StarterSource()
    folder = FolderSource(data_dir) if data_dir is not None else None
    if folder is not None and folder.holds(name):
        return folder.load(name)
    if starter.holds(name):
        return starter.load(name)
    if folder is not None:
        return folder.load(name)
    if name in catalogue():
        raise InputError(
            f"The task {name!r} does not ship with the package.",
            f"Give a folder that holds {name}/ with --data-dir.",
        )
    raise UsageError(f"There is no task {name!r}.", did_you_mean(name, catalogue()))

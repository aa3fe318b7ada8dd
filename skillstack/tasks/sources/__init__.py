"""Where a task's rows come from: one class per kind of source, all with `names`, `holds` and `load`."""

from __future__ import annotations

from pathlib import Path

from skillstack.errors import InputError, UsageError, did_you_mean
from skillstack.tasks.catalogue import catalogue
from skillstack.tasks.sources.data import SourceInfo, TaskData, rows_digest
from skillstack.tasks.sources.folder import FolderSource
from skillstack.tasks.sources.hub import HubSource
from skillstack.tasks.sources.starter import StarterSource

__all__ = ["FolderSource", "HubSource", "SourceInfo", "StarterSource", "TaskData", "load_task", "rows_digest"]


def load_task(name: str, data_dir: Path | None = None) -> TaskData:
    """The task of this name from the first source that holds it: data folder, starter tasks, hub.

    :param data_dir: holds a sub-folder per task.
    :raises UsageError: if the name is not valid, or nobody knows such a task.
    :raises InputError: if the task needs a data folder, or the folder does not hold it, or it is broken.
    :raises MissingError: if it is to be had from the hub alone, and the hub does not give it.
    """
    folder = FolderSource(data_dir) if data_dir is not None else None
    sources = (folder, StarterSource(), HubSource())
    for source in sources:
        if source is not None and source.holds(name):
            return source.load(name)
    if folder is not None:
        return folder.load(name)
    if name in catalogue():
        raise InputError(
            f"The task {name!r} does not ship with the package.",
            f"Give a folder that holds {name}/ with --data-dir.",
        )
    raise UsageError(f"There is no task {name!r}.", did_you_mean(name, catalogue()))

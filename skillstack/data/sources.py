"""Where a task's rows come from: the data folder, the starter tasks in the package, or the hub."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib import resources
from pathlib import Path

from skillstack.data.folder import FolderSource, load_folder, task_folders
from skillstack.data.hub import HubSource
from skillstack.data.json_lines import read_texts
from skillstack.data.presets import catalogue
from skillstack.data.task import TaskData
from skillstack.errors import InputError, IntegrityError, UsageError, did_you_mean
from skillstack.store.fields import check_name
from skillstack.store.rows import Row

OUT_OF_SCOPE = "out_of_scope"


class StarterSource:
    """Reads tasks from the package's own ``starter/``; sources and licences stand in its NOTICE.md."""

    kind = "starter"

    def __init__(self) -> None:
        self.root = resources.files("skillstack.data").joinpath("starter")

    def names(self) -> tuple[str, ...]:
        """The starter tasks, sorted."""
        return tuple(name for name in task_folders(self.root) if name != OUT_OF_SCOPE)

    def holds(self, name: str) -> bool:
        """Whether this is a starter task.

        :raises UsageError: if it is no valid name.
        """
        return check_name(name, "The task name") in self.names()

    def load(self, name: str) -> TaskData:
        """The starter task of this name.

        :raises UsageError: if there is none.
        """
        if not self.holds(name):
            raise UsageError(f"There is no starter task {name!r}.", did_you_mean(name, self.names()))
        return load_folder(self.root.joinpath(name), name, self.kind)

    def out_of_scope(self) -> tuple[Row, ...]:
        """500 requests that belong to no task: for measuring rejection, never for training."""
        return read_texts(self.root.joinpath(OUT_OF_SCOPE, "test.jsonl.gz"))


_PREFIX = "starter/"


def is_referable(source: str) -> bool:
    """Whether rows of this source (:attr:`SourceInfo.name`) ship with the package."""
    return source.startswith(_PREFIX) and source.removeprefix(_PREFIX) in StarterSource().names()


def resolve(source: str, digests: Iterable[str]) -> tuple[Row, ...]:
    """The rows of these digests (:meth:`Row.digest`), in their order.

    Rows are found among the train rows of the starter task, whose digests are computed anew.

    :param source: "starter/" and the name of a starter task.
    :raises IntegrityError: if the source is no starter task, or a row is not there.
    """
    if not is_referable(source):
        raise IntegrityError(
            f"Router samples refer to {source[:80]!r}, which does not ship with this version.",
            "Install the version that wrote them, or train again with samples kept as text.",
        )
    rows = _rows_by_digest(source.removeprefix(_PREFIX))
    found = []
    for digest in digests:
        if digest not in rows:
            raise IntegrityError(
                f"Router samples refer to the row {digest[:12]} of {source}, which is not there.",
                "The record or the installed starter data was altered; install the package again.",
            )
        found.append(rows[digest])
    return tuple(found)


@lru_cache(maxsize=16)
def _rows_by_digest(name: str) -> dict[str, Row]:
    return {example.row.digest(): example.row for example in StarterSource().load(name).train}


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

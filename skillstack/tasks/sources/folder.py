"""Tasks in a local folder, one sub-folder each: `--data-dir`."""

from __future__ import annotations

from pathlib import Path

from skillstack.errors import InputError, did_you_mean
from skillstack.frames.names import check_name
from skillstack.tasks.sources.data import TaskData
from skillstack.tasks.sources.layout import load_folder, task_folders


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

"""The starter tasks, which ship with the package under Creative Commons licences."""

from __future__ import annotations

from importlib import resources

from skillstack.errors import UsageError, did_you_mean
from skillstack.frames.names import check_name
from skillstack.frames.rows import Row
from skillstack.tasks.sources.data import TaskData
from skillstack.tasks.sources.layout import load_folder, task_folders
from skillstack.tasks.sources.rows import read_texts

OUT_OF_SCOPE = "out_of_scope"


class StarterSource:
    """Reads tasks from the package's own ``starter/``; sources and licences stand in its NOTICE.md."""

    kind = "starter"

    def __init__(self) -> None:
        self.root = resources.files("skillstack.tasks").joinpath("starter")

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

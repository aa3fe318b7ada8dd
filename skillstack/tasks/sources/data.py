"""What a source gives: a task, its rows, and where they came from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from skillstack.frames import canonical
from skillstack.frames.digests import sha256
from skillstack.tasks.task import Example, Task


@dataclass(frozen=True)
class SourceInfo:
    """Where rows came from; part of a frame's record, so it holds no path of this machine.

    :ivar kind: "starter", "folder", "hub" or "table".
    :ivar name: kind, slash, task name; what router samples of the kind *reference* are resolved by.
    :ivar digest: SHA-256 over labels, train and validation rows, whatever their order.
    :ivar licence: as the source states it; may be empty.
    :ivar citation: likewise.
    :ivar origin: where the source took them from: a title, or repository, commit and files.
    """

    kind: str
    name: str
    digest: str
    licence: str = ""
    citation: str = ""
    origin: str = ""


@dataclass(frozen=True)
class TaskData:
    """A task and its rows, checked.

    :ivar train: at least two different examples of each class.
    :ivar validation: the source's own validation split, if it has one; it joins dev.
    """

    task: Task
    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    source: SourceInfo
    read_test: Callable[[], tuple[Example, ...]] = field(repr=False, compare=False)

    @cached_property
    def test(self) -> tuple[Example, ...]:
        """The source's own test split, read when it is first asked for.

        :raises InputError: if its file is broken.
        """
        return self.read_test()


def rows_digest(task: Task, **splits: Iterable[Example]) -> str:
    """SHA-256 (hex) of a task's labels and rows, the same whatever the order of the rows.

    It is taken over canonical JSON: the labels, and by split the digest of its sorted examples.
    """
    parts: dict[str, object] = {"labels": task.labels, "pair": task.pair}
    for split, examples in splits.items():
        lines = sorted(f"{example.row.digest()} {example.label}\n" for example in examples)
        parts[split] = hashlib.sha256("".join(lines).encode()).hexdigest()
    return sha256(canonical.dumps(parts))

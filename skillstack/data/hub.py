"""Tasks from the hub: streamed once at a pinned commit, then read from the user's cache like any folder.

A fetched task is a task folder: `task.json`, which holds the digests of the others, `train.jsonl.gz`,
`test.jsonl.gz` and, where the set has one, `validation.jsonl.gz`. It is written beside its place and renamed
into it, so a half one is never seen, and it is read without the network ever after.

While a set is streamed nothing checks its bytes but TLS, Parquet's own structure, and the labels and columns
that are expected; the digests in the record hold from then on.

Tried against a local server that answers as the hub does, and against local files with each set's own
columns and label names. Not tried against the live hub: the pinned commits themselves, how long the large
sets take, and sets that are served through Xet storage.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from skillstack.data.folder import RECORD, load_folder
from skillstack.data.hub_rows import HubRows, HubSet, hub_sets, read_rows
from skillstack.data.presets import known_task
from skillstack.data.task import Example, Task, TaskData
from skillstack.errors import (
    InputError,
    IntegrityError,
    SkillStackError,
    UsageError,
    did_you_mean,
    require_extra,
)
from skillstack.hub import cache_dir, explain, is_offline, quiet_hub
from skillstack.store.canonical import sha256
from skillstack.store.fields import check_name
from skillstack.store.files import as_store_error, sync_folder, write_file

#: Folders that are not finished, as `tempfile.mkdtemp` names them.
_HALF = re.compile(r"\.[a-z0-9][a-z0-9_-]*-[a-z0-9_]{8}")

#: What is in them.
_WRITTEN = re.compile(rf"(train|test|validation)\.jsonl\.gz|{re.escape(RECORD)}|\.tmp-[0-9a-f]{{32}}")

#: Seconds after which nobody works on one any more; they are written within a minute.
_ABANDONED = 3_600


class HubSource:
    """Reads the tasks of `hub.toml`.

    :param sets: by default all known ones, by task.
    """

    kind = "hub"

    def __init__(self, sets: dict[str, HubSet] | None = None) -> None:
        self.sets = hub_sets() if sets is None else sets

    def names(self) -> tuple[str, ...]:
        """The known tasks, sorted."""
        return tuple(sorted(self.sets))

    def holds(self, name: str) -> bool:
        """Whether the hub has this task, fetched already or not.

        :raises UsageError: if it is no valid name.
        """
        return check_name(name, "The task name") in self.sets

    def cached(self, name: str) -> bool:
        """Whether this task was fetched already."""
        return self.holds(name) and self._place(name).joinpath(RECORD).is_file()

    def check(self, name: str) -> None:
        """See whether the task can be had, without asking the hub.

        :raises UsageError: if the hub has no such task.
        :raises InputError: if it is not in the cache, and the hub must not be asked.
        """
        self._known(name)
        if not self.cached(name) and is_offline():
            raise InputError(
                f"The task {name!r} does not ship with the package, and HF_HUB_OFFLINE is set.",
                f"Run `skillstack fetch --task {name}` where there is a network, "
                f"or give a folder that holds {name}/ with --data-dir.",
            )

    def load(self, name: str) -> TaskData:
        """The task of this name, fetched now if it was not before.

        :raises SkillStackError: as `fetch`.
        """
        return load_folder(self.fetch(name), name, self.kind)

    def fetch(self, name: str) -> Path:
        """The task's folder in the cache; the first call downloads it.

        :raises UsageError: if the hub has no such task.
        :raises InputError: if the set is not what it should be, or the hub must not be asked.
        :raises MissingError: if the hub, or the network, does not give it.
        :raises IntegrityError: if a file in the cache is not what was put there.
        :raises StoreError: if the cache cannot be written.
        """
        self.check(name)
        place = self._place(name)
        if self.cached(name):
            check_files(place)
            return place
        require_extra("hub", f"Fetching the task {name!r}", "datasets")
        known, task = self._known(name), known_task(name)
        _sweep(place.parent)
        try:
            with quiet_hub():
                _reach(known)
                rows = read_rows(known, task)
        except SkillStackError:
            raise
        except Exception as error:  # whatever two libraries and the network raise
            raise explain(
                error,
                f"The data set {known.repo} of the task {name!r}",
                f"datasets/{known.repo}",
                f"A folder that holds {name}/ can be given with --data-dir.",
            ) from error
        _write(place, known, task, rows)
        return place

    def _known(self, name: str) -> HubSet:
        if not self.holds(name):
            raise UsageError(f"There is no task {name!r} on the hub.", did_you_mean(name, self.names()))
        return self.sets[name]

    def _place(self, name: str) -> Path:
        return cache_dir() / "tasks" / f"{name}-{self.sets[name].digest()[:12]}"


def check_files(folder: Path) -> None:
    """Compare the files of a fetched task with the digests in its record.

    :raises IntegrityError: if one differs or is missing.
    """
    try:
        entries = json.loads((folder / RECORD).read_text(encoding="utf-8"))["files"]
        sound = all(sha256((folder / name).read_bytes()) == digest for name, digest in entries.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        sound = False
    if not sound:
        raise IntegrityError(
            f"The fetched task in {folder} is damaged: a file is not the one that was written.",
            "Delete that folder and run the command again; it is fetched anew.",
        )


def _sweep(folder: Path) -> None:
    """Remove what fetches left that were killed; younger folders may be another's at work."""
    with suppress(OSError):
        for left in folder.iterdir():
            if not _HALF.fullmatch(left.name) or left.is_symlink() or not left.is_dir():
                continue
            with suppress(OSError):  # another process was faster
                files = list(left.iterdir())
                newest = max(path.stat().st_mtime for path in (left, *files))
                if time.time() - newest > _ABANDONED and all(_WRITTEN.fullmatch(file.name) for file in files):
                    shutil.rmtree(left, ignore_errors=True)


def _write(place: Path, known: HubSet, task: Task, rows: HubRows) -> None:
    splits = {"train": rows.train, "test": rows.test, "validation": rows.validation}
    files = {f"{name}.jsonl.gz": _packed(examples) for name, examples in splits.items() if examples}
    record = {
        "name": task.name,
        "family": task.family,
        "kind": "pair" if task.pair else "single",
        "label_names": task.labels,
        "source": known.origin,
        "licence": known.licence,
        "counts": {name: len(examples) for name, examples in splits.items()},
        "left_out": rows.left_out,
        "files": {name: sha256(data) for name, data in files.items()},
    }
    made: Path | None = None
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{task.name}-"))
        made.chmod(0o755)
        for name, data in files.items():
            write_file(made / name, data)
        write_file(made / RECORD, json.dumps(record, indent=1, ensure_ascii=False).encode())
        load_folder(made, task.name, HubSource.kind)  # what cannot be read is never kept
        _publish(made, place)
    except OSError as error:
        raise as_store_error(error, place) from error
    finally:
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)


def _publish(made: Path, place: Path) -> None:
    """Rename the finished folder into place; when another process was first, its folder is as good."""
    try:
        made.rename(place)
    except OSError:
        if not (place / RECORD).is_file():
            raise
        return
    sync_folder(place.parent)


def _packed(examples: Sequence[Example]) -> bytes:
    lines = []
    for example in examples:
        second = {"text_pair": example.row.text_pair} if example.row.has_pair else {}
        lines.append(
            json.dumps({"text": example.row.text, **second, "label": example.label}, ensure_ascii=False)
        )
    return gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0)


def _reach(known: HubSet) -> None:
    """Ask for the set's card first: `datasets` swallows the reason why a set is not to be had."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        hf_hub_download(known.repo, "README.md", repo_type="dataset", revision=known.revision)
    except LocalEntryNotFoundError:  # which means, too, that nobody answered
        raise
    except EntryNotFoundError:
        return

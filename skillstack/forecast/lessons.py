"""What is known of a task before its rows are read: where they are, how many classes, how long the texts."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from skillstack.data.folder import RECORD, read_record
from skillstack.data.presets import catalogue
from skillstack.errors import InputError, MissingError, SkillStackError, UsageError, did_you_mean
from skillstack.training.recipe import Recipe

#: Characters of a text where nothing was read.
CHARACTERS = 600.0
_READ = 1 << 16
#: Seconds that the hub has to answer.
PATIENCE = 3.0


@dataclass(frozen=True)
class Lesson:
    """A task to be trained.

    :ivar source: ``starter``, ``folder`` or ``hub``; empty where it cannot be had.
    :ivar labels: how many; 0 where that is unknown.
    :ivar characters: of a text, on average, by the first ones.
    :ivar rows: training rows that there are; 0 where that is unknown.
    :ivar download: bytes, about, that have to come from the hub.
    :ivar trouble: why it cannot be had.
    """

    name: str
    source: str
    labels: int
    characters: float = CHARACTERS
    rows: int = 0
    licence: str = ""
    origin: str = ""
    download: int = 0
    trouble: SkillStackError | None = None


def rows_taken(one: Lesson, recipe: Recipe) -> tuple[int, int]:
    """Training rows and dev rows that a recipe takes of a task, at most."""
    most = one.rows or 4_000 * max(one.labels, 2)
    per_class = recipe.samples_per_class
    train = min(most, per_class * max(one.labels, 2)) if per_class else most
    return train, min(most // 5, recipe.dev_samples)


def lesson(name: str, data_dir: Path | None) -> Lesson:
    """Find a task as a training would: in the data folder, the package, on the hub. Nothing is downloaded."""
    try:
        return _found(name, data_dir)
    except ImportError as error:
        trouble: SkillStackError = MissingError(
            f"The package {error.name} is missing, so the hub cannot be asked.",
            f"Run: pip install {error.name}",
        )
    except SkillStackError as error:
        trouble = error
    known = catalogue().get(name)
    return Lesson(name, "", len(known.labels) if known else 0, trouble=trouble)


def reached(lessons: Sequence[Lesson]) -> tuple[Lesson, ...]:
    """The tasks, with the trouble of those that are to be downloaded where the hub does not answer.

    It is asked once, about the first of them.
    """
    first = next((one for one in lessons if one.download and one.trouble is None), None)
    if first is None:
        return tuple(lessons)
    from skillstack.data.hub import HubSource
    from skillstack.hub import explain

    repo = HubSource().sets[first.name].repo
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError

        HfApi().dataset_info(repo, timeout=PATIENCE)
    except ImportError:
        return tuple(lessons)  # what is missing is said elsewhere
    except HfHubHTTPError as error:  # it answered, about this one alone
        trouble = explain(error, f"The data set {repo} of the task {first.name!r}", f"datasets/{repo}", "")
        return tuple(replace(one, trouble=trouble) if one is first else one for one in lessons)
    except Exception:  # whatever the network raises
        return tuple(replace(one, trouble=_unreachable(one.name)) if one.download else one for one in lessons)
    return tuple(lessons)


def _unreachable(name: str) -> SkillStackError:
    return MissingError(
        f"The task {name!r} is not here, and the hub cannot be reached.",
        f"Run `skillstack fetch --task {name}` where there is a network, "
        f"or give a folder that holds {name}/ with --data-dir.",
    )


def _found(name: str, data_dir: Path | None) -> Lesson:
    from skillstack.data.folder import FolderSource
    from skillstack.data.hub import HubSource
    from skillstack.data.sources import StarterSource

    folder = FolderSource(data_dir) if data_dir is not None else None
    if folder is not None and folder.holds(name):
        return _in_folder(name, folder.root / name, "folder")
    starter, hub = StarterSource(), HubSource()
    if starter.holds(name):
        return _in_folder(name, starter.root.joinpath(name), "starter")
    if hub.cached(name) if hub.holds(name) else False:
        return _in_folder(name, hub.fetch(name), "hub")
    if hub.holds(name):
        hub.check(name)
        known = hub.sets[name]
        labels, size = len(catalogue()[name].labels), known.download * 1_000_000
        return Lesson(name, "hub", labels, licence=known.licence, origin=known.origin, download=size)
    if folder is not None:
        raise InputError(
            f"The data folder {folder.root} has no task {name!r}.", did_you_mean(name, folder.names())
        )
    raise UsageError(f"There is no task {name!r}.", did_you_mean(name, catalogue()))


def _in_folder(name: str, folder: Any, source: str) -> Lesson:
    record = read_record(folder.joinpath(RECORD), name)
    entry = json.loads(folder.joinpath(RECORD).read_bytes())
    texts = _first_texts(folder)
    return Lesson(
        name,
        source,
        len(record.task.labels),
        sum(map(len, texts)) / len(texts) if texts else CHARACTERS,
        _rows(entry),
        record.licence,
        record.origin,
    )


def _rows(entry: Mapping[str, Any]) -> int:
    counts = entry.get("counts")
    found = counts.get("train") if isinstance(counts, dict) else entry.get("n_train")
    return found if isinstance(found, int) and found > 0 else 0


def _first_texts(folder: Any) -> list[str]:
    """The texts of the first training rows, both texts of a pair as one.

    :raises InputError: if there are none that can be read.
    """
    packed, plain = folder.joinpath("train.jsonl.gz"), folder.joinpath("train.jsonl")
    try:
        if packed.is_file():
            with packed.open("rb") as stream, gzip.open(stream) as lines:
                data = lines.read(_READ)
        else:
            with plain.open("rb") as stream:
                data = stream.read(_READ)
        whole = data if len(data) < _READ else data[: data.rfind(b"\n")]
        rows = [json.loads(line) for line in whole.splitlines() if line.strip()]
        return [f"{row['text']}{row.get('text_pair', '')}" for row in rows]
    except (OSError, ValueError, KeyError, TypeError, EOFError, zlib.error):
        raise InputError(
            f"{folder} holds no training rows that can be read.",
            "A task folder holds task.json, and train and test rows as JSON lines.",
        ) from None

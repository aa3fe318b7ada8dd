"""Everything that an offline run needs, gathered into one folder that can be carried to another machine.

``tasks/<task>/`` are task folders and ``models/<owner>--<name>/`` models, both readable without the hub;
``manifest.json`` lists every file with its size and SHA-256. It is written after each task and model, so a
fetch that was stopped goes on where it was, and a file that was changed since is fetched again.

It is long because what is written, what is checked and what is taken from such a folder is one format.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from skillstack.errors import IntegrityError, SkillStackError, StoreError, UsageError
from skillstack.models import sources
from skillstack.models.sources import Source
from skillstack.store.files import as_store_error, sync, sync_folder, write_file
from skillstack.store.removal import remove_tree

_CHUNK = 1 << 22

#: Endings of what is copied: a cached snapshot may hold pickles and code that other programs asked for.
_WANTED = (".gz", ".json", ".safetensors", ".txt", ".model", ".jinja", ".md")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SHA1 = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class FetchedFile:
    """A file of an offline folder.

    :ivar name: without folders.
    """

    name: str
    bytes: int
    sha256: str


def copy_files(
    source: Path, target: Path, *, earlier: Sequence[FetchedFile] | None = None
) -> tuple[FetchedFile, ...]:
    """Copy the files of a folder, checked; the whole folder appears at once.

    :param target: two folders below the one that the user named.
    :param earlier: what an earlier fetch put at the target, which may go; None where there was none.
    :raises IntegrityError: if a file is not the one that the hub announced.
    :raises StoreError: if the target cannot be written, holds something else, or lies behind a link.
    """
    # Always the same name, so that a fetch that was killed leaves nothing for long.
    made, base, began = target.parent / f".fetch-{target.name}", target.parent.parent, False
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if made.exists() or made.is_symlink():
            remove_tree(base, made)
        made.mkdir()
        began = True
        files = tuple(_copy(file, made / file.name) for file in _sorted_files(source))
        if target.exists():
            ours = earlier is not None and _holds_only(target, (*files, *earlier))
            if not ours and not is_whole(target, files):
                raise StoreError(
                    f"{target} is there already, and was not made by a fetch or holds other files as well.",
                    "Move it away, or name another folder with --output.",
                )
            remove_tree(base, target)
        made.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        raise as_store_error(error, target) from error
    finally:
        if began:
            shutil.rmtree(made, ignore_errors=True)
    return files


def is_whole(folder: Path, files: Sequence[FetchedFile]) -> bool:
    """Whether a folder holds exactly these files, by size and SHA-256."""
    try:
        if sorted(file.name for file in folder.iterdir()) != sorted(file.name for file in files):
            return False
        return all(
            (folder / file.name).stat().st_size == file.bytes and _digest(folder / file.name) == file.sha256
            for file in files
        )
    except OSError:
        return False


def _holds_only(folder: Path, files: Sequence[FetchedFile]) -> bool:
    """Whether nothing is in a folder but files of these names, whatever is in them."""
    names = {file.name for file in files}
    return all(entry.name in names and entry.is_file() for entry in folder.iterdir())


def contents_digest(folder: Path) -> str:
    """SHA-256 over names and digests of the files that would be copied.

    :raises StoreError: if one cannot be read.
    """
    try:
        lines = [f"{_digest(file)}  {file.name}\n" for file in _sorted_files(folder)]
    except OSError as error:
        raise as_store_error(error, folder, "read") from error
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _sorted_files(folder: Path) -> list[Path]:
    return sorted(
        file
        for file in folder.iterdir()
        if file.is_file() and file.name.endswith(_WANTED) and file.name[0] != "."
    )


def _copy(source: Path, target: Path) -> FetchedFile:
    announced = _announced(source)
    sha256, size = hashlib.sha256(), source.stat().st_size
    git = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with target.open("xb") as copy:
        for chunk in _chunks(source):
            sha256.update(chunk)
            git.update(chunk)
            copy.write(chunk)
        copy.flush()
        sync(copy.fileno())
    if announced and announced not in (sha256.hexdigest(), git.hexdigest()):
        raise IntegrityError(
            f"{source.name} is damaged: its digest is not the one that the hub announced.",
            f"Delete {source.resolve()} and run the same command again.",
        )
    return FetchedFile(source.name, target.stat().st_size, sha256.hexdigest())


def _announced(file: Path) -> str:
    """The digest by which the hub's cache names a file's content; empty where it does not.

    A snapshot's files are links to ``blobs/<etag>``: SHA-256 for large files, git's SHA-1 for small ones.
    """
    if not file.is_symlink():
        return ""
    name = file.readlink().name
    return name if _SHA256.fullmatch(name) or _SHA1.fullmatch(name) else ""


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


_LICENCE = re.compile(r"^license: *[\"']?([^\s\"']{1,80})", re.MULTILINE)
_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---", re.DOTALL)
_MAX_CARD_BYTES = 2**20


def licence_of(source: Source) -> str:
    """The licence in the front matter of the model's card; empty where there is none to be had.

    The card of a model of the hub is fetched with it, if it is not in the cache.
    """
    if source.name in (sources.MINILM, sources.SMOLLM2):
        return "apache-2.0"
    card = source.folder / "README.md"
    if not card.is_file() and source.revision:
        from huggingface_hub import hf_hub_download

        with contextlib.suppress(Exception):  # a model without a card is a model all the same
            card = Path(hf_hub_download(source.name, "README.md", revision=source.revision))
    try:
        with card.open("rb") as stream:
            text = stream.read(_MAX_CARD_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
    front = _FRONT_MATTER.match(text)
    found = _LICENCE.search(front[1]) if front else None
    return found[1] if found else ""


MANIFEST = "manifest.json"
FORMAT = 1
MAX_MANIFEST_BYTES = 2**24


@dataclass(frozen=True)
class FetchedItem:
    """A task or a model of an offline folder.

    :ivar kind: ``task`` or ``model``.
    :ivar name: the task's name, or the model's as it was asked for.
    :ivar path: where it lies in the folder; empty if it ships with the package.
    :ivar licence: as the source states it; may be empty.
    :ivar origin: where it was taken from, with its commit; of a person's own folder, name and digest.
    :ivar files: by name, relative to ``path``.
    """

    kind: str
    name: str
    path: str
    licence: str
    origin: str
    files: tuple[FetchedFile, ...] = ()

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(file.bytes for file in self.files)

    @property
    def shipped(self) -> bool:
        """Whether there is nothing to fetch: it comes with the package."""
        return not self.path


@dataclass(frozen=True)
class Fetched:
    """What a fetch brought, or found.

    :ivar folder: the offline folder.
    :ivar items: in the order of the preset, models last.
    :ivar new: names of the items that were not there before.
    """

    folder: Path
    items: tuple[FetchedItem, ...]
    new: tuple[str, ...]

    @property
    def bytes(self) -> int:
        """Size of all items."""
        return sum(item.bytes for item in self.items)

    def state(self, item: FetchedItem) -> str:
        """``shipped`` with the package, ``new``, or ``kept`` from before."""
        return "shipped" if item.shipped else "new" if item.name in self.new else "kept"

    def to_json(self) -> dict[str, Any]:
        """As `fetch --json` shows it."""
        items = [
            {
                "kind": item.kind,
                "name": item.name,
                "bytes": item.bytes,
                "licence": item.licence,
                "origin": item.origin,
                "path": item.path or None,
                "state": self.state(item),
                "files": [asdict(file) for file in item.files],
            }
            for item in self.items
        ]
        return {"folder": str(self.folder), "bytes": self.bytes, "items": items}


def fetch(
    preset: str | None = None,
    *,
    tasks: Sequence[str] = (),
    model: str | None = None,
    output: str | Path = "offline",
    listen: Callable[[str], None] = lambda line: None,
) -> Fetched:
    """Get tasks and a model into one folder, for runs without a network.

    :param preset: all its tasks; or name them with ``tasks``.
    :param model: a model as well, if any: ``owner/name@revision``, ``smollm2``, ``minilm``.
    :param listen: called with a line before each download.
    :raises SkillStackError: one of its kinds, if anything cannot be had; what is there stays.
    """
    from skillstack.data.presets import load_preset

    names = load_preset(preset).task_names if preset is not None else tuple(dict.fromkeys(tasks))
    return fetch_all(names, model, Path(output), listen)


def fetch_all(
    tasks: Sequence[str],
    model: str | None,
    folder: Path,
    listen: Callable[[str], None] = lambda line: None,
) -> Fetched:
    """Gather tasks and a model in a folder.

    :param listen: called with a line before each download.
    :raises UsageError: if a name cannot be meant.
    :raises MissingError: if the hub does not give something; what came before it stays.
    :raises IntegrityError: if a file of a model is not the one that the hub announced.
    :raises StoreError: if the folder cannot be written, or holds something of that name already.
    """
    from skillstack.data.hub import HubSource
    from skillstack.data.sources import StarterSource

    starter, hub = StarterSource(), HubSource()
    for name in tasks:
        if not starter.holds(name):
            hub.check(name)
    gathering = _Gathering(folder, listen)
    items = [_shipped(name) if starter.holds(name) else gathering.task(hub, name) for name in tasks]
    if model is not None:
        items.append(gathering.model(model))
    return Fetched(folder, tuple(items), tuple(gathering.new))


def _shipped(name: str) -> FetchedItem:
    from skillstack.data.sources import StarterSource

    source = StarterSource().load(name).source
    return FetchedItem("task", name, "", source.licence, source.origin)


class _Gathering:
    """A folder that is being filled, and its manifest."""

    def __init__(self, folder: Path, listen: Callable[[str], None]) -> None:
        self.folder = folder
        self.new: list[str] = []
        self._listen = listen
        self._known = {item.path: item for item in read_manifest(folder)}

    def task(self, hub: Any, name: str) -> FetchedItem:
        """A task of the hub: by way of the user's cache, so it is downloaded once."""
        path = f"tasks/{name}"
        known = hub.sets[name]
        kept = self._kept(path, known.origin)
        if kept is not None:
            return kept
        if not hub.cached(name):
            self._listen(f"{name}: about {known.download:,} MB from {known.repo} ...")
        source = hub.fetch(name)
        return self._copied(FetchedItem("task", name, path, known.licence, known.origin), source)

    def model(self, name: str) -> FetchedItem:
        """A model: of the hub by way of its cache, or one that a package carries."""
        from skillstack.models import sources

        self._listen(f"{name}: looking for the model ...")
        found = sources.find(name)
        # With its owner: others have models of that name, too.
        path = f"models/{found.name.replace('/', '--')}"
        own = not found.revision and not found.weights
        origin = f"{found.name} {contents_digest(found.folder) if own else found.revision}".strip()
        self._check_place(path, found.name, origin, own=own)
        return self._kept(path, origin) or self._copied(
            FetchedItem("model", name, path, licence_of(found), origin), found.folder
        )

    def _check_place(self, path: str, name: str, origin: str, *, own: bool) -> None:
        """See that no other model lies there: a later commit of the same may replace it, nothing else."""
        known = self._known.get(path)
        if known is None or known.origin == origin:
            return
        if own or known.origin.partition(" ")[0] != name:
            raise StoreError(
                f"{self.folder / path} holds another model of this name already.",
                "Name another folder with --output, or give the model's folder another name.",
            )

    def _kept(self, path: str, origin: str) -> FetchedItem | None:
        """What an earlier fetch left here, if it is whole and the same."""
        item = self._known.get(path)
        if item is None or item.origin != origin:
            return None
        return item if is_whole(self.folder / path, item.files) else None

    def _copied(self, item: FetchedItem, source: Path) -> FetchedItem:
        target = self.folder / item.path
        known = self._known.get(item.path)
        files = copy_files(source, target, earlier=known.files if known else None)
        done = replace(item, files=files)
        self._known[item.path] = done
        self.new.append(item.name)
        entries = [asdict(known) for known in self._known.values()]
        text = json.dumps({"format": FORMAT, "items": entries}, indent=1, ensure_ascii=False)
        write_file(self.folder / MANIFEST, text.encode())
        return done


def read_manifest(folder: Path) -> tuple[FetchedItem, ...]:
    """What an offline folder should hold; nothing where there is none yet.

    :raises IntegrityError: if the manifest is damaged, or names a path outside of the folder.
    :raises UsageError: if the folder is a file.
    """
    file = folder / MANIFEST
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file, no folder.", "Name a folder with --output.")
    try:
        if not file.is_file():
            return ()
        if file.stat().st_size > MAX_MANIFEST_BYTES:
            raise ValueError
        entry = json.loads(file.read_text(encoding="utf-8"))
        if entry["format"] != FORMAT:
            raise StoreError(
                f"{folder} was made by another version of SkillStack.", "Name a new folder with --output."
            )
        return tuple(_item(item) for item in entry["items"])
    except SkillStackError:
        raise
    except OSError as error:
        raise as_store_error(error, file, "read") from error
    except (ValueError, KeyError, TypeError):
        raise IntegrityError(
            f"{file} is damaged.", "Delete it; what lies in the folder and is whole is kept."
        ) from None


def check_folder(folder: Path) -> tuple[FetchedItem, ...]:
    """The items of an offline folder whose files are not what the manifest says.

    :raises IntegrityError: if the manifest is damaged.
    """
    return tuple(item for item in read_manifest(folder) if not is_whole(folder / item.path, item.files))


def _item(entry: dict[str, Any]) -> FetchedItem:
    files = tuple(FetchedFile(str(f["name"]), int(f["bytes"]), str(f["sha256"])) for f in entry["files"])
    texts = {key: str(entry[key]) for key in ("kind", "name", "path", "licence", "origin")}
    names = [file.name for file in files]
    if any(Path(name).name != name for name in names) or len(Path(texts["path"]).parts) != 2:
        raise ValueError
    if Path(texts["path"]).parts[0] not in ("tasks", "models") or ".." in texts["path"]:
        raise ValueError
    return FetchedItem(files=files, **texts)

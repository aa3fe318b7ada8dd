"""Proving a store whole: every file is what its name, digest or checksum says, and nothing is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from skillstack.errors import SkillStackError, StoreError
from skillstack.store import canonical, derived, learned, marker, states, tensors
from skillstack.store.canonical import sha256_file
from skillstack.store.files import TEMPORARY
from skillstack.store.history import read_history, read_steps
from skillstack.store.marker import MARKER
from skillstack.store.own_tables import NOTE
from skillstack.store.records import ADAPTER_FILES, FrameRecord, Skill
from skillstack.store.samples import REDACTED_SUFFIX, is_there, redacted_rows
from skillstack.store.store import Store


@dataclass(frozen=True)
class Problem:
    """Something that does not hold.

    :ivar path: the file, relative to the store where it lies inside.
    :ivar message: what is wrong with it.
    """

    path: str
    message: str


@dataclass(frozen=True)
class Verification:
    """The result of a verification.

    :ivar files: how many files were checked.
    :ivar stacks: how many stacks were walked.
    :ivar problems: what does not hold, one entry a file.
    :ivar strays: files that belong to nothing here; harmless.
    """

    files: int
    stacks: int
    problems: tuple[Problem, ...]
    strays: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.problems


@dataclass
class _Walk:
    store: Store
    checked: set[str] = field(default_factory=set)
    problems: dict[str, str] = field(default_factory=dict)
    strays: list[str] = field(default_factory=list)

    def check(self, path: Path, action: Callable[[], object]) -> bool:
        name = self.name(path)
        self.checked.add(name)
        try:
            action()
        except SkillStackError as error:
            self.problems.setdefault(name, error.message)
            return False
        except OSError as error:
            self.problems.setdefault(name, f"cannot be read: {error.strerror or error}")
            return False
        return True

    def name(self, path: Path) -> str:
        return self.store.relative(path)


def verify(store: Store, *, other_files: Callable[[Path], bool] | None = None) -> Verification:
    """Read every file of the store and check it.

    :param other_files: checks a file whose format belongs to a higher layer, such as a router state:
        returns whether it knows it, and raises if it is damaged.
    :raises StoreError: only if there is no store at all; damage is reported, not raised.
    """
    walk = _Walk(store)
    walk.check(store.root / MARKER, lambda: Store.open(store.root))
    for path in _files(store.root):
        relative = path.relative_to(store.root)
        folder = relative.parts[0]
        if path.name.startswith(TEMPORARY):
            walk.strays.append(walk.name(path))
        elif (folder == "work" and path.suffix == ".lock") or relative.as_posix() == NOTE:
            pass  # locks are empty and left in place on purpose; nothing depends on the note
        elif folder == "contents":
            walk.check(path, lambda p=path: _content(store, p, walk))  # type: ignore[misc]
        elif folder == "nodes":
            walk.check(path, lambda p=path: store.node(p.stem))  # type: ignore[misc]
        elif folder == "heads":
            walk.check(path, lambda p=path: store.head(p.stem))  # type: ignore[misc]
        elif folder == states.FOLDER and path.name == states.MANIFEST:
            _state(walk, path)
        elif folder == "samples" and path.suffix == REDACTED_SUFFIX:
            walk.check(path, lambda p=path: redacted_rows(p.read_bytes(), what=p.name, samples=p.stem))  # type: ignore[misc]
        elif folder == "samples":
            walk.check(path, lambda p=path: store.samples(p.name))  # type: ignore[misc]
        elif folder == learned.FOLDER:
            walk.check(path, lambda p=path: learned.read_learned(store, p.stem))  # type: ignore[misc]
        elif folder == "canaries":
            walk.check(path, lambda p=path: store.canaries(p.stem))  # type: ignore[misc]
        elif folder == "evaluations":
            walk.check(path, lambda p=path: canonical.unseal(p.read_bytes(), what=p.name))  # type: ignore[misc]
        elif folder == "HEAD":
            walk.check(path, lambda: store.check_stack(store.head_stack() or ""))
        elif folder == derived.FOLDER:
            _derived(walk, path)
        elif folder not in ("stacks", "history", "adapters", states.FOLDER, MARKER):  # walked below or done
            _other(walk, path, other_files)
    if store.routers.is_dir() and not store.routers.is_relative_to(store.root):
        for path in _files(store.routers):
            _other(walk, path, other_files)
    stacks = store.stacks()
    for stack in stacks:
        walk.check(store.root / "stacks" / stack, lambda s=stack: _chain(store, s))  # type: ignore[misc]
        walk.check(store.root / "history" / f"{stack}.jsonl", lambda s=stack: read_history(store, s))  # type: ignore[misc]
    for folder in ("adapters", states.FOLDER, "stacks", "history"):
        for path in _files(store.root / folder):
            if walk.name(path) not in walk.checked:
                walk.strays.append(walk.name(path))
    problems = tuple(Problem(path, message) for path, message in sorted(walk.problems.items()))
    return Verification(len(walk.checked), len(stacks), problems, tuple(sorted(set(walk.strays))))


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.rglob("*") if path.is_file())


def _other(walk: _Walk, path: Path, known: Callable[[Path], bool] | None) -> None:
    found = False

    def check() -> None:
        nonlocal found
        found = known is not None and known(path)

    if walk.check(path, check) and not found:
        walk.checked.discard(walk.name(path))
        walk.strays.append(walk.name(path))


def _derived(walk: _Walk, path: Path) -> None:
    """Damage here is no problem: what is not whole is never believed, and is made again."""
    try:
        derived.decode(path.read_bytes(), path.stem)
    except (OSError, SkillStackError):
        walk.strays.append(walk.name(path))
    else:
        walk.checked.add(walk.name(path))


def _state(walk: _Walk, path: Path) -> None:
    store, digest = walk.store, path.parent.name
    for relative, error in states.check_files(store, digest):
        walk.check(store.root / relative, lambda e=error: _raise(e))  # type: ignore[misc]


def _raise(error: StoreError | None) -> None:
    if error is not None:
        raise error


def _content(store: Store, path: Path, walk: _Walk) -> None:
    content = store.content(path.stem)
    walk.check(store.root / MARKER, lambda: _admitted(store, content))
    adapter = content.adapter
    if adapter is not None:
        folder = store.root / "adapters" / adapter.folder
        for name, digest in zip(ADAPTER_FILES, (adapter.config, adapter.model, adapter.card), strict=True):
            walk.check(folder / name, lambda f=folder / name, d=digest: _adapter_file(f, d))  # type: ignore[misc]
    for relative in content.files:
        if not is_there(store.root, relative):
            walk.check(store.root / relative, lambda r=relative: store.read(r))  # type: ignore[misc]
    for skill in content.skills:
        if skill.head is not None and (store.root / "heads" / f"{skill.head}.safetensors").is_file():
            _head_fits(store, content, skill)


def _admitted(store: Store, content: FrameRecord) -> None:
    try:
        found = marker.read(store.root)
    except SkillStackError:
        return  # reported already
    if content.format > found.format:
        raise StoreError(f"names format {found.format}, and the store has records of format {content.format}")


def _adapter_file(path: Path, digest: str) -> None:
    if not path.is_file():
        raise StoreError("is missing")
    if sha256_file(path) != digest:
        raise StoreError("was altered: its bytes do not have the digest that its content names")
    if path.suffix == ".safetensors":
        tensors.load(path.read_bytes(), what=path.name)


def _head_fits(store: Store, content: FrameRecord, skill: Skill) -> None:
    if skill.head is None:
        return
    try:
        shape = store.head(skill.head)["weight"].shape
    except SkillStackError:
        return  # reported under the head's own name
    if shape != (len(skill.labels), content.base.hidden_size):
        raise StoreError(f"names a head of shape {shape} for {len(skill.labels)} labels")


def _chain(store: Store, stack: str) -> None:
    for node_id, node in store.chain(stack):
        if not (store.root / "contents" / f"{node.content}.json").is_file():
            raise StoreError(f"leads to the node {node_id[:12]}, whose content is missing")
    try:
        read_steps(store, stack)
    except SkillStackError:
        return  # reported under the history's own name
    read_history(store, stack)

"""What is made once for a state of the code and then copied, by all processes and files that need it."""

from __future__ import annotations

import contextlib
import functools
import getpass
import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).resolve().parents[1]
#: Libraries whose version may change what is made.
LIBRARIES = ("torch", "transformers", "peft", "scikit-learn", "numpy", "safetensors")
#: What was made for other states of the code is deleted after this time.
STALE_SECONDS = 24 * 3600


def made_once(name: str, make: Callable[[Path], object], *key: object) -> Path:
    """A folder that was made for this state of the code, by whoever came first. Copy it to write to it.

    :param make: fills an empty folder; nothing in it may depend on where the folder lies.
    :param key: what else decides what is made.
    """
    kept = _of_this_code()
    folder = kept / f"{name}-{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            unfinished = folder.with_name(f"{folder.name}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(folder)
    return folder


@functools.cache
def _of_this_code() -> Path:
    """Where it is kept, beside what other states of the code left."""
    home = Path(tempfile.gettempdir()) / f"skillstack-tests-{_user()}"
    folder = home / _digest()
    folder.mkdir(parents=True, exist_ok=True)
    folder.touch()
    for other in home.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - other.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(other, ignore_errors=True)
    return folder


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "anybody"


def _digest() -> str:
    """Of the package, of the helpers of the tests, and of the libraries."""
    found = hashlib.sha256(" ".join(f"{name} {version(name)}" for name in LIBRARIES).encode())
    helpers = (path for path in (ROOT / "tests").rglob("*.py") if not path.name.startswith("test_"))
    package = (path for path in (ROOT / "skillstack").rglob("*") if path.suffix in (".py", ".toml"))
    for path in sorted((*helpers, *package)):
        found.update(path.relative_to(ROOT).as_posix().encode())
        found.update(path.read_bytes())
    return found.hexdigest()[:16]

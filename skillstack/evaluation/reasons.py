"""Why something was not measured, in words that can be published: none of them is a path of this machine."""

from __future__ import annotations

import re
from pathlib import Path, PureWindowsPath

#: A path from a root, a drive or a home on. What follows a letter, a colon or a slash is part of a name or an
#: address: ``owner/model``, ``https://...``.
_PATH = re.compile(r"(?<![\w.:/\\~-])(?:~[\w.-]*|[A-Za-z]:)?[/\\][^\s'\"<>|]*")


def published(message: str, *places: Path | None) -> str:
    """A message in which the last part alone is left of each path.

    :param places: folders and files that it may name, spaces and all.
    """
    names = {spelled: place.resolve().name for place in places if place for spelled in _spellings(place)}
    for spelled in sorted(names, key=len, reverse=True):
        message = message.replace(spelled, names[spelled])
    for home in {str(Path.home()), str(Path.cwd())} - {Path.home().anchor}:
        message = message.replace(home, "~")
    return _PATH.sub(_last, message)


def _spellings(place: Path) -> set[str]:
    """Ways to write a path that tell more than a name."""
    ways = {str(place), str(place.expanduser()), str(place.absolute()), str(place.resolve())}
    return {way for way in ways if PureWindowsPath(way).name not in ("", "..") and way != place.name}


def _last(found: re.Match[str]) -> str:
    path = found.group().rstrip(".,;:)")
    return (PureWindowsPath(path).name or path) + found.group()[len(path) :]

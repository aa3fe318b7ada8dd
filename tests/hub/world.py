"""Small copies of the hub's data sets, with each set's own columns and label names, and a stand-in hub."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from skillstack.data.hub_rows import HubSet

ROOT = Path(__file__).resolve().parents[2]
#: What the sets have beside the columns that are read.
OTHER_COLUMNS = {
    "sst2": ("idx",),
    "qnli": ("idx",),
    "mrpc": ("idx",),
    "qqp": ("idx",),
    "yahoo": ("id",),
}


def texts_of(known: HubSet, split: str, label: int, number: int) -> dict[str, Any]:
    """A row that no other row is like."""
    words = (
        f"{split} {label} {number} {hashlib.sha256(f'{split} {label} {number}'.encode()).hexdigest()[:12]}"
    )
    row: dict[str, Any] = {name: f"{name} of {words}" for name in (*known.text, *known.pair)}
    row[known.label] = label if known.names else bool(label)
    return row | dict.fromkeys(OTHER_COLUMNS.get(known.task, ()), number)


def make_set(
    folder: Path,
    known: HubSet,
    *,
    per_class: int = 4,
    files: int = 1,
    group: int | None = None,
    described: bool = True,
    names: tuple[str, ...] | None = None,
    change: Callable[[str, list[dict[str, Any]]], list[dict[str, Any]]] = lambda split, rows: rows,
) -> Path:
    """A repository of a data set: a card with its configurations, and Parquet files sorted by class.

    :param group: rows of a row group.
    :param described: whether the card says the columns, as those of the hub do.
    """
    import yaml
    from datasets import ClassLabel, Dataset, DatasetInfo, Features, Value

    features = Features(
        {name: Value("string") for name in (*known.text, *known.pair)}
        | {name: Value("int32") for name in OTHER_COLUMNS.get(known.task, ())}
        | {known.label: ClassLabel(names=list(names or known.names)) if known.names else Value("bool")}
    )
    classes = len(known.names) or 2
    entries = []
    for split in filter(None, (known.train, known.validation, known.test)):
        rows = [texts_of(known, split, label, n) for label in range(classes) for n in range(per_class)]
        rows = change(split, rows)
        place = folder / known.config
        place.mkdir(parents=True, exist_ok=True)
        size = -(-len(rows) // files)
        for n in range(files):
            part = rows[n * size : (n + 1) * size]
            file = place / f"{split}-{n:05d}-of-{files:05d}.parquet"
            Dataset.from_list(part, features=features).to_parquet(str(file), batch_size=group)
        entries.append(f"  - split: {split}\n    path: {known.config}/{split}-*")
    about = DatasetInfo(features=features, config_name=known.config)._to_yaml_dict() if described else {}
    info = yaml.safe_dump({"dataset_info": [about]}) if described else ""
    card = f"---\nlicense: other\n{info}configs:\n- config_name: {known.config}\n  data_files:\n" + "\n".join(
        entries
    )
    (folder / "README.md").write_text(f"{card}\n---\n\nA copy for tests.\n")
    return folder


@dataclass
class StandIn:
    """A hub of folders on this machine.

    :ivar repos: folder by name, ``datasets/x/y`` or ``x/y``, with the commit that it stands at.
    :ivar refuse: status and error code for every request of a repository, by name.
    :ivar cut: files, by the end of their name, of which only half is sent.
    :ivar corrupt: files, by the end of their name, that are sent with another last byte.
    :ivar asked: all requests.
    :ivar sent: bytes of each file, by its name, that were asked for.
    """

    address: str = ""
    repos: dict[str, tuple[Path, str]] = field(default_factory=dict)
    refuse: dict[str, tuple[int, str]] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    corrupt: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    sent: Counter[str] = field(default_factory=Counter)

    def environ(self, home: Path, **more: str) -> dict[str, str]:
        """What a process needs to take this for the hub."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("SKILLSTACK", "HF_"))}
        return {
            **kept,
            "HF_ENDPOINT": self.address,
            "HF_HOME": str(home / "hf"),
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "SKILLSTACK_CACHE": str(home / "cache"),
            "PYTHONPATH": str(ROOT),
            "NO_PROXY": "*",
            **more,
        }


@contextmanager
def serving(hub: StandIn) -> Iterator[StandIn]:
    """Serve it on a port of this machine."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hub.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: StandIn
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{self.command} {path}")
        self.hub.tokens.add(self.headers.get("Authorization") or "")
        for name, (folder, commit) in self.hub.repos.items():
            found = re.fullmatch(rf"/(api/)?(models/)?{re.escape(name)}(/.*)?", path)
            if found and bool(found[2]) == bool(found[1] and not name.startswith("datasets/")):
                if name in self.hub.refuse:
                    return self._refuse(*self.hub.refuse[name])
                rest = (found[3] or "").strip("/")
                if found[1]:
                    return self._api(folder, commit, name, rest, body)
                return self._file(folder, commit, rest)
        self._refuse(404 if "/api/" not in path else 401, "RepoNotFound")

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, b"{}", {"X-Error-Code": code, "X-Error-Message": f"{code} of the stand-in"})

    def _api(self, folder: Path, commit: str, name: str, rest: str, body: bytes) -> None:
        parts = rest.split("/")
        if rest == "" or (parts[0] == "revision" and parts[1] in (commit, "main")):
            siblings = [{"rfilename": entry["path"]} for entry in _entries(folder) if entry["type"] == "file"]
            return self._json({"id": name.removeprefix("datasets/"), "sha": commit, "siblings": siblings})
        if len(parts) > 1 and parts[1] not in (commit, "main"):
            return self._refuse(404, "RevisionNotFound")
        below = "/".join(parts[2:])
        if parts[0] == "tree":
            if below and not (folder / below).is_dir():
                return self._refuse(404, "EntryNotFound")
            prefix = f"{below}/" if below else ""
            found = [entry for entry in _entries(folder) if entry["path"].startswith(prefix)]
            if "recursive=true" not in self.path.lower():
                found = [entry for entry in found if "/" not in entry["path"].removeprefix(prefix)]
            return self._json(found)
        if parts[0] == "paths-info":
            fields = json.loads(body) if body.startswith(b"{") else {"paths": _form(body)}
            return self._json([entry for entry in _entries(folder) if entry["path"] in fields["paths"]])
        return self._refuse(404, "EntryNotFound")

    def _file(self, folder: Path, commit: str, rest: str) -> None:
        parts = rest.split("/")
        if parts[0] != "resolve" or parts[1] not in (commit, "main"):
            return self._refuse(404, "RevisionNotFound")
        file = folder / "/".join(parts[2:])
        if not file.is_file():
            return self._refuse(404, "EntryNotFound")
        data = file.read_bytes()
        large = file.suffix in (".safetensors", ".parquet")
        etag = hashlib.sha256(data).hexdigest() if large else _git(data)
        head = {"ETag": f'"{etag}"', "X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        if large:
            head |= {"X-Linked-Size": str(len(data)), "X-Linked-ETag": f'"{etag}"'}
        if any(file.name.endswith(end) for end in self.hub.corrupt):
            data = data[:-1] + bytes([data[-1] ^ 1])
        status, wanted = 200, re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if wanted:
            start = int(wanted[1])
            end = min(int(wanted[2] or len(data)), len(data) - 1)
            head["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
            status, data = 206, data[start : end + 1]
        if self.command == "GET":
            self.hub.sent[file.name] += len(data)
        half = self.command == "GET" and any(file.name.endswith(end) for end in self.hub.cut)
        self._send(status, data, head, half=half)

    def _json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, data: bytes, head: dict[str, str], half: bool = False) -> None:
        self.send_response(status)
        for key, value in head.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if half else data)
        if half:
            self.close_connection = True


def _form(body: bytes) -> list[str]:
    return [unquote(part.partition("=")[2]) for part in body.decode().split("&") if part.startswith("paths=")]


def _git(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _entries(folder: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir():
            entries.append({"type": "directory", "oid": _git(name.encode()), "size": 0, "path": name})
            continue
        data = path.read_bytes()
        entry: dict[str, Any] = {"type": "file", "oid": _git(data), "size": len(data), "path": name}
        if path.suffix in (".safetensors", ".parquet"):
            digest = hashlib.sha256(data).hexdigest()
            entry["lfs"] = {"oid": digest, "size": len(data), "pointerSize": 130}
        entries.append(entry)
    return entries


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def skillstack(folder: Path, environ: dict[str, str], *arguments: str) -> Ran:
    """The program as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "skillstack", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environ,
        timeout=280,
    )
    return Ran(done.returncode, done.stdout, done.stderr)

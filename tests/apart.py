"""Processes of their own, forked from one that loaded the libraries once, which is what takes long."""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: Where nothing can be forked, each process loads them.
METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
PRELOADED = ("skillstack.training.loop", "transformers.models.bert.modeling_bert")


@dataclass(frozen=True)
class Ended:
    """What a process left behind."""

    status: int
    out: str
    err: str


def start(
    work: Callable[..., int],
    *arguments: object,
    folder: Path,
    environment: Mapping[str, str],
) -> Callable[[], Ended]:
    """Start a process that works in a folder; what is returned waits for its end.

    :param work: a function of a module; its result is the exit status.
    :param environment: what differs from this process's.
    """
    context = multiprocessing.get_context(METHOD)
    if METHOD == "forkserver":
        context.set_forkserver_preload(list(PRELOADED))
    if str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))  # a process that starts finds the tests by the path of this one
    said = Path(tempfile.mkdtemp(dir=folder.parent))
    environ = {**os.environ, **environment}
    process = context.Process(target=_work, args=(work, arguments, folder, environ, said), daemon=True)
    process.start()

    def wait() -> Ended:
        process.join(timeout=300)
        assert process.exitcode is not None, "the process hangs"
        return Ended(process.exitcode, *((said / name).read_text("utf-8") for name in ("out", "err")))

    return wait


def _work(
    work: Callable[..., int], arguments: tuple[object, ...], folder: Path, environ: dict[str, str], said: Path
) -> None:
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(folder)
    for descriptor, name in ((1, "out"), (2, "err")):
        with (said / name).open("wb") as file:
            os.dup2(file.fileno(), descriptor)
    sys.exit(work(*arguments))

"""From the name of a model to a local folder with its files."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from skillstack.errors import MismatchError, MissingError, UsageError, did_you_mean
from skillstack.hub import explain
from skillstack.models import builtin, smollm2

#: The name of the default base.
DEFAULT = "minilm"
SHORT_NAMES = (DEFAULT, smollm2.NAME)
_HUB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)?")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,199}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
#: Only what lies at the top of a repository, and never code or pickles.
_HUB_FILES = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]
#: Folders, and the second copy of the weights in Mistral's and Meta's own layout.
_NOT_HUB_FILES = ["*/*", "consolidated*"]


@dataclass(frozen=True)
class Source:
    """Where a base's files are.

    :ivar name: the hint that identities carry; never a path.
    :ivar revision: which version of that, as far as it is known.
    :ivar folder: config, tokenizer and safetensors.
    :ivar weights: the weights' fingerprint where the folder's check implies it, else empty.
    """

    name: str
    revision: str
    folder: Path
    weights: str = ""


def find(name: str, revision: str = "") -> Source:
    """Resolve ``minilm``, ``smollm2``, a folder, or the name of a model on the hub.

    The hub is asked only where HF_HUB_OFFLINE does not forbid it; else its local cache has to do.

    :param name: a hub name may carry a commit, branch or tag: ``owner/model@revision``.
    :param revision: the commit that a record says; one in the name comes first. It is not looked at where
        the name is no hub name, nor where it is no commit.
    :raises UsageError: if the name cannot be meant.
    :raises MissingError: if the model is not here and cannot be fetched.
    :raises IntegrityError: if a packaged model is damaged.
    """
    if name in (DEFAULT, builtin.NAME):
        return Source(builtin.NAME, "", builtin.checked_folder(), builtin.FINGERPRINT)
    if name == smollm2.NAME:
        return Source(smollm2.NAME, "", smollm2.folder())
    path = _existing(name)
    if path is not None:
        return _local(path)
    model, at, wanted = name.partition("@")
    if len(model) > 200 or not _HUB_NAME.fullmatch(model):
        raise MissingError(
            f"There is no folder {name[:120]!r}.",
            f"Name a folder with a model, a model of the hub, or {' or '.join(SHORT_NAMES)}.",
        )
    if "/" not in model and difflib.get_close_matches(model.lower(), SHORT_NAMES, cutoff=0.7):
        if model in SHORT_NAMES:
            raise UsageError(f"The model {model} has no revisions.", f"Write {model} alone.")
        raise UsageError(f"There is no model {model!r}.", did_you_mean(model.lower(), SHORT_NAMES))
    if at and (not _REVISION.fullmatch(wanted) or ".." in wanted):
        raise UsageError(
            f"{wanted[:80]!r} is no revision of a model.", "Give a commit, branch or tag: owner/model@main."
        )
    return _hub(model, wanted or (revision if _COMMIT.fullmatch(revision) else ""))


def _existing(name: str) -> Path | None:
    try:
        path = Path(name).expanduser()
        return path if path.is_dir() else None
    except (OSError, RuntimeError, ValueError):
        # A name too long for the system, or of an unknown user, is no folder.
        return None


def _local(path: Path) -> Source:
    config = path / "config.json"
    if not config.is_file():
        raise MissingError(
            f"{path} holds no config.json, so it is no model.", "Name a folder made by save_pretrained."
        )
    try:
        quantised = "quantization_config" in json.loads(config.read_text(encoding="utf-8"))
    except (ValueError, TypeError):
        raise MissingError(f"{config} is no JSON.", "Copy or download the model again.") from None
    if quantised:
        raise MismatchError(
            f"{path} holds a model that is quantised already.",
            "Name the full-precision model; --precision nf4 quantises it while loading.",
        )
    return Source(path.resolve().name, "", path)


def _hub(name: str, revision: str) -> Source:
    from huggingface_hub import snapshot_download

    try:
        folder = Path(
            snapshot_download(
                name,
                revision=revision or None,
                allow_patterns=_HUB_FILES,
                ignore_patterns=_NOT_HUB_FILES,
            )
        )
    except Exception as error:  # whatever the hub's library and the network raise
        raise explain(
            error,
            f"The model {name}{'@' if revision else ''}{revision}",
            name,
            f"Known without a download: {', '.join(SHORT_NAMES)}; a folder path works as well.",
        ) from error
    local = _local(folder)
    # The hub's cache names a snapshot's folder by its commit.
    return Source(name, folder.name if _COMMIT.fullmatch(folder.name) else revision, local.folder)

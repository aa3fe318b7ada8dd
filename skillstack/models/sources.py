"""From the name of a model to a local folder with its files."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from skillstack.errors import MismatchError, MissingError, UsageError, did_you_mean
from skillstack.models import builtin, smollm2

#: The name of the default base.
DEFAULT = "minilm"
SHORT_NAMES = (DEFAULT, smollm2.NAME)
_HUB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)?")
#: Only what lies at the top of a repository, and never code or pickles.
_HUB_FILES = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]


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


def find(name: str) -> Source:
    """Resolve ``minilm``, ``smollm2``, a folder, or the name of a model on the hub.

    The hub is asked only where HF_HUB_OFFLINE does not forbid it; else its local cache has to do.

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
    if len(name) > 200 or not _HUB_NAME.fullmatch(name):
        raise MissingError(
            f"There is no folder {name[:120]!r}.",
            f"Name a folder with a model, a model of the hub, or {' or '.join(SHORT_NAMES)}.",
        )
    if "/" not in name and difflib.get_close_matches(name.lower(), SHORT_NAMES, cutoff=0.7):
        raise UsageError(f"There is no model {name!r}.", did_you_mean(name.lower(), SHORT_NAMES))
    return _hub(name)


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


def _hub(name: str) -> Source:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

    hint = f"Known without a download: {', '.join(SHORT_NAMES)}; a folder path works as well."
    try:
        folder = Path(snapshot_download(name, allow_patterns=_HUB_FILES, ignore_patterns=["*/*"]))
    except GatedRepoError:
        raise MissingError(
            f"The model {name} is gated.", "Accept its licence on the hub and log in with `hf auth login`."
        ) from None
    except RepositoryNotFoundError:
        raise MissingError(f"The hub has no model {name}.", hint) from None
    except (HfHubHTTPError, OSError, ValueError) as error:
        reason = type(error).__name__
        raise MissingError(
            f"The model {name} is not in the local cache and cannot be downloaded ({reason}).", hint
        ) from None
    local = _local(folder)
    # The hub's cache names a snapshot's folder by its commit.
    return Source(name, folder.name, local.folder)

"""What is known of a base and of tasks before anything is loaded or downloaded, and why one cannot be had."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

from skillstack.data.folder import FolderSource
from skillstack.data.hub import HubSource
from skillstack.data.presets import catalogue
from skillstack.data.sources import StarterSource, load_task
from skillstack.data.task import Task, TaskData
from skillstack.errors import MissingError, SkillStackError
from skillstack.hub import cache_dir, explain, is_offline
from skillstack.models.identity import kind_of
from skillstack.models.sources import (
    CONVERSION,
    DEFAULT,
    MINILM,
    SMOLLM2,
    SMOLLM2_SHA256,
    gguf_file,
    minilm_folder,
)

if TYPE_CHECKING:
    from skillstack.models.base import Kind

#: Seconds that the hub has to answer a question.
PATIENCE = 3.0
_SMOLLM2_BYTES = 540_000_000


@dataclass(frozen=True)
class BaseFacts:
    """What is known of a base; a number is 0 where it is unknown.

    :ivar name: the name that a person gave.
    :ivar calls_itself: the base's name in records.
    :ivar kind: ``encoder`` or ``decoder``; empty where that is unknown.
    :ivar parameters: the number of all weights.
    :ivar hidden: width of a hidden state.
    :ivar inner: width inside the feed-forward layers.
    :ivar keys: width of all keys together, smaller than ``hidden`` where heads share them.
    :ivar download: bytes that have to come from the hub; 0 if the base is here, None if that is unknown.
    :ivar disk: bytes that making it ready takes on this disk, download included.
    :ivar gated: whether the hub gives it only to those who accepted its terms.
    :ivar error: why it cannot be had, as far as that is known.
    """

    name: str
    calls_itself: str
    kind: Literal["", "encoder", "decoder"] = ""
    parameters: int = 0
    hidden: int = 0
    layers: int = 0
    inner: int = 0
    keys: int = 0
    vocabulary: int = 0
    download: int | None = 0
    disk: int = 0
    gated: bool = False
    error: SkillStackError | None = None


@dataclass(frozen=True)
class TaskFacts:
    """What is known of a task.

    :ivar task: the task itself; None where nobody knows it.
    :ivar data: its rows, where they are here.
    :ivar source: ``starter``, ``folder`` or ``hub``; empty where it cannot be had.
    :ivar download: bytes, about, that have to come from the hub.
    :ivar error: why it cannot be had.
    """

    name: str
    task: Task | None = None
    data: TaskData | None = None
    source: str = ""
    licence: str = ""
    origin: str = ""
    download: int = 0
    error: SkillStackError | None = None

    @property
    def labels(self) -> int:
        """How many labels it has; 0 where that is unknown."""
        return len(self.task.labels) if self.task is not None else 0

    @property
    def family(self) -> str:
        """Its family; empty where that is unknown."""
        return self.task.family if self.task is not None else ""


def _known(
    name: str, kind: Kind, millions: float, shape: tuple[int, int, int, int, int], megabytes: int
) -> BaseFacts:
    size, gated = megabytes * 10**6, name.startswith("meta-llama/")
    return BaseFacts(name, name, kind, round(millions * 1e6), *shape, size, size, gated)


#: Models that people ask for, from their own configurations: hidden, layers, inner, keys, vocabulary; MB.
KNOWN = {
    base.name: base
    for base in (
        _known(MINILM, "encoder", 22.7, (384, 6, 1536, 384, 30522), 91),
        _known("HuggingFaceTB/SmolLM2-135M-Instruct", "decoder", 134.5, (576, 30, 1536, 192, 49152), 271),
        _known("Qwen/Qwen2.5-0.5B-Instruct", "decoder", 494, (896, 24, 4864, 128, 151936), 999),
        _known("Qwen/Qwen2.5-1.5B-Instruct", "decoder", 1543.7, (1536, 28, 8960, 256, 151936), 3098),
        _known("meta-llama/Llama-3.2-1B-Instruct", "decoder", 1235.8, (2048, 16, 8192, 512, 128256), 2480),
        _known("meta-llama/Llama-3.2-3B-Instruct", "decoder", 3212.7, (3072, 28, 8192, 1024, 128256), 6434),
    )
}


def base_facts(model: str | None) -> BaseFacts:
    """What is known of a base by its name, as `--model` takes it.

    The hub is asked where nothing is here, unless it must not be.
    """
    name = model or DEFAULT
    if name in (DEFAULT, MINILM):
        return _packaged(replace(KNOWN[MINILM], name=name, download=0, disk=0), minilm_folder)
    if name == SMOLLM2:
        base = KNOWN["HuggingFaceTB/SmolLM2-135M-Instruct"]
        base = replace(base, name=name, calls_itself=name, download=0, disk=0)
        if (cache_dir() / f"smollm2-{SMOLLM2_SHA256[:12]}-{CONVERSION}").is_dir():
            return base
        return _packaged(replace(base, disk=_SMOLLM2_BYTES), gguf_file)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return facts_of_folder(name, folder)
    return _of_hub(name)


def facts_of_folder(name: str, folder: Path) -> BaseFacts:
    """What a folder with a model says; nothing of its weights is read but the header."""
    from safetensors import SafetensorError

    from skillstack.models.identity import weight_files

    base = BaseFacts(name, folder.resolve().name)
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return _shaped(replace(base, parameters=sum(map(_parameters, weight_files(folder)))), config)
    except SkillStackError as error:
        return replace(base, error=error)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, SafetensorError):
        said = f"{folder} holds no model that can be read."
        return replace(base, error=SkillStackError(said, "Name a folder made by save_pretrained."))


def task_facts(names: Sequence[str], data_dir: Path | None, *, ask_hub: bool) -> tuple[TaskFacts, ...]:
    """Find tasks as a training would: in the data folder, the package, on the hub. Nothing is downloaded.

    :param ask_hub: whether to see that the hub answers where a task has to come from it.
    """
    found = tuple(_find_task(name, data_dir) for name in names)
    absent = next((one for one in found if one.download), None)
    if absent is None or not ask_hub:
        return found
    repo = HubSource().sets[absent.name].repo
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError

        HfApi().dataset_info(repo, timeout=PATIENCE)
    except ImportError:
        return found  # a missing library is a finding of its own
    except HfHubHTTPError as error:  # the hub answered, about this one alone
        what = f"The data set {repo} of the task {absent.name!r}"
        errors = {absent.name: explain(error, what, f"datasets/{repo}", "")}
    except Exception:  # whatever the network raises
        errors = {one.name: _unreachable(one.name) for one in found if one.download}
    else:
        return found
    return tuple(replace(one, error=errors.get(one.name, one.error)) for one in found)


def _find_task(name: str, data_dir: Path | None) -> TaskFacts:
    known, hub = catalogue().get(name), HubSource()
    try:
        nearer = (FolderSource(data_dir) if data_dir is not None else None, StarterSource())
        here = any(source is not None and source.holds(name) for source in nearer)
        if here or not hub.holds(name) or hub.cached(name):
            data = load_task(name, data_dir)
            source = data.source
            return TaskFacts(name, data.task, data, source.kind, source.licence, source.origin)
        hub.check(name)
    except ImportError as missing:
        words = f"The package {missing.name} is missing, so the hub cannot be asked."
        return TaskFacts(name, known, error=MissingError(words, f"Run: pip install {missing.name}"))
    except SkillStackError as error:
        return TaskFacts(name, known, error=error)
    entry = hub.sets[name]
    size = entry.download * 1_000_000
    return TaskFacts(name, known, None, "hub", entry.licence, entry.origin, size)


def _unreachable(name: str) -> SkillStackError:
    return MissingError(
        f"The task {name!r} is not here, and the hub cannot be reached.",
        f"Run `skillstack fetch --task {name}` where there is a network, "
        f"or give a folder that holds {name}/ with --data-dir.",
    )


def _packaged(base: BaseFacts, find: Callable[[], Path]) -> BaseFacts:
    try:
        find()
    except SkillStackError as error:
        return replace(base, error=error)
    return base


def _of_hub(name: str) -> BaseFacts:
    """A model of the hub: from the hub's own cache, else what the hub announces."""
    model, _, revision = name.partition("@")
    known = replace(KNOWN.get(model, BaseFacts(name, model, download=None)), name=name)
    try:
        from huggingface_hub import HfApi, snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError
    except ImportError:
        return known  # a missing library is a finding of its own
    try:
        folder = Path(snapshot_download(model, revision=revision or None, local_files_only=True))
        here = replace(facts_of_folder(name, folder), calls_itself=model)
        if here.error is None:
            return here
    except (LocalEntryNotFoundError, OSError, ValueError):
        pass
    try:
        if is_offline():
            raise OSError
        found = HfApi().model_info(model, revision=revision or None, timeout=PATIENCE, files_metadata=True)
        return _announced(known, found)
    except SkillStackError as error:
        return replace(known, error=error)
    except Exception as error:  # whatever the hub's library and the network raise
        otherwise = "minilm and smollm2 need no download."
        return replace(known, error=explain(error, f"The model {name}", model, otherwise))


def _announced(known: BaseFacts, found: Any) -> BaseFacts:
    """The same with what the hub says of the model."""
    files = found.siblings or ()
    size = sum(file.size or 0 for file in files if file.rfilename.endswith((".safetensors", ".json")))
    base = replace(
        known,
        parameters=int(getattr(found.safetensors, "total", 0) or known.parameters),
        download=int(size) or known.download,
        disk=int(size) or known.disk,
        gated=bool(found.gated),
    )
    config = found.config or {}
    return base if base.kind or "model_type" not in config else _shaped(base, config)


def _shaped(base: BaseFacts, config: Mapping[str, Any]) -> BaseFacts:
    hidden = int(config.get("hidden_size") or 0)
    heads = int(config.get("num_attention_heads") or 1)
    key_heads = int(config.get("num_key_value_heads") or heads)
    described = SimpleNamespace(**{"architectures": None, "hidden_size": hidden, **config})
    return replace(
        base,
        kind=kind_of(described),
        hidden=hidden,
        layers=int(config.get("num_hidden_layers") or 0),
        inner=int(config.get("intermediate_size") or 4 * hidden),
        keys=key_heads * int(config.get("head_dim") or hidden // heads),
        vocabulary=int(config.get("vocab_size") or 0),
    )


def _parameters(file: Path) -> int:
    """Numbers in a safetensors file, by its header."""
    from safetensors import safe_open

    with safe_open(file, framework="numpy") as weights:
        return sum(prod(weights.get_slice(key).get_shape()) for key in weights.keys())  # noqa: SIM118

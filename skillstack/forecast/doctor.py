"""What `doctor` finds: what this machine is, what a training would choose, and what is missing for it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from skillstack.errors import SkillStackError
from skillstack.forecast.estimate import Estimate, estimate
from skillstack.forecast.facts import BaseFacts, TaskFacts, base_facts, task_facts
from skillstack.forecast.machine import InstalledLibrary, Machine, libraries, this_machine
from skillstack.forecast.plan import TrainingRequest, planned_frame
from skillstack.hub import cache_dir
from skillstack.models.devices import Device, Rules, rules, trouble
from skillstack.models.sources import SMOLLM2
from skillstack.wording import listed, many, size

_SOURCES = {"starter": "with the package", "folder": "in the data folder", "hub": "from the hub or its cache"}
#: How folders are called that a program copies to other machines whenever a file changes.
_SYNCED = re.compile(
    r"dropbox( \(.*\))?|onedrive( ?-.*)?|google ?drive(-.*)?|my drive|icloud ?drive|mobile documents"
    r"|cloudstorage|nextcloud|owncloud|pclouddrive|box sync|mega(sync)?",
    re.IGNORECASE,
)
#: What Kaggle keeps of a session, and what Colab does not and does.
_KAGGLE, _COLAB, _DRIVE = Path("/kaggle/working"), Path("/content"), Path("/content/drive")


@dataclass(frozen=True)
class Finding:
    """One line of an examination.

    :ivar section: what it is about: ``machine``, ``training`` or ``store``.
    :ivar level: ``ok``; ``note`` for what to know; ``problem`` for what keeps a training from running.
    :ivar subject: a word or two.
    :ivar text: what is so.
    :ivar remedy: what to do; empty where nothing need be done.
    """

    section: str
    level: Literal["ok", "note", "problem"]
    subject: str
    text: str
    remedy: str = ""


@dataclass(frozen=True)
class Examination:
    """What was found.

    :ivar findings: in the order of the sections.
    :ivar device: the one that a training would take.
    :ivar rules: what is chosen on it.
    """

    findings: tuple[Finding, ...]
    machine: Machine
    libraries: tuple[InstalledLibrary, ...]
    base: BaseFacts
    tasks: tuple[TaskFacts, ...]
    device: Device
    rules: Rules
    estimate: Estimate

    @property
    def ready(self) -> bool:
        """Whether what was asked for can run."""
        return all(finding.level != "problem" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """As `doctor --json` shows it; null is unknown."""
        found = [
            {"name": one.name, "needed": one.needed, "fits": one.fits, "version": one.version or None}
            for one in self.libraries
        ]
        tasks = [
            {
                "name": one.name,
                "licence": one.licence,
                "download": one.download,
                "source": one.source or None,
                "labels": one.labels or None,
            }
            for one in self.tasks
        ]
        needs = self.estimate
        return {
            "ready": self.ready,
            "machine": {**self.machine.to_json(), "libraries": found},
            "training": {
                "base": self.base.calls_itself,
                "kind": self.base.kind or None,
                "parameters": self.base.parameters or None,
                "device": self.device.kind,
                "precision": self.rules.precision.value,
                "arithmetic": self.rules.arithmetic.value,
                "scaler": self.rules.mixed.value == "fp16",
                "gradient_checkpointing": self.rules.checkpointing.value == "on",
                "micro_batch": needs.rows_at_once,
                "memory": needs.memory or None,
                "download": needs.download,
                "disk": needs.disk,
                "seconds": None if needs.seconds is None else needs.seconds.to_json(),
                "tasks": tasks,
            },
            "findings": [asdict(finding) for finding in self.findings],
        }


def examine(request: TrainingRequest, machine: Machine | None = None) -> Examination:
    """Examine a machine for a training.

    :param machine: a described one; by default this one. Only this one is timed.
    :raises UsageError: for a name or a recipe that cannot be meant.
    """
    names, timed = request.names, machine is None
    machine = machine or this_machine()
    base, tasks = base_facts(request.model), task_facts(names, request.data_dir, ask_hub=True)
    kind, device = base.kind or "decoder", machine.device(request.device)
    chosen = rules(device, kind, parameters=base.parameters, precision=request.precision)
    extras = {
        "gpu": chosen.precision.value == "nf4",
        "hub": any(one.download for one in tasks),
        "llm": base.name == SMOLLM2 and base.disk > 0,
    }
    here = libraries([extra for extra, needed in extras.items() if needed])
    recipe, free = request.recipe(kind), machine.free(device)
    frames = [planned_frame(base, recipe, one) for one in tasks]
    needs = estimate(base, recipe, frames, device, chosen, free, timed=timed)
    findings = (
        *_machine(machine, here),
        *_gpus(machine, request, device),
        *_choices(base, device, chosen),
        *_memory(needs, device, free),
        *_supplies(base, tasks, request.preset),
        *_download(base, tasks),
        *_disk(request, needs.disk),
        *_time(needs),
        *_store(request.store, machine),
    )
    return Examination(findings, machine, here, base, tasks, device, chosen, needs)


def device_words(device: Device) -> str:
    """``Tesla T4 (capability 7.5)``, ``a GPU`` or ``the CPU``."""
    if device.kind != "cuda":
        return "the CPU"
    capability = "" if device.capability is None else f" (capability {'.'.join(map(str, device.capability))})"
    return f"{device.name or 'a GPU'}{capability}"


def _machine(machine: Machine, here: Sequence[InstalledLibrary]) -> Iterator[Finding]:
    free, total = machine.memory_free, machine.memory_total
    memory = f"{size(free)} of {size(total)} memory free" if total else "memory unknown"
    what = f"{machine.system}, Python {machine.python}, {many(machine.cores, 'core')}, {memory}."
    yield Finding("machine", "ok", "system", what)
    lacking = [one for one in here if not one.fits]
    if lacking:
        said = ", ".join(f"{one.name} {one.version or 'is missing'}" for one in lacking)
        command = " ".join(f'"{one.requirement}"' for one in lacking)
        remedy = f"pip install {command}"
        yield Finding("machine", "problem", "packages", f"Packages are too old or missing: {said}.", remedy)
    elif here and machine.torch:
        versions = ", ".join(f"{one.name} {one.version}" for one in here[:3])
        yield Finding("machine", "ok", "packages", f"All {len(here)} packages are installed: {versions} ...")
    if not machine.torch and find_spec("torch") is not None:
        text = f"torch cannot be imported ({machine.torch_error})."
        yield Finding("machine", "problem", "torch", text, "pip install --force-reinstall torch")


def _gpus(machine: Machine, request: TrainingRequest, device: Device) -> Iterator[Finding]:
    for gpu, free in zip(machine.gpus, machine.gpu_free, strict=True):
        if text := trouble(gpu):
            remedy = "Until then, train with --device cpu."
            yield Finding("machine", "problem" if gpu == device else "note", "gpu", text, remedy)
        else:
            text = f"{device_words(gpu)}, {size(free)} of {size(gpu.memory)} free."
            yield Finding("machine", "ok", "gpu", text)
    if len(machine.gpus) > 1:
        text = f"One process uses one of the {len(machine.gpus)} GPUs."
        remedy = f"accelerate launch --num_processes {len(machine.gpus)} -m skillstack train ..."
        yield Finding("machine", "note", "gpu", text, remedy)
    if machine.gpus:
        return
    asked = request.device == "cuda"
    if machine.idle_driver and machine.torch:
        why = f" ({machine.torch_error})" if machine.torch_error else ""
        text = f"An NVIDIA driver is here, but this torch sees no GPU{why}."
        remedy = "Install a build of torch with CUDA."
        yield Finding("machine", "problem" if asked else "note", "gpu", text, remedy)
    elif asked:
        yield Finding("machine", "problem", "gpu", "There is no GPU.", "Use --device cpu.")
    else:
        yield Finding("machine", "ok", "gpu", "There is no GPU: everything runs on the CPU.")


def _choices(base: BaseFacts, device: Device, chosen: Rules) -> Iterator[Finding]:
    count = f"{base.parameters / 1e6:,.0f} million parameters" if base.parameters else "size unknown"
    said = [
        ("base", f"{base.calls_itself} ({base.kind or 'kind unknown'}, {count})."),
        ("device", f"A training would run on {device_words(device)}."),
        ("precision", f"{chosen.precision.value}. {chosen.precision.reason}"),
    ]
    if chosen.arithmetic.value != chosen.precision.value:
        said.append(("computes", f"{chosen.arithmetic.value}. {chosen.arithmetic.reason}"))
    if chosen.mixed.value != "no":
        said.append(("scaler", f"{chosen.mixed.value}. {chosen.mixed.reason}"))
    if device.kind == "cuda":
        said.append(("checkpoints", f"{chosen.checkpointing.value}. {chosen.checkpointing.reason}"))
    for subject, text in said:
        yield Finding("training", "ok", subject, text)


def _memory(needs: Estimate, device: Device, free: int) -> Iterator[Finding]:
    where = "GPU memory" if device.kind == "cuda" else "memory"
    if needs.rows_at_once is None or not free:
        text = "It is unknown whether memory suffices; when it runs out, a step takes fewer rows at once."
        yield Finding("training", "note", "memory", text)
    elif not needs.rows_at_once:
        text = f"A training takes about {size(needs.memory)}, and {size(free)} of {where} are free."
        remedy = "Choose a smaller model or --max-length, --precision nf4, or a machine with more memory."
        yield Finding("training", "problem", "memory", text, remedy)
    else:
        text = f"A training takes about {size(needs.memory)} of the {size(free)} of {where} that are free."
        yield Finding("training", "ok", "memory", text)
        rows = many(needs.rows_at_once, "row")
        text = f"A step takes {rows} at once; when memory runs out, it takes half as many."
        yield Finding("training", "ok", "micro-batch", text)


def _supplies(base: BaseFacts, tasks: Sequence[TaskFacts], preset: str | None) -> Iterator[Finding]:
    """What cannot be had; equal errors of several tasks are one finding."""
    if base.error is not None:
        yield Finding("training", "problem", "model", base.error.message, base.error.hint)
    elif base.gated and base.download != 0 and not _has_token():
        text = f"{base.calls_itself} is gated, and this machine has no token for the hub."
        remedy = f"Accept its terms on its page at huggingface.co/{base.calls_itself}, then `hf auth login`."
        yield Finding("training", "problem", "token", text, remedy)
    failed = [(one.name, one.error) for one in tasks if one.error is not None]
    if len({error.hint.replace(name, "") for name, error in failed}) == 1 < len(failed):
        text = f"{len(failed)} tasks are not here: {listed([name for name, _ in failed])}."
        yield Finding("training", "problem", "tasks", text, _one_hint(failed, preset))
    else:
        for _, error in failed:
            yield Finding("training", "problem", "task", error.message, error.hint)
    sources = [one.source for one in tasks if one.error is None]
    if sources:
        count = f"{len(sources)} of {many(len(tasks), 'task')} can be had"
        places = [f"{sources.count(kind)} {words}" for kind, words in _SOURCES.items() if kind in sources]
        yield Finding("training", "ok", "tasks", f"{count}: {listed(places)}.")


def _one_hint(failed: Sequence[tuple[str, SkillStackError]], preset: str | None) -> str:
    """One hint for several tasks, made of the first one's."""
    first, error = failed[0]
    tasks = f"--preset {preset}" if preset else " ".join(f"--task {name}" for name, _ in failed)
    return error.hint.replace(f"--task {first}", tasks).replace(f"{first}/", "them")


def _has_token() -> bool:
    try:
        from huggingface_hub import get_token
    except ImportError:
        return False
    return bool(get_token())


def _download(base: BaseFacts, tasks: Sequence[TaskFacts]) -> Iterator[Finding]:
    parts = []
    if base.download != 0:
        known = "whose size is unknown" if base.download is None else f"about {size(base.download)}"
        parts.append(f"the model, {known}")
    sizes = [one.download for one in tasks if one.download]
    if sizes:
        parts.append(f"{many(len(sizes), 'task')}, about {size(sum(sizes))}")
    if parts:
        text = f"A training would download {listed(parts)}."
        remedy = "For a machine without a network: `skillstack fetch`."
        yield Finding("training", "note", "download", text, remedy)
    else:
        yield Finding("training", "ok", "download", "Nothing has to be downloaded.")


def _disk(request: TrainingRequest, needed: int) -> Iterator[Finding]:
    """Whether the disks of the store and of the caches have room."""
    for subject, place in (("disk", request.store), ("cache disk", cache_dir())):
        try:
            free = shutil.disk_usage(_existing(place)).free
        except OSError:
            yield Finding("training", "note", subject, f"It is unknown how much room {place} has.")
            continue
        if free < 1.1 * needed:
            text = f"About {size(needed)} are needed, and {size(free)} are free at {place}."
            remedy = "Free some, choose --store, or set HF_HOME and SKILLSTACK_CACHE to a larger disk."
            yield Finding("training", "problem", subject, text, remedy)
        elif subject == "disk" and needed:
            text = f"A training takes about {size(needed)} of the {size(free)} that are free."
            yield Finding("training", "ok", subject, text)


def _time(needs: Estimate) -> Iterator[Finding]:
    if needs.seconds is not None:
        text = f"A training takes roughly {needs.seconds.words}, by a measurement of one layer here."
        yield Finding("training", "ok", "time", text)


def _store(store: Path, machine: Machine) -> Iterator[Finding]:
    """Whether a store that exists, or is to be made, can be written and will stay."""
    folder, place = store.expanduser().resolve(), _existing(store)
    notes = list(_place_notes(folder, machine))
    for subject, text, remedy in notes:
        yield Finding("store", "note", subject, text, remedy)
    if not os.access(place, os.W_OK):
        text = f"{place} cannot be written."
        yield Finding("store", "problem", "store", text, "Choose another with --store.")
    elif not notes:
        yield Finding("store", "ok", "store", f"{folder} can be written.")


def _place_notes(folder: Path, machine: Machine) -> Iterator[tuple[str, str, str]]:
    synced = next((part for part in folder.parts if _SYNCED.fullmatch(part)), "")
    if synced:
        text = f"{folder} is kept in step with other machines ({synced}), which may replace a file in use."
        remedy = "Choose a folder outside of it with --store, and carry it over with `skillstack export`."
        yield "synced", text, remedy
    if machine.notebook == "kaggle" and not folder.is_relative_to(_KAGGLE):
        text = f"Kaggle keeps nothing of {folder} after the session."
        yield "session", text, f"Choose --store {_KAGGLE}/frames."
    elif machine.notebook == "kaggle":
        text = f"Kaggle keeps 20 GB of {_KAGGLE}, and only of a saved version; sessions end after hours."
        yield "session", text, "Train with --time-limit 8h, then save a version."
    elif machine.notebook == "colab" and folder.is_relative_to(_COLAB) and not folder.is_relative_to(_DRIVE):
        text = f"Colab deletes {folder} at the session's end."
        remedy = "Run `skillstack export` at the end, and keep the file on a mounted Drive or download it."
        yield "session", text, remedy


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists, as an absolute path without links."""
    resolved = folder.expanduser().resolve()
    return next((place for place in (resolved, *resolved.parents) if place.is_dir()), resolved)

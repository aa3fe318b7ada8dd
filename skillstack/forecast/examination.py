"""An examination of this machine: what it is, what would be chosen for a training, what is missing for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from skillstack.forecast import demand
from skillstack.forecast.accelerators import Accelerators, accelerators
from skillstack.forecast.bases import BaseFacts, base_facts
from skillstack.forecast.filesystems import mounts
from skillstack.forecast.finding import Finding
from skillstack.forecast.lessons import Lesson, lesson, reached, rows_taken
from skillstack.forecast.libraries import Library, libraries
from skillstack.forecast.machine import Machine, this_machine
from skillstack.forecast.pace import Span, measure_pace, training_seconds
from skillstack.forecast.places import free_bytes, store_findings
from skillstack.forecast.request import Request
from skillstack.forecast.supplies import download_findings, supply_findings
from skillstack.forecast.words import amount, device_words, span_words
from skillstack.hub import cache_dir
from skillstack.models import devices
from skillstack.models.devices import Device, Rules


@dataclass(frozen=True)
class Examination:
    """What was found.

    :ivar findings: in the order of the sections.
    :ivar facts: of the base.
    :ivar device: that a training would take.
    :ivar rules: what is chosen on it.
    :ivar rows_at_once: rows of a step that pass at once; 0 where not even one fits, None where it is unknown.
    :ivar memory: bytes that a training takes, of the device's; 0 where that is unknown.
    :ivar download: bytes to be fetched; None where the hub has to say it first.
    :ivar disk: bytes that the frames, downloads and conversions take.
    :ivar seconds: that a training takes, roughly; None where nothing could be measured or nothing was asked.
    """

    findings: tuple[Finding, ...]
    machine: Machine
    libraries: tuple[Library, ...]
    accelerators: Accelerators
    facts: BaseFacts
    lessons: tuple[Lesson, ...]
    device: Device
    rules: Rules
    rows_at_once: int | None
    memory: int
    download: int | None
    disk: int
    seconds: Span | None

    @property
    def ready(self) -> bool:
        """Whether what was asked for can run."""
        return all(finding.level != "problem" for finding in self.findings)


def examine(
    request: Request, machine: Machine | None = None, seen: Accelerators | None = None
) -> Examination:
    """Examine a machine for a training.

    :param machine: by default this one; `seen` likewise.
    :raises UsageError: for a name or a recipe that cannot be meant.
    """
    names = request.names
    machine, seen = machine or this_machine(), seen or accelerators()
    facts = base_facts(request.model)
    lessons = reached([lesson(name, request.data_dir) for name in names])
    cpu = request.device == "cpu" or not seen.gpus
    device = Device("cpu") if cpu else seen.device
    free = machine.memory_free if cpu else (seen.free[0] if seen.free else device.memory)
    rules = devices.rules(
        device, facts.kind or "decoder", parameters=facts.parameters, precision=request.precision
    )
    here = libraries(nf4=rules.precision.value == "nf4")
    needs = _needs(request, facts, lessons, device, rules, free)
    download = _download(facts, lessons)
    seconds = _seconds(request, facts, lessons, device, rules) if seen.torch and needs.at_once else None
    findings = [
        *_machine(machine, seen, here, request, device),
        *_choices(facts, device, rules, needs, free),
        *supply_findings(facts, lessons, request.preset),
        *download_findings(facts, lessons),
        *_disk(request, needs.disk),
    ]
    if seconds is not None and names:
        text = f"roughly {span_words(seconds)} of training, by a measurement of one layer here"
        findings.append(Finding("training", "ok", "time", text + "."))
    findings += store_findings(request.store, mounts(), machine.notebook)
    return Examination(
        tuple(findings),
        machine,
        here,
        seen,
        facts,
        lessons,
        device,
        rules,
        needs.at_once,
        needs.memory,
        download,
        needs.disk,
        seconds if names else None,
    )


@dataclass(frozen=True)
class _Needs:
    at_once: int | None
    memory: int
    disk: int


def _needs(
    request: Request, facts: BaseFacts, lessons: Sequence[Lesson], device: Device, rules: Rules, free: int
) -> _Needs:
    recipe = request.recipe(facts)
    checkpointing = rules.checkpointing.value == "on"
    arithmetic = rules.arithmetic.value
    if not (facts.parameters and facts.hidden):
        return _Needs(None, 0, facts.disk)
    fixed = demand.base_bytes(facts, rules.precision.value) + demand.RUNTIME
    if device.kind == "cpu":
        most = max((rows_taken(one, recipe)[0] for one in lessons), default=0)
        fixed += demand.cache_bytes(facts, recipe, most + recipe.dev_samples, recipe.max_length)
    rows: int | None = recipe.batch_size
    if free:
        rows = demand.rows_that_fit(facts, recipe, free - fixed, arithmetic, checkpointing=checkpointing)
    states = demand.activation_bytes(facts, recipe, rows or 1, arithmetic, checkpointing=checkpointing)
    frames = sum(
        demand.adapter_bytes(facts, recipe)
        + demand.head_bytes(facts, one.labels)
        + demand.sample_bytes(
            recipe.router_samples, one.characters, shipped=one.source == "starter", keep_texts=True
        )
        + demand.RECORDS
        # A state of the router is kept for each step, so that undo needs no refit.
        + demand.ROUTER_STATE * (number + 1)
        for number, one in enumerate(lessons)
    )
    return _Needs(rows, fixed + states, frames + facts.disk + sum(one.download for one in lessons))


def _seconds(
    request: Request, facts: BaseFacts, lessons: Sequence[Lesson], device: Device, rules: Rules
) -> Span | None:
    if not lessons:
        return None
    if device.kind == "cuda" and not accelerators().gpus:
        return None  # a described GPU, which is not here to be timed
    pace = measure_pace(facts, device.kind, rules.arithmetic.value)
    if pace is None:
        return None
    recipe = request.recipe(facts)
    counted = [(*rows_taken(one, recipe), one.labels, one.characters) for one in lessons]
    return training_seconds(facts, recipe, counted, pace, rules.precision.value)


def _download(facts: BaseFacts, lessons: Sequence[Lesson]) -> int | None:
    return None if facts.download is None else facts.download + sum(one.download for one in lessons)


def _machine(
    machine: Machine, seen: Accelerators, here: Sequence[Library], request: Request, device: Device
) -> list[Finding]:
    memory = (
        f"{amount(machine.memory_free)} of {amount(machine.memory_total)} memory free"
        if machine.memory_total
        else "memory unknown"
    )
    what = f"{machine.system}, Python {machine.python}, cores: {machine.cores}, {memory}."
    found = [Finding("machine", "ok", "system", what)]
    lacking = [library for library in here if not library.fits]
    if lacking:
        said = ", ".join(f"{one.name} {one.version or 'is missing'}" for one in lacking)
        command = " ".join(f'"{one.requirement}"' for one in lacking)
        found.append(
            Finding(
                "machine", "problem", "packages", f"Too old or missing: {said}.", f"pip install {command}"
            )
        )
    if not seen.torch:
        if find_spec("torch") is not None:
            text, remedy = (
                f"torch cannot be imported ({seen.trouble}).",
                "pip install --force-reinstall torch",
            )
            found.append(Finding("machine", "problem", "torch", text, remedy))
    elif not lacking:
        versions = ", ".join(f"{one.name} {one.version}" for one in here[:3])
        found.append(Finding("machine", "ok", "packages", f"All {len(here)} are here: {versions} ..."))
    return [*found, *_gpus(seen, request, device)]


def _gpus(seen: Accelerators, request: Request, device: Device) -> list[Finding]:
    found = []
    for gpu, free in zip(seen.gpus, seen.free, strict=True):
        text = f"{device_words(gpu)}, {amount(free)} of {amount(gpu.memory)} free."
        trouble = devices.trouble(gpu)
        if trouble:
            remedy = "Until then, train with --device cpu."
            found.append(Finding("machine", "problem" if gpu == device else "note", "gpu", trouble, remedy))
        else:
            found.append(Finding("machine", "ok", "gpu", text))
    if not seen.gpus:
        asked = request.device == "cuda"
        if seen.unused and seen.torch:
            text = "An NVIDIA driver is here, but this torch sees no GPU."
            remedy = "Install a build of torch with CUDA."
            found.append(Finding("machine", "problem" if asked else "note", "gpu", text, remedy))
        elif asked:
            found.append(Finding("machine", "problem", "gpu", "There is no GPU.", "Use --device cpu."))
        else:
            found.append(Finding("machine", "ok", "gpu", "None: everything runs on the CPU."))
    if len(seen.gpus) > 1:
        count = len(seen.gpus)
        remedy = f"accelerate launch --num_processes {count} -m skillstack train ..."
        found.append(Finding("machine", "note", "gpu", f"One process uses one of the {count} GPUs.", remedy))
    return found


def _choices(facts: BaseFacts, device: Device, rules: Rules, needs: _Needs, free: int) -> list[Finding]:
    size = f"{facts.parameters / 1e6:,.0f} million parameters" if facts.parameters else "size unknown"
    kind = facts.kind or "kind unknown"
    where = "GPU memory" if device.kind == "cuda" else "memory"
    found = [
        Finding("training", "ok", "base", f"{facts.calls_itself}: {kind}, {size}."),
        Finding("training", "ok", "device", f"{device_words(device)}."),
        Finding("training", "ok", "precision", f"{rules.precision.value}. {rules.precision.reason}"),
    ]
    if rules.arithmetic.value != rules.precision.value:
        found.append(
            Finding("training", "ok", "computes", f"{rules.arithmetic.value}. {rules.arithmetic.reason}")
        )
    if rules.mixed.value != "no":
        found.append(Finding("training", "ok", "scaler", f"{rules.mixed.value}. {rules.mixed.reason}"))
    if device.kind == "cuda":
        value, reason = rules.checkpointing.value, rules.checkpointing.reason
        found.append(Finding("training", "ok", "checkpoints", f"{value}. {reason}"))
    if needs.at_once is None or not free:
        text = "Unknown whether memory suffices; when it runs out, fewer rows pass at once."
        found.append(Finding("training", "note", "memory", text))
    elif not needs.at_once:
        text = f"A training takes about {amount(needs.memory)}, and {amount(free)} of {where} are free."
        remedy = "Choose a smaller model or --max-length, --precision nf4, or a machine with more memory."
        found.append(Finding("training", "problem", "memory", text, remedy))
    else:
        text = f"about {amount(needs.memory)} of the {amount(free)} of {where} that are free."
        found.append(Finding("training", "ok", "memory", text))
        rows = f"{needs.at_once} rows pass at once; when memory runs out, half as many."
        found.append(Finding("training", "ok", "micro-batch", rows))
    return found


def _disk(request: Request, needed: int) -> list[Finding]:
    """Whether the disks of the store and of the caches have room."""
    found = []
    for subject, place in (("disk", request.store), ("cache disk", cache_dir())):
        free = free_bytes(place)
        if not free:
            found.append(Finding("training", "note", subject, f"Unknown how much room {place} has."))
        elif free < 1.1 * needed:
            text = f"About {amount(needed)} are needed, and {amount(free)} are free at {place}."
            remedy = "Free some, choose --store, or set HF_HOME and SKILLSTACK_CACHE to a larger disk."
            found.append(Finding("training", "problem", subject, text, remedy))
        elif subject == "disk" and needed:
            text = f"about {amount(needed)} of the {amount(free)} that are free."
            found.append(Finding("training", "ok", subject, text))
    return found

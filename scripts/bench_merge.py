"""Merging the frames of a family: ours beside PEFT's and mergekit's, on the same adapters and rows.

    python scripts/bench_merge.py --store STORE --stack NAME [--family sentiment] [--data-dir ../shared/data]
                                  [--rows 256] [--mergekit-python PYTHON] [--out results/bench/merge.json]

Every tool merges the family's stored adapters in its own ways, with the same weights, lambdas and densities.
For each result: accuracy on dev rows with the skills' own heads and with heads that are fitted anew, by the
same rule for all; processor seconds of the merge alone; bytes; and how far it is from the dense weighted sum,
where it is meant to be one. Results that make the same update are evaluated once. A second part gives every
tool adapters that differ in rank, scaling and so on, and says what it does with them.

mergekit is optional. It may live in an environment of its own, whose interpreter is named by
`--mergekit-python`; it merges whole models, so each adapter is merged into the base for it first.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch
from numpy.typing import NDArray
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.numpy import load_file
from transformers import BertConfig, BertForSequenceClassification, BertModel
from transformers.utils import logging as transformers_logging

from skillstack.compression.candidate import family_of
from skillstack.compression.deltas import Adapter, stored
from skillstack.compression.heads import Seen, heads_of
from skillstack.compression.merging import merge_adapters, merge_method
from skillstack.compression.rows import SkillRows, skill_rows
from skillstack.errors import SkillStackError
from skillstack.evaluation.metrics import Mask, accuracy, macro
from skillstack.evaluation.statistics import paired
from skillstack.hub import quiet
from skillstack.models import adapter_config
from skillstack.models.encoding import encode
from skillstack.models.features import HiddenCache, features
from skillstack.models.heads import Head
from skillstack.models.slot import Slot
from skillstack.models.split import SplitModel
from skillstack.predictor import Predictor, load_base_of
from skillstack.stack import Stack
from skillstack.store import tensors as frame_tensors
from skillstack.store.canonical import sha256
from skillstack.wording import published

transformers_logging.disable_progress_bar()

A, B = ".lora_A.weight", ".lora_B.weight"
PREFIX = "base_model.model."
SEED = 0
REPEATS = 3
#: Two updates that differ by less than this, relative to the larger one, are the same.
SAME = 1e-4
LAMBDA, TIES_DENSITY, DARE_DENSITY = 0.5, 0.2, 0.5

#: What is added to each layer, ``[outputs, inputs]``, by the layer's name in PEFT's files.
Updates = dict[str, NDArray[np.floating[Any]]]


@dataclass(frozen=True, eq=False)
class Result:
    """What a tool made of some adapters.

    :ivar updates: what the result adds to each layer.
    :ivar rank: of the merged adapter; None where it is a whole model.
    :ivar bytes: of its file.
    :ivar seconds: of the processor, for the merge alone; the least of the repetitions.
    :ivar adapter: itself; None where it is a whole model.
    """

    updates: Updates
    rank: int | None
    bytes: int
    seconds: float
    adapter: Adapter | None = None


@dataclass(frozen=True)
class Way:
    """One way of one tool.

    :ivar tool: ``ours``, ``PEFT`` or ``mergekit``.
    :ivar method: as the tool calls it.
    :ivar weight: of each member.
    :ivar settings: the tool's own parameters.
    :ivar sums: the weight of each member in the dense sum that it is meant to be; None where it is another
        merge.
    """

    tool: str
    method: str
    weight: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    sums: float | None = None

    @property
    def label(self) -> str:
        """Tool, method and, where the weights differ between rows of a table, these."""
        return f"{self.tool} {self.method}" + (f" {self.weight:.3g}" if self.tool == "PEFT" else "")


def ways(count: int) -> list[Way]:
    """All that are compared, for so many members."""
    mean = 1.0 / count
    dare = {"normalize": True, "rescale": True, "density": DARE_DENSITY}
    return [
        Way("ours", "linear", 1.0, {}, mean),
        Way("ours", "task-arithmetic", 1.0, {"lambda": LAMBDA}, LAMBDA),
        Way("ours", "ties", 1.0, {"density": TIES_DENSITY, "lambda": 1.0}),
        Way("ours", "dare", 1.0, {"drop": 1 - DARE_DENSITY, "then": 0.0, "lambda": 1.0}),
        Way("ours", "knots", 1.0, merge_method("knots").defaults),
        Way("ours", "tsv", 1.0, merge_method("tsv").defaults),
        Way("PEFT", "svd", mean, {}, mean),
        Way("PEFT", "svd", LAMBDA, {}, LAMBDA),
        Way("PEFT", "linear", mean, {}, mean),
        Way("PEFT", "linear", mean**2, {}, mean),  # the mean of the A times that of the B
        Way("PEFT", "cat", mean, {}, mean),
        Way("PEFT", "ties", 1.0, {"density": TIES_DENSITY}),
        Way("PEFT", "ties_svd", 1.0, {"density": TIES_DENSITY}),
        Way("PEFT", "dare_linear_svd", mean, {"density": DARE_DENSITY}),
        Way("PEFT", "dare_ties_svd", 1.0, {"density": DARE_DENSITY}),
        Way("PEFT", "magnitude_prune_svd", mean, {"density": TIES_DENSITY}),
        Way("mergekit", "linear", 1.0, {"normalize": True}, mean),
        Way("mergekit", "task_arithmetic", 1.0, {"normalize": False, "lambda": LAMBDA}, LAMBDA),
        Way("mergekit", "ties", 1.0, {"normalize": True, "density": TIES_DENSITY}),
        Way("mergekit", "dare_ties", 1.0, dare),
    ]


# --- updates -----------------------------------------------------------------------------------------------


def updates_in(folder: Path) -> Updates:
    """What an adapter in PEFT's files adds, computed the plain way, without our own code."""
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    scaling = config["lora_alpha"] / (math.sqrt(config["r"]) if config["use_rslora"] else config["r"])
    tensors = load_file(folder / "adapter_model.safetensors")
    return updates_of(tensors, scaling)


def updates_of(tensors: Mapping[str, NDArray[Any]], scaling: float) -> Updates:
    """What tensors by PEFT's names add."""
    layers = sorted(name.removesuffix(A) for name in tensors if name.endswith(A))
    with np.errstate(invalid="ignore"):
        return {
            layer: scaling * (tensors[layer + B].astype(np.float64) @ tensors[layer + A].astype(np.float64))
            for layer in layers
        }


def weighted_sum(members: Sequence[Updates], weights: Sequence[float]) -> Updates:
    """The dense weighted sum, float64."""
    found: Updates = {}
    for member, weight in zip(members, weights, strict=True):
        for layer, update in member.items():
            found[layer] = found.get(layer, np.zeros(update.shape)) + weight * update
    return found


def largest_error(found: Updates, wanted: Updates) -> float:
    """The largest absolute difference of an entry; a layer that is missing counts as zeros."""
    return max(float(np.max(np.abs(_pair(found, wanted, layer)))) for layer in {*found, *wanted})


def relative_error(found: Updates, wanted: Updates) -> float:
    """Frobenius norm of the difference over that of what is wanted; NaN where a number is not finite."""
    off = sum(float(np.sum(_pair(found, wanted, layer) ** 2)) for layer in sorted({*found, *wanted}))
    size = sum(float(np.sum(np.square(update, dtype=np.float64))) for update in wanted.values())
    return math.sqrt(off / size) if size else math.sqrt(off)


def likeness(members: Sequence[Updates]) -> float:
    """Mean cosine between the updates of two members, -1 to 1; 1 where there is one member."""

    def product(one: Updates, other: Updates) -> float:
        return sum(float(np.sum(update * other[layer])) for layer, update in one.items() if layer in other)

    cosines = [
        product(one, other) / math.sqrt(product(one, one) * product(other, other))
        for place, one in enumerate(members)
        for other in members[:place]
    ]
    return float(np.mean(cosines)) if cosines else 1.0


def _pair(found: Updates, wanted: Updates, layer: str) -> NDArray[np.floating[Any]]:
    zero = np.zeros(())
    return found.get(layer, zero).astype(np.float64) - wanted.get(layer, zero)


# --- the three tools ---------------------------------------------------------------------------------------


def timed(action: Callable[[], Any], repeats: int) -> tuple[Any, float]:
    """What the last run gave, and the least processor seconds of a run."""
    best, found = math.inf, None
    for _ in range(repeats):
        if repeats > 1:  # collecting takes longer than a small merge
            gc.collect()
        begin = time.process_time()
        found = action()
        best = min(best, time.process_time() - begin)
    return found, best


def ours(
    folders: Sequence[Path],
    method: str,
    weights: Sequence[float],
    rank: int,
    settings: Mapping[str, float],
    repeats: int = 1,
) -> Result:
    """Our merge of adapters in PEFT's files.

    :raises SkillStackError: if it refuses.
    """
    members = [
        Adapter(
            frame_tensors.load((folder / "adapter_model.safetensors").read_bytes()),
            adapter_config.parse((folder / "adapter_config.json").read_bytes()).spec,
        )
        for folder in folders
    ]
    (adapter,), seconds = timed(
        lambda: merge_adapters(members, method, ranks=[rank], weights=weights, settings=settings, seed=SEED),
        repeats,
    )
    updates = updates_of(adapter.tensors, adapter.spec.scaling)
    return Result(updates, rank, adapter.bytes, seconds, adapter)


class Peft:
    """A base with adapters, as PEFT keeps them."""

    def __init__(self, kind: Any, base: Path, folders: Sequence[Path]) -> None:
        with quiet():
            self.model = PeftModel.from_pretrained(kind.from_pretrained(base), folders[0], adapter_name="m0")
            for number, folder in enumerate(folders[1:], 1):
                self.model.load_adapter(folder, f"m{number}")
        self.names = [f"m{number}" for number in range(len(folders))]

    def merge(
        self,
        method: str,
        weights: Sequence[float],
        rank: int | None,
        settings: Mapping[str, Any],
        place: Path,
        repeats: int = 1,
    ) -> Result:
        """PEFT's merge, written by PEFT to a folder and read from there; any error is PEFT's own."""
        options = {**settings, **({"svd_rank": rank} if method.endswith("svd") else {})}

        def merge() -> None:
            torch.manual_seed(SEED)
            self.model.base_model.add_weighted_adapter(
                self.names, list(weights), "merged", combination_type=method, **options
            )

        best = math.inf
        shutil.rmtree(place, ignore_errors=True)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for _ in range(repeats):
                    self._forget()
                    if repeats > 1:
                        gc.collect()
                    best = min(best, timed(merge, 1)[1])
                self.model.save_pretrained(place, selected_adapters=["merged"])
        finally:
            self._forget()  # one that is half made would pass for the next
        made = place / "merged"
        config = json.loads((made / "adapter_config.json").read_text(encoding="utf-8"))
        config["auto_mapping"] = None  # the class of the base, which computes nothing
        file = made / "adapter_model.safetensors"
        adapter = Adapter(load_file(file), adapter_config.parse(json.dumps(config).encode()).spec)
        return Result(updates_in(made), adapter.spec.r, file.stat().st_size, best, adapter)

    def _forget(self) -> None:
        if "merged" in self.model.peft_config:
            self.model.delete_adapter("merged")


#: Runs in an interpreter that has mergekit: reads jobs from stdin, the last line it prints is the answer.
_RUNNER = """
import json, shutil, sys, tempfile, time
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
if find_spec("mergekit") is None:
    print(json.dumps(None)); sys.exit()
asked = json.load(sys.stdin)
versions = {name: metadata.version(name) for name in ("mergekit", "torch", "transformers")}
try:
    import torch, yaml
    from mergekit.config import MergeConfiguration
    from mergekit.merge import run_merge
    from mergekit.options import MergeOptions
    from mergekit.scripts import merge_raw_pytorch
    torch.set_num_threads(asked["threads"])
except Exception as error:
    print(json.dumps({"versions": versions, "failed": f"{type(error).__name__}: {error}"})); sys.exit()
options = MergeOptions(copy_tokenizer=False, write_model_card=False, quiet=True, random_seed=asked["seed"])
found = []
for job in asked["jobs"]:
    said = {"seconds": None, "error": None}
    for _ in range(job["repeats"]):
        out = Path(job["out"])
        shutil.rmtree(out, ignore_errors=True)
        merge_raw_pytorch.SimpleLoaderCache._instance = None
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            file.write(yaml.safe_dump(job["config"])); file.flush()
            begin = time.process_time()
            try:
                if job["entry"] == "mergekit-yaml":
                    run_merge(MergeConfiguration.model_validate(job["config"]), str(out), options)
                else:
                    merge_raw_pytorch.main.callback(
                        config_path=file.name, out_path=str(out), tensor_union=False,
                        tensor_intersection=False, merge_options=options)
            except Exception as error:
                said["error"] = f"{type(error).__name__}: {error}"
                break
            taken = time.process_time() - begin
            said["seconds"] = taken if said["seconds"] is None else min(taken, said["seconds"])
    found.append(said)
print(json.dumps({"versions": versions, "found": found}))
"""


@dataclass(frozen=True)
class Job:
    """A merge for mergekit.

    :ivar base: folder of the base.
    :ivar models: folders of the whole models.
    :ivar weights: of each.
    :ivar entry: ``mergekit-yaml``, which wants an architecture that it knows, or ``mergekit-pytorch``, which
        takes tensors as they are.
    """

    base: Path
    models: Sequence[Path]
    method: str
    weights: Sequence[float]
    settings: Mapping[str, Any]
    out: Path
    repeats: int = 1
    entry: str = "mergekit-pytorch"

    def record(self) -> dict[str, Any]:
        """As the runner reads it."""
        file = "" if self.entry == "mergekit-yaml" else "model.safetensors"
        density = {key: value for key, value in self.settings.items() if key == "density"}
        config: dict[str, Any] = {
            "merge_method": self.method,
            "dtype": "float32",
            "models": [
                {"model": str(model / file), "parameters": {"weight": weight, **density}}
                for model, weight in zip(self.models, self.weights, strict=True)
            ],
            "parameters": {key: value for key, value in self.settings.items() if key != "density"},
        }
        if self.method != "linear":
            config["base_model"] = str(self.base / file)
        return {"config": config, "out": str(self.out), "entry": self.entry, "repeats": self.repeats}

    def result(self, seconds: float) -> Result:
        """What lies in the folder now, as an update of the base."""
        base = load_file(self.base / "model.safetensors")
        files = sorted(self.out.glob("*.safetensors"))
        merged = {name: tensor for file in files for name, tensor in load_file(file).items()}
        updates: Updates = {}
        for name, tensor in base.items():
            with np.errstate(invalid="ignore"):
                off = merged[name].astype(np.float64) - tensor
            if off.any():
                updates[PREFIX + name.removesuffix(".weight")] = off
        return Result(updates, None, sum(file.stat().st_size for file in files), seconds)


@dataclass(frozen=True)
class Mergekit:
    """mergekit in an interpreter.

    :ivar python: the interpreter.
    :ivar threads: that it may use.
    """

    python: str
    threads: int = 1

    def run(self, jobs: Sequence[Job]) -> tuple[dict[str, str] | None, list[Result | str]]:
        """Versions, and of each job the result or the first line of what mergekit said.

        Versions are None, and there are no results, where mergekit is not installed.
        """
        asked = {"seed": SEED, "threads": self.threads, "jobs": [job.record() for job in jobs]}
        done = subprocess.run(
            [self.python, "-c", _RUNNER], input=json.dumps(asked), capture_output=True, text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(self.threads), "PYTHONPATH": ""}, check=False,
        )  # fmt: skip
        lines = done.stdout.strip().splitlines()
        if done.returncode or not lines:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            return {}, [published(last)] * len(jobs)
        said = json.loads(lines[-1])
        if said is None:
            return None, []
        if "failed" in said:
            return said["versions"], [first_line(said["failed"])] * len(jobs)
        return said["versions"], [
            job.result(one["seconds"]) if one["error"] is None else first_line(one["error"])
            for job, one in zip(jobs, said["found"], strict=True)
        ]


def whole_models(kind: Any, base: Path, folders: Sequence[Path], place: Path) -> list[Path]:
    """The base with each adapter merged in by PEFT, which is what mergekit reads."""
    made = []
    for number, folder in enumerate(folders):
        with quiet():
            model = PeftModel.from_pretrained(kind.from_pretrained(base), folder).merge_and_unload()
        made.append(place / f"model{number}")
        model.save_pretrained(made[-1])
    return made


def first_line(message: str) -> str:
    """The first line of what a tool said, without paths of this machine."""
    return published((message.strip().splitlines() or [""])[0])


# --- adapters that differ ----------------------------------------------------------------------------------

_PLAIN: dict[str, Any] = {"r": 4, "lora_alpha": 8, "target_modules": ["query", "value"]}


@dataclass(frozen=True)
class Case:
    """Two adapters and weights.

    :ivar name: what is special about them.
    :ivar members: settings of PEFT's `LoraConfig`; ``fill`` says what is in the tensors.
    :ivar weights: of each.
    :ivar why_none: why there is no right merge; empty where there is one.
    """

    name: str
    members: tuple[Mapping[str, Any], Mapping[str, Any]]
    weights: tuple[float, float] = (0.7, 0.3)
    why_none: str = ""


CASES = (
    Case("equal shapes", (_PLAIN, _PLAIN)),
    Case("mixed ranks", (_PLAIN, {**_PLAIN, "r": 2})),
    Case("rsLoRA first, then plain scaling", ({**_PLAIN, "use_rslora": True}, _PLAIN)),
    Case("plain scaling first, then rsLoRA", (_PLAIN, {**_PLAIN, "use_rslora": True})),
    Case("a negative weight", (_PLAIN, _PLAIN), (1.0, -0.5)),
    Case("mixed target modules", (_PLAIN, {**_PLAIN, "target_modules": ["key", "value"]})),
    Case("a zero adapter", (_PLAIN, {**_PLAIN, "fill": "zero"})),
    Case("a non-finite adapter", (_PLAIN, {**_PLAIN, "fill": "nan"}), why_none="NaN has no sum"),
    Case(
        "heads in modules_to_save",
        ({**_PLAIN, "modules_to_save": ["classifier"]},) * 2,
        why_none="heads of two tasks have no sum that answers either",
    ),
)

#: The merges that are meant to be the dense sum, or with its weights scaled to a sum of 1, the dense mean.
SUMS = {
    "ours": (("task-arithmetic", False), ("linear", True)),
    "PEFT": (("svd", False), ("cat", False), ("linear", False)),
    "mergekit": (("task_arithmetic", False), ("linear", True)),
}


def tiny_base(folder: Path, kind: Any) -> Path:
    """A random BERT of two layers."""
    torch.manual_seed(SEED)
    config = BertConfig(
        vocab_size=40, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=32, initializer_range=0.2, num_labels=2,
    )  # fmt: skip
    kind(config).save_pretrained(folder)
    return folder


def tiny_adapter(folder: Path, kind: Any, base: Path, settings: Mapping[str, Any], seed: int) -> Path:
    """A random adapter of the tiny base, made and written by PEFT."""
    fill = settings.get("fill", "random")
    task = "SEQ_CLS" if "modules_to_save" in settings else "FEATURE_EXTRACTION"
    # With a task type: without one PEFT writes `auto_mapping`, which `adapter_config.parse` does not take.
    config = LoraConfig(
        lora_dropout=0.0, task_type=task, **{k: v for k, v in settings.items() if k != "fill"}
    )
    torch.manual_seed(SEED + 1 + seed)
    with quiet():
        model = get_peft_model(kind.from_pretrained(base), config)
    for name, parameter in model.named_parameters():
        if "lora_" in name or ("modules_to_save" in name and name.endswith("weight")):
            torch.nn.init.normal_(parameter, std=0.2)
        if fill == "zero" and "lora_B" in name:
            torch.nn.init.zeros_(parameter)
        if fill == "nan" and "layer.1" in name and "lora_A" in name:
            parameter.data[0, 0] = math.nan
    model.save_pretrained(folder)
    return folder


def refusals(mergekit: Mergekit | None) -> list[dict[str, Any]]:
    """What every tool does with every case.

    :param mergekit: None leaves it out.
    """
    found: list[dict[str, Any]] = []
    jobs: list[tuple[dict[str, Any], str, Job, Updates]] = []
    with tempfile.TemporaryDirectory() as root:
        for number, case in enumerate(CASES):
            place = Path(root) / str(number)
            headed = any("modules_to_save" in member for member in case.members)
            kind = BertForSequenceClassification if headed else BertModel
            base = tiny_base(place / "base", kind)
            folders = [
                tiny_adapter(place / f"adapter{seed}", kind, base, member, seed)
                for seed, member in enumerate(case.members)
            ]
            members = [updates_in(folder) for folder in folders]
            rank = sum(int(member["r"]) for member in case.members)
            record: dict[str, Any] = {"case": case.name, "why_none": case.why_none, "tools": {}}
            found.append(record)
            models = whole_models(kind, base, folders, place) if mergekit is not None else []
            peft = Peft(kind, base, folders)
            for tool, methods in SUMS.items():
                for method, mean in methods:
                    whole = math.fsum(case.weights)
                    shares = [weight / whole for weight in case.weights] if mean else list(case.weights)
                    wanted = weighted_sum(members, shares)
                    said = record["tools"].setdefault(tool, {})
                    if tool == "ours":
                        settings = {} if mean else {"lambda": 1.0}
                        said[method] = verdict(
                            partial(ours, folders, method, case.weights, rank, settings), wanted
                        )
                    elif tool == "PEFT":
                        said[method] = verdict(
                            partial(peft.merge, method, case.weights, rank, {}, place / "peft"), wanted
                        )
                    elif mergekit is None:
                        said[method] = "not tried"
                    else:
                        job = Job(
                            base, models, method, case.weights, {"normalize": mean}, place / f"mk_{method}"
                        )
                        jobs.append((said, method, job, wanted))
        if mergekit is not None:
            versions, results = mergekit.run([job for _, _, job, _ in jobs])
            for number, (said, method, _, wanted) in enumerate(jobs):
                said[method] = "not installed" if versions is None else judged(results[number], wanted)
    return found


def verdict(merge: Callable[[], Result], wanted: Updates) -> str:
    """What came of a merge, in words."""
    try:
        return judged(merge(), wanted)
    except SkillStackError as error:
        return judged(f"{type(error).__name__}: {error.message}", wanted)
    except Exception as error:  # another tool may say anything, and that is what is asked for
        return judged(f"{type(error).__name__}: {error}", wanted)


def judged(found: Result | str, wanted: Updates) -> str:
    """``right``, ``wrong by X`` or ``refuses: ...``; layers of a head are named apart."""
    if isinstance(found, str):
        return f"refuses: {first_line(found)}"
    encoder = {layer: update for layer, update in found.updates.items() if "classifier" not in layer}
    heads = ", and blends the heads" if len(encoder) < len(found.updates) else ""
    error = relative_error(encoder, wanted)
    if not math.isfinite(error):
        return "wrong: gives numbers that are not finite, without a word"
    return ("right" if error <= SAME else f"wrong by {error:.2g}") + heads


# --- the comparison ----------------------------------------------------------------------------------------


class Examination:
    """Rows of a family's skills, and what adapters make of them; each update is looked at once."""

    def __init__(self, slot: Slot, rows: Sequence[SkillRows], heads: Mapping[str, Head], first: int) -> None:
        """Prepare; what lies below the first adapted layer is computed once.

        :param first: that layer.
        """
        self.rows, self.heads = rows, heads
        self._slot, self._split = slot, SplitModel(slot.base, first)
        self._caches: dict[tuple[str, str], HiddenCache] = {}
        self._known: list[tuple[str, Updates, dict[str, list[Mask]]]] = []
        self.before: dict[str, list[Mask]] | None = None

    def _features(self, one: SkillRows, part: str, adapter: Adapter | None) -> NDArray[np.float32]:
        key = one.skill.name, part
        if key not in self._caches:
            self._slot.clear()
            rows = list(getattr(one, part).rows)
            cache = HiddenCache(self._split, encode(self._slot.base, rows, one.skill.rendering))
            cache.fill()
            self._caches[key] = cache
        if adapter is None:
            self._slot.clear()
        else:
            self._slot.copy_in(adapter.tensors, adapter.spec)
        return features(self._caches[key])

    def right(self, adapters: Sequence[Adapter | None]) -> dict[str, list[Mask]]:
        """By the way to come by heads, which dev rows of each skill are answered rightly.

        :param adapters: one for each skill; None is the base alone.
        """
        seen = []
        for one, adapter in zip(self.rows, adapters, strict=True):
            fit, dev = (self._features(one, part, adapter) for part in ("fit", "dev"))
            head = self.heads[one.skill.name]
            seen.append(Seen(one.skill, head, fit, one.fit.labels, dev, one.dev.labels))
        found = {}
        for way in ("own", "refit"):
            heads = heads_of(way, seen, standardise=self._slot.base.kind == "decoder")
            assert heads is not None
            found[way] = [one.right(heads) for one in seen]
        return found

    def of(self, name: str, updates: Updates, adapter: Adapter | None) -> tuple[str, dict[str, list[Mask]]]:
        """The same for an update, with the name of the one looked at before that is the same, if any.

        :param adapter: what makes the update; None has one made of it that is as wide as its layers.
        """
        for known, others, right in self._known:
            if relative_error(updates, others) <= SAME:
                return known, right
        begin = time.perf_counter()
        right = self.right([adapter or wide_adapter(updates)] * len(self.rows))
        self._known.append((name, {k: v.astype(np.float32) for k, v in updates.items()}, right))
        print(f"  {name}: {time.perf_counter() - begin:.0f} s of evaluation", file=sys.stderr, flush=True)
        return "", right

    def figures(self, right: Mapping[str, Sequence[Mask]]) -> dict[str, Any]:
        """Mean accuracies, and the difference to the members' own with a paired interval."""
        found: dict[str, Any] = {}
        for way, masks in right.items():
            found[way] = {"accuracy": round(100 * macro([accuracy(mask) for mask in masks]), 2)}
            if self.before is not None:
                beside = paired(list(zip(masks, self.before[way], strict=True)))
                found[way]["to_unmerged"] = [
                    round(100 * value, 2)
                    for value in (beside.difference, beside.interval.low, beside.interval.high)
                ]
        return found


def wide_adapter(updates: Updates) -> Adapter:
    """An adapter as wide as its layers, so that it makes any update exactly."""
    rank = max(min(update.shape) for update in updates.values())
    tensors: dict[str, NDArray[np.generic]] = {}
    for layer, update in updates.items():
        outputs, inputs = update.shape
        left, right = np.zeros((outputs, rank), np.float32), np.zeros((rank, inputs), np.float32)
        if inputs <= outputs:
            left[:, :inputs], right[:inputs] = update, np.eye(inputs)
        else:
            left[:, :outputs], right[:outputs] = np.eye(outputs), update
        tensors[layer + B], tensors[layer + A] = left, right
    names = [layer.removeprefix(PREFIX) for layer in updates]
    config = {"r": rank, "lora_alpha": rank, "target_modules": names, "peft_type": "LORA"}
    return Adapter(tensors, adapter_config.parse(json.dumps(config).encode()).spec)


def compare(
    stack: Stack, family: str, data_dir: Path | None, rows: int, mergekit: Mergekit, threads: int
) -> dict[str, Any]:
    """Every way on one family."""
    frames = family_of(tuple(reversed(stack.frames())), family).frames
    base = load_base_of(frames[-1].content, None, "cpu")
    torch.set_num_threads(threads)
    slot = Slot(base)
    loaded = Predictor(stack.store, slot)
    asked = [
        SkillRows(one.frame, one.skill, one.fit, one.more, one.dev.first(rows), one.guard)
        for frame in frames
        for skill in frame.skills
        for one in [skill_rows(frame, skill, data_dir=data_dir)]
    ]
    adapters = [stored(loaded.store, frame.content) for frame in frames]
    heads = {one.skill.name: loaded.answerer(one.frame.content, one.skill).head for one in asked}
    by_frame = {frame.name: adapter for frame, adapter in zip(frames, adapters, strict=True)}
    examination = Examination(slot, asked, heads, min(adapter.spec.first_layer for adapter in adapters))
    with tempfile.TemporaryDirectory() as root:
        place = Path(root)
        merges, versions, refused = _merge_all(base.whole, slot, adapters, place, mergekit)
    merged = []
    examination.before = examination.right([by_frame[one.frame.name] for one in asked])
    unmerged = {
        "tool": "none", "method": "each frame by itself", "rank": max(a.spec.r for a in adapters),
        "bytes": sum(adapter.bytes for adapter in adapters), **examination.figures(examination.before),
    }  # fmt: skip
    unmerged = {k: _without(v) for k, v in unmerged.items()}
    bare = {
        "tool": "none",
        "method": "the base alone",
        "bytes": 0,
        **examination.figures(examination.right([None] * len(asked))),
    }
    for way, found, errors in merges:
        record: dict[str, Any] = {
            "tool": way.tool, "method": way.method, "weight": round(way.weight, 6),
            "settings": dict(way.settings),
        }  # fmt: skip
        if isinstance(found, str):
            merged.append(record | {"refused": found})
            continue
        same, right = examination.of(way.label, found.updates, found.adapter)
        record |= {
            "rank": found.rank if found.rank is not None else "whole model", "bytes": found.bytes,
            "processor_seconds": round(found.seconds, 4), **errors, **examination.figures(right),
        }  # fmt: skip
        merged.append(record | ({"same_update_as": same} if same else {}))
    return {
        "stack": stack.name,
        "family": family,
        "base": base.identity.name,
        "members": [
            {"frame": frame.name, "rank": adapter.spec.r, "bytes": adapter.bytes, "digest": adapter.key}
            for frame, adapter in zip(frames, adapters, strict=True)
        ],
        "different_adapters": len({adapter.key for adapter in adapters}),
        "members_cosine": round(likeness([updates_of(a.tensors, a.spec.scaling) for a in adapters]), 4),
        "digest": sha256("\n".join(adapter.key for adapter in adapters).encode()),
        "rows": {one.skill.name: {"fit": len(one.fit), "dev": len(one.dev)} for one in asked},
        "mergekit": versions,
        "mergekit_yaml": refused,
        "unmerged": unmerged,
        "bare": bare,
        "merges": merged,
    }


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: inner for key, inner in value.items() if key != "to_unmerged"}
    return value


_Merged = tuple[Way, "Result | str", dict[str, float]]


def _merge_all(
    whole: Any, slot: Any, adapters: Sequence[Adapter], place: Path, mergekit: Mergekit
) -> tuple[list[_Merged], Any, str]:
    """Every way's result, before anything is evaluated; versions of mergekit; what `mergekit-yaml` said."""
    kind = type(whole)
    whole.save_pretrained(place / "base")
    folders = []
    for number, adapter in enumerate(adapters):
        folders.append(place / f"adapter{number}")
        folders[-1].mkdir()
        targets = slot.targets(adapter.spec)
        config = adapter_config.dump(adapter.spec, targets, base_name="base")
        (folders[-1] / "adapter_config.json").write_bytes(config)
        (folders[-1] / "adapter_model.safetensors").write_bytes(adapter.file)
    members = [updates_in(folder) for folder in folders]
    rank, full = max(a.spec.r for a in adapters), sum(a.spec.r for a in adapters)
    peft = Peft(kind, place / "base", folders)
    models = whole_models(kind, place / "base", folders, place)
    jobs: list[tuple[Way, Job]] = []
    found: list[_Merged] = []
    for way in ways(len(adapters)):
        weights = [way.weight] * len(adapters)
        wanted = None if way.sums is None else weighted_sum(members, [way.sums] * len(adapters))
        if way.tool == "ours":
            result = ours(folders, way.method, weights, rank, way.settings, REPEATS)
            uncut = ours(folders, way.method, weights, full, way.settings) if wanted else None
            found.append((way, result, _errors(result, uncut, wanted)))
        elif way.tool == "PEFT":
            merge = partial(peft.merge, way.method, weights, settings=way.settings, place=place / "peft")
            try:
                theirs = merge(rank=rank, repeats=REPEATS)
                uncut = merge(rank=full) if wanted else None
            except Exception as error:  # whatever PEFT says is what is asked for
                found.append((way, first_line(f"{type(error).__name__}: {error}"), {}))
            else:
                found.append((way, theirs, _errors(theirs, uncut, wanted)))
        else:
            out = place / f"mergekit_{way.method}"
            jobs.append((way, Job(place / "base", models, way.method, weights, way.settings, out, REPEATS)))
    yaml = Job(
        place / "base", models, "linear", [1.0] * len(models), {}, place / "yaml", entry="mergekit-yaml"
    )
    versions, results = mergekit.run([*(job for _, job in jobs), yaml])
    if versions is None:
        found += [(way, "not installed", {}) for way, _ in jobs]
        return found, "not installed", "not installed"
    for (way, _), result in zip(jobs, results, strict=False):
        wanted = None if way.sums is None else weighted_sum(members, [way.sums] * len(adapters))
        if isinstance(result, str):
            found.append((way, result, {}))
            continue
        others = {layer: update for layer, update in result.updates.items() if layer not in members[0]}
        moved = max((float(np.max(np.abs(update))) for update in others.values()), default=0.0)
        errors = _errors(result, result, wanted) | {"largest_change_elsewhere": float(f"{moved:.3g}")}
        layers = {layer: update for layer, update in result.updates.items() if layer in members[0]}
        found.append((way, replace(result, updates=layers), errors))
    said = results[-1]
    return found, versions, f"refused: {said}" if isinstance(said, str) else "merges this model"


def _errors(result: Result, uncut: Result | None, wanted: Updates | None) -> dict[str, float]:
    """Distances from the dense sum, of the merge before it is cut to its rank and of the result."""
    if wanted is None or uncut is None:
        return {}
    return {
        "largest_error_before_rank": float(f"{largest_error(uncut.updates, wanted):.3g}"),
        "relative_error_before_rank": float(f"{relative_error(uncut.updates, wanted):.3g}"),
        "largest_error": float(f"{largest_error(result.updates, wanted):.3g}"),
        "relative_error": float(f"{relative_error(result.updates, wanted):.3g}"),
    }


# --- output ------------------------------------------------------------------------------------------------


def show(found: Mapping[str, Any]) -> None:
    """Two plain tables."""
    head = ("tool", "method", "own heads", "refitted", "CPU s", "kB", "rank", "off before", "off")
    lines = [head]
    for one in (found["unmerged"], found["bare"], *found["merges"]):
        if "refused" in one:
            lines.append((one["tool"], one["method"], f"refused: {one['refused']}", *[""] * 6))
            continue
        name = one["method"] + (f" {one['weight']:.3g}" if one["tool"] == "PEFT" else "")
        lines.append(
            (
                one["tool"], name, f"{one['own']['accuracy']:.2f}", f"{one['refit']['accuracy']:.2f}",
                f"{one['processor_seconds']:.2f}" if "processor_seconds" in one else "",
                f"{one['bytes'] / 1000:.0f}", str(one.get("rank", "")),
                f"{one['relative_error_before_rank']:.1e}" if "relative_error" in one else "",
                f"{one['relative_error']:.1e}" if "relative_error" in one else "",
            )
        )  # fmt: skip
    _table(lines)
    print(f"\nmergekit-yaml: {found['mergekit_yaml']}\n")
    rows = [("case", "tool", "method", "what it does")]
    for case in found["refuses"]:
        for tool, methods in case["tools"].items():
            rows += [(case["case"], tool, method, said) for method, said in methods.items()]
    _table(rows)


def _table(lines: Sequence[Sequence[str]]) -> None:
    widths = [
        max(len(line[column]) for line in lines if "refused" not in line[2])
        for column in range(len(lines[0]))
    ]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


NOTES = (
    "Weights are 1/k where the result is a mean and 1 where the tool makes a mean of what agrees; lambda and "
    "density are the same for all. DARE draws at random, each tool in its own way.",
    "Own heads are those of the frames; refitted ones are fitted on each skill's own training rows, with the "
    "penalty chosen on the dev rows that are counted, for every tool alike.",
    "Processor seconds are of the merge alone, on one thread, the least of three. mergekit's include reading "
    "and writing whole models, without which it does not merge; merging each adapter into the base first is "
    "not counted.",
    "mergekit's figures are those of mergekit-pytorch, which takes any tensors; mergekit_yaml is what "
    "mergekit-yaml says to the same models. Its results are whole models.",
    "PEFT's linear adds A and B apart, so that each A meets every B: k adapters that are alike come out k "
    "times too large at weights of 1/k. Weights of 1/k**2 undo that.",
    "members_cosine is the mean cosine between the updates of two members: frames that start from one "
    "another stay alike, and are easy to merge.",
    "Errors are of the effective update against the dense weighted sum in float64: before the cut to the "
    "rank (merged at the sum of the members' ranks), and of the result.",
    "Right means a relative Frobenius error of the effective update of at most 1e-4.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--stack", required=True)
    parser.add_argument("--family", default="sentiment")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--rows", type=int, default=256, help="dev rows of a task")
    parser.add_argument("--mergekit-python", default=sys.executable, help="an interpreter that has mergekit")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    mergekit = Mergekit(options.mergekit_python, options.threads)
    stack = Stack.open(options.store, options.stack)
    found = {
        "versions": {name: metadata.version(name) for name in ("peft", "torch", "transformers", "numpy")},
        "threads": options.threads,
        "seed": SEED,
        **compare(stack, options.family, options.data_dir, options.rows, mergekit, options.threads),
        "refuses": refusals(mergekit),
        "notes": list(NOTES),
    }
    if options.out is not None:
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    show(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())

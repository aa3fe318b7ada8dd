"""A PEFT folder's adapter and head in the shape of a frame's, on the base that they were trained on.

PEFT's adapters may have a rank and a strength of their own for some layers, and may leave layers out. A
frame's adapter has one shape in all its layers, so what is missing is filled up with zeros and a strength is
moved into B: the update of each layer stays what it was.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skillstack.errors import IntegrityError, MismatchError, SkillStackError
from skillstack.models import adapter_config
from skillstack.models.base import Base
from skillstack.models.heads import Head
from skillstack.models.lora import LoraSpec
from skillstack.models.peft_folder import CONFIG, HEADS, WEIGHTS, Floats, PeftFolder
from skillstack.models.slot import PREFIX, A, B, Shapes, adapted, check_adapter, linear_layers, tensor_shapes

_LITERAL = re.compile(r"\^?[A-Za-z0-9_.]+")


@dataclass(frozen=True, eq=False)
class PeftAdapter:
    """A folder's adapter in the shape of a frame's.

    :ivar spec: its shape.
    :ivar targets: full names of the layers that it sits on, sorted.
    :ivar tensors: its tensors by their PEFT names, float32.
    :ivar left_out: layers of the folder that no frame reads: those behind an encoder's last hidden state.
    """

    spec: LoraSpec
    targets: tuple[str, ...]
    tensors: Mapping[str, Floats]
    left_out: tuple[str, ...]


def head_of(folder: PeftFolder, base: Base) -> Head | None:
    """The head of the folder as a frame's, with equal logits; None where it holds none.

    :raises MismatchError: if a frame cannot have it, or it does not fit the base.
    """
    if not folder.head:
        return None
    if base.kind == "encoder":
        raise MismatchError(
            "The folder's head reads an encoder's first token; frames read the mean of all tokens.",
            "Give labelled rows with --table: a head is fitted from them on the adapter's features.",
        )
    tensors = {name.partition(".")[2]: tensor for name, tensor in folder.head.items()}
    wanted = {f"{HEADS[0]}.{part}" for part in tensors}
    labels = len(tensors.get("weight", ()))
    if set(folder.head) != wanted or labels < 2:
        raise MismatchError(
            f"The folder's head is no linear layer of two labels or more: {', '.join(sorted(folder.head))}.",
            "Give labelled rows with --table: a head is fitted from them on the adapter's features.",
        )
    return Head.from_tensors(tensors, hidden_size=base.hidden_size, labels=labels)


def fit_to_base(folder: PeftFolder, base: Base) -> PeftAdapter:
    """The folder's adapter on a base, which holds no adapter.

    :raises MismatchError: if layers, names or shapes are not those of the base.
    """
    linear = linear_layers(base)
    paths = _paths(folder.tensors)
    left_out = tuple(path for path in paths if base.kind == "encoder" and "pooler" in path.split("."))
    kept = [path for path in paths if path not in left_out]
    start, names = _names(base, linear, kept)
    beside = [*left_out, *(name.rpartition(".")[0] for name in folder.head)]
    _check_targets(folder.config, base, linear, start, names, beside)
    sizes = {path: _size(folder.config, path) for path in kept}
    shapes: Shapes = {}
    for path, (rank, _) in sizes.items():
        for name, shape in tensor_shapes(linear, (names[path],), rank).items():
            shapes[name.replace(f"{PREFIX}{names[path]}.", f"{PREFIX}{path}.")] = shape
    skipped = {f"{PREFIX}{path}.{part}" for path in left_out for part in (A, B)}
    check_adapter({name: t for name, t in folder.tensors.items() if name not in skipped}, shapes)
    spec, targets = _spec(folder.config, base, linear, sorted(names.values()), sizes.values())
    tensors: dict[str, Floats] = {
        name: np.zeros(shape, dtype=np.float32)
        for name, shape in tensor_shapes(linear, targets, spec.r).items()
    }
    for path, (rank, scaling) in sizes.items():
        a, b = (folder.tensors[f"{PREFIX}{path}.{part}"] for part in (A, B))
        if scaling != spec.scaling:
            b = (b.astype(np.float64) * (scaling / spec.scaling)).astype(np.float32)
        tensors[f"{PREFIX}{names[path]}.{A}"][:rank] = a
        tensors[f"{PREFIX}{names[path]}.{B}"][:, :rank] = b
    return PeftAdapter(spec, targets, tensors, left_out)


def _paths(tensors: Iterable[str]) -> list[str]:
    """The layers that an adapter sits on, as its file calls them."""
    found = set()
    for name in tensors:
        if not name.startswith(PREFIX):
            raise MismatchError(
                f"{WEIGHTS} holds {name[:120]!r}, which is no name of PEFT's.", "Save it with PEFT."
            )
        found.add(name.removeprefix(PREFIX).removesuffix(f".{A}").removesuffix(f".{B}"))
    return sorted(found)


def _names(base: Base, linear: Shapes, paths: Sequence[str]) -> tuple[str, dict[str, str]]:
    """What stands before a layer's name in the file, and by their names there the layers' names in the base.

    A classifier calls an encoder ``bert``, and a decoder ``model``; a bare model has no such name.
    """
    known = {name.removeprefix(base.prefix): name for name in linear}
    own = str(getattr(base.model, "base_model_prefix", "") or "")
    starts = sorted({"", base.prefix, f"{own}." if own else ""})
    for start in starts:
        if paths and all(path.startswith(start) and path.removeprefix(start) in known for path in paths):
            return start, {path: known[path.removeprefix(start)] for path in paths}
    strange = next(
        (path for path in paths if not any(path.removeprefix(start) in known for start in starts)),
        paths[0] if paths else "",
    )
    raise MismatchError(
        f"The adapter sits on {strange[:120]!r}, which is no layer of {base.identity.name} that frames adapt."
        if strange
        else "The adapter sits on no layer that a frame reads.",
        "Name the base that it was trained on with --model, and a stack of that base with --stack.",
    )


def _check_targets(
    config: Mapping[str, Any],
    base: Base,
    linear: Shapes,
    start: str,
    names: Mapping[str, str],
    beside: Sequence[str],
) -> None:
    """Compare the layers of the file with those that the configuration asks for, as PEFT finds them.

    :param start: what stands before a layer's name in the file.
    :param beside: layers that may be asked for and are no matter here: of the pooler and of the head.
    """
    layers = config.get("layers_to_transform")
    chosen = {layers} if isinstance(layers, int) else set(layers or ())
    number = re.compile(r"\.(\d+)\.")
    known = [f"{start}{name.removeprefix(base.prefix)}" for name in linear]
    wanted = set()
    for target in config["target_modules"]:
        found = {path for path in (*known, *beside) if path == target or path.endswith(f".{target}")}
        if not found:
            raise MismatchError(
                f"No layer of {base.identity.name} is called {target[:80]!r}, which target_modules asks for.",
                "Name the base that it was trained on with --model.",
            )
        if chosen:
            places = {path: number.search(path) for path in found - {target}}
            found = {path for path, place in places.items() if place and int(place[1]) in chosen} | (
                found & {target}
            )
        wanted |= found - set(beside)
    missing, strange = sorted(wanted - set(names)), sorted(set(names) - wanted)
    if missing or strange:
        raise MismatchError(
            f"{WEIGHTS} has nothing for {missing[0][:120]!r}, which {CONFIG} adapts."
            if missing
            else f"{WEIGHTS} adapts {strange[0][:120]!r}, which {CONFIG} does not ask for.",
            "The two files do not belong together, or the base is another one.",
        )


def _size(config: Mapping[str, Any], path: str) -> tuple[int, float]:
    """Rank and scaling of a layer."""
    rank = _number(config, "rank_pattern", "r", path)
    alpha = _number(config, "alpha_pattern", "lora_alpha", path)
    if rank != int(rank):
        raise MismatchError(f"{CONFIG} gives a rank of {rank}.", "It is damaged.")
    return int(rank), alpha / (math.sqrt(rank) if config.get("use_rslora") is True else rank)


def _number(config: Mapping[str, Any], pattern: str, default: str, path: str) -> float:
    """A layer's own number, or that of all layers."""
    value = config.get(default)
    own = config.get(pattern) or {}
    if not isinstance(own, dict):
        raise IntegrityError(f"{CONFIG} misstates {pattern}, which must be an object.", "It is damaged.")
    for key in own:
        if not _LITERAL.fullmatch(key):
            raise MismatchError(
                f"{CONFIG} names layers by a pattern in {pattern}: {key[:80]!r}.",
                "Write the layers' names there, such as layers.0.self_attn.q_proj.",
            )
    fits = (key for key in own if path == key.removeprefix("^") or path.endswith(f".{key}"))
    key = next(fits, None)
    value = value if key is None else own[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e6:
        raise IntegrityError(
            f"{CONFIG} lacks or misstates {default}: {str(value)[:40]}.",
            "It must be a number above 0.",
        )
    return float(value)


def _spec(
    config: Mapping[str, Any],
    base: Base,
    linear: Shapes,
    names: Sequence[str],
    sizes: Iterable[tuple[int, float]],
) -> tuple[LoraSpec, tuple[str, ...]]:
    """The least shape of a frame's adapter that holds these layers, and all layers that it has.

    Its strength is that of the most layers, so that most tensors stay as they are.
    """
    sizes = list(sizes)
    rank = max(rank for rank, _ in sizes)
    rslora = config.get("use_rslora") is True
    root = math.sqrt(rank) if rslora else rank
    scalings = [scaling for _, scaling in sizes]
    common = max(sorted(set(scalings)), key=scalings.count)
    alpha = round(common * root) if math.isclose(common * root, round(common * root)) else rank
    dropout = config.get("lora_dropout", 0.0)
    targets = tuple(names)
    try:
        while True:
            asked = LoraSpec(max(rank, 1), max(alpha, 1), float(dropout or 0.0), targets, 0, rslora)
            written = adapter_config.dump(asked, targets, base_name="")
            spec = adapter_config.parse(written, what=CONFIG).spec
            wider = adapted(base, linear, spec)
            if wider == targets:
                return spec, targets
            targets = wider
    except (SkillStackError, TypeError, ValueError) as error:
        if isinstance(error, MismatchError):
            raise
        raise IntegrityError(f"{CONFIG} is wrong: {error}", "It is damaged.") from None

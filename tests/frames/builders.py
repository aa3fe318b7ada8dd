"""Small real stores: frames of a few hundred bytes with every kind of file a frame can have."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from skillstack.store import canonical, tensors, transactions
from skillstack.store import canonical as sealed
from skillstack.store.canonical import sha256
from skillstack.store.records import BaseIdentity, Count, FrameRecord, GenerationPrompt, Rendering, Skill
from skillstack.store.rows import Row
from skillstack.store.samples import FeatureSamples, ReferenceSamples, TextSamples
from skillstack.store.states import State, put_state
from skillstack.store.store import Store

HIDDEN = 4
BASE = BaseIdentity(
    weights=sha256(b"weights"),
    tokenizer=sha256(b"tokenizer"),
    architecture="bert",
    hidden_size=HIDDEN,
    layers=2,
    name="tiny",
    revision="1",
)


def numbers(text: str, *shape: int) -> np.ndarray:
    """Float32 numbers that depend on the text alone, exact in binary."""
    size = int(np.prod(shape))
    stream = b"".join(bytes.fromhex(sha256(f"{text} {i}".encode())) for i in range(size // 32 + 1))
    return (np.frombuffer(stream[:size], dtype=np.int8).astype(np.float32) / 64).reshape(shape)


def make_content(
    store: Store,
    name: str = "alpha",
    *,
    labels: tuple[str, ...] = ("bad", "good"),
    adapter: bool = True,
    samples: str | None = "text",
    canaries: bool = True,
    init_from: str | None = None,
    version: int = 0,
    recipe: dict[str, object] | None = None,
) -> FrameRecord:
    """A content whose files are in the store; it is not put there itself.

    :param samples: ``text``, ``reference``, ``features`` or None.
    :param version: another number gives other weights under the same names.
    """
    key = f"{name} {version}"
    kinds = {
        "text": TextSamples((Row(f"{name} is fine"), Row("a pair", f"and {name}"))),
        "reference": ReferenceSamples(f"starter/{name}", (sha256(b"1"), sha256(b"2"))),
        "features": FeatureSamples({"counts": np.arange(6, dtype=np.int64)}),
    }
    skill = Skill(
        name=name,
        task=name,
        family="sentiment",
        labels=labels,
        pair=False,
        head=store.put_head(numbers(f"head {key}", len(labels), HIDDEN), numbers("bias", len(labels))),
        samples=None if samples is None else store.put_samples(kinds[samples]),
        rendering=Rendering(max_length=16),
        metrics={"dev": Count(9, 10)},
        source={"kind": "test", "name": name},
    )
    ref = None
    if adapter:
        config = canonical.dumps({"peft_type": "LORA", "r": 1})
        weights = {
            "a.lora_A.weight": numbers(f"a {key}", 1, HIDDEN),
            "a.lora_B.weight": numbers("b", HIDDEN, 1),
        }
        model = tensors.dump(weights, {"format": "pt"})
        ref = store.put_adapter(name, config, model, f"# {name}\n".encode())
    return FrameRecord(
        name=name,
        adapter=ref,
        skills=(skill,),
        base=BASE,
        precision="fp32",
        pooling="mean",
        recipe={"epochs": 2, "lr": "0.001"} if recipe is None else recipe,
        canaries=store.put_canaries({"logits": ["0.5", "-0.25"], "name": key}) if canaries else None,
        init_from=init_from,
    )


def push(store: Store, stack: str, name: str, *, transaction: str | None = None, **options: object) -> str:
    """Make a frame and push it; returns the node's id."""
    content = make_content(store, name, **options)  # type: ignore[arg-type]
    return transactions.push(
        store,
        stack,
        content,
        transaction=transaction or f"push {name}",
        note=f"push {name}",
        expected=store.tip(stack),
    )


def rebase(store: Store, stack: str, contents: list[str], *, transaction: str = "rebase") -> str | None:
    """Point a stack at a new chain of these contents, oldest first."""
    from skillstack.store.records import Node

    tip = None
    for content in contents:
        tip = store.put_node(Node(content, tip))
    transactions.move(
        store, stack, "replace", tip, expected=store.tip(stack), transaction=transaction, note="rebase"
    )
    return tip


def chain(store: Store, stack: str) -> list[str]:
    """Ids of a stack's nodes, newest first."""
    return [node_id for node_id, _ in store.chain(stack)]


def full_store(root: Path) -> Store:
    """A store with every kind of file: two stacks, three forms of samples, an undo, HEAD, a measurement."""
    store = Store.create(root)
    push(store, "main", "alpha")
    push(store, "main", "beta", labels=("x", "y", "z"), samples="reference")
    push(store, "main", "gamma", samples="features", canaries=False)
    transactions.undo(store, "main")
    push(store, "other", "delta", adapter=False, samples=None)
    store.set_head_stack("main")
    content = store.content(store.node(chain(store, "main")[0]).content)
    store.put_measurement(content.behaviour(content.skills[0]), "test", {"correct": 8, "n": 10})
    return store


def files(root: Path) -> list[str]:
    """Every file below a folder but the lock files, which are empty."""
    found = (path for path in root.rglob("*") if path.is_file() and path.suffix != ".lock")
    return sorted(path.relative_to(root).as_posix() for path in found)


def without_field(data: bytes, *path: str | int) -> bytes:
    """A canonical record without one field."""
    value = json.loads(data)
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    del holder[path[-1]]
    return canonical.dumps(value)


def with_field(data: bytes, new: object, *path: str | int) -> bytes:
    """A canonical record with one field set."""
    value = json.loads(data)
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = new
    return canonical.dumps(value)


def history_line(**fields: object) -> bytes:
    """A sealed history line of these fields."""
    return sealed.seal({"format": 1, **fields}) + b"\n"


def stateful(store: Store, name: str = "sigma", *, version: int = 0, **fields: object) -> FrameRecord:
    """A content of format 2: a classification with a state and no adapter, whose files are in the store.

    :param version: another number gives other values and tensors.
    :param fields: other values of its skill.
    """
    plain = make_content(store, name, adapter=False, canaries=False)
    state = State(
        "statistics",
        {"counts": [3, 4 + version], "ridge": "0.1"},
        {"state": {"means": numbers(f"means {name} {version}", 2, HIDDEN)}, "other": {"n": np.arange(3)}},
    )
    changed = {"head": None, "state": put_state(store, state), **fields}
    return replace(plain, skills=(replace(plain.skills[0], **changed),))  # type: ignore[arg-type]


def generative(store: Store, name: str = "gamma", **fields: object) -> FrameRecord:
    """A content of format 2: a generative skill with an adapter and no head, whose files are in the store.

    :param fields: other values of its prompt.
    """
    plain = make_content(store, name, canaries=False)
    prompt = GenerationPrompt("chat", sha256(b"template"), "{answer}", ("yes", "no"), ("\n",), 16)
    changed = {"kind": "generation", "labels": (), "head": None, "prompt": replace(prompt, **fields)}  # type: ignore[arg-type]
    return replace(plain, skills=(replace(plain.skills[0], **changed),))  # type: ignore[arg-type]


def push_content(store: Store, stack: str, content: FrameRecord) -> str:
    """Push a content whose files are in the store; returns the node's id."""
    note = f"push {content.name}"
    return transactions.push(store, stack, content, transaction=note, note=note, expected=store.tip(stack))

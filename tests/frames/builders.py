"""Small real stores: frames of a few hundred bytes with every kind of file a frame can have."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from skillstack.store import canonical, tensors, transactions
from skillstack.store import canonical as sealed
from skillstack.store.canonical import sha256
from skillstack.store.records import BaseIdentity, Count, FrameRecord, Rendering, Skill
from skillstack.store.rows import Row
from skillstack.store.samples import FeatureSamples, ReferenceSamples, TextSamples
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

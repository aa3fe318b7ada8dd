"""Makes the golden store of format 1: ``python make.py FOLDER``.

The store beside this file was made once and stays as it is: every later version must read it. The script
shows what is in it, and as long as 1 is the newest format it makes the same bytes.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np

from skillstack.store import canonical, tensors, transactions
from skillstack.store.canonical import sha256
from skillstack.store.records import BaseIdentity, Count, FrameRecord, Rendering, Skill
from skillstack.store.rows import Row
from skillstack.store.samples import FeatureSamples, ReferenceSamples, Samples, TextSamples
from skillstack.store.store import Store

BASE = BaseIdentity(
    weights=sha256(b"golden weights"),
    tokenizer=sha256(b"golden tokenizer"),
    architecture="bert",
    hidden_size=4,
    layers=2,
    name="golden",
    revision="1",
)


def content(
    store: Store, name: str, skill: str, samples: Samples, step: int, parent: FrameRecord | None
) -> FrameRecord:
    """A frame of a few hundred bytes whose numbers are multiples of 1/8."""
    weight = (np.arange(8, dtype=np.float32).reshape(2, 4) + step) / 8
    config = canonical.dumps(
        {"base_model_name_or_path": "golden", "lora_alpha": 2, "peft_type": "LORA", "r": 1}
    )
    model = tensors.dump(
        {"q.lora_A.weight": weight[:1], "q.lora_B.weight": weight[1:].T.copy()}, {"format": "pt"}
    )
    return FrameRecord(
        name=name,
        adapter=store.put_adapter(name, config, model, f"# {name}\n".encode()),
        skills=(
            Skill(
                name=skill,
                task=skill,
                family="sentiment",
                labels=("negative", "positive \u20ac \U0001f600"),
                pair=skill == "pairs",
                head=store.put_head(weight, np.array([0.5, -0.5], dtype=np.float32)),
                samples=store.put_samples(samples),
                rendering=Rendering(prompt="{text} is", label_words=("bad", "good"), max_length=32),
                metrics={"dev": Count(90 + step, 100), "frozen_linear_dev": Count(80, 100)},
                source={"kind": "golden", "licence": "CC0-1.0"},
            ),
        ),
        base=BASE,
        precision="fp32",
        pooling="mean",
        recipe={
            "epochs": 2,
            "lora": {"alpha": 2, "r": 1},
            "lr": "0.001",
            "shuffle": True,
            "tasks": ["a", "b"],
        },
        plan=sha256(f"plan {step}".encode()),
        canaries=store.put_canaries({"logits": ["0.125", "-0.5"], "n": 1, "step": step}),
        init_from=None if parent is None else parent.id,
    )


def make(root: Path) -> Store:
    """Three frames of two skills on the stack ``main``, one of them undone, HEAD and a measurement."""
    store = Store.create(root)
    with patch("time.time", lambda: 1_700_000_000):

        def push(frame: FrameRecord) -> None:
            transactions.push(
                store,
                "main",
                frame,
                transaction=f"t-{frame.name}",
                note=f"push {frame.name}",
                expected=store.tip("main"),
            )

        first = content(store, "first", "reviews", TextSamples((Row("fine \u00e9"), Row("a", "b"))), 0, None)
        push(first)
        second = content(
            store, "second", "pairs", ReferenceSamples("golden", (Row("x", "y").digest(),)), 1, first
        )
        push(second)
        transactions.undo(store, "main")
        features = FeatureSamples(
            {"indices": np.arange(3, dtype=np.int32), "values": np.ones(3, dtype=np.float32)}
        )
        push(content(store, "third", "pairs", features, 2, first))
    store.set_head_stack("main")
    store.put_measurement(first.behaviour(first.skills[0]), "test", {"correct": 91, "n": 100})
    shutil.rmtree(root / "work")
    return store


if __name__ == "__main__":
    make(Path(sys.argv[1]))

"""Merging twenty adapters of the built-in base: processor seconds of each way, beside PEFT's.

    python scripts/bench_merge_many.py [--members 20] [--rank 8] [--out results/bench/merge_many.json]

The adapters are random, of the shape of a frame of the reference stack: what a merge costs does not depend on
their numbers. Both tools merge the same files to the same rank, on one thread, without reading or writing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from bench_merge import SEED, Peft, ours, tiny_adapter
from transformers import BertModel

from skillstack.compression.deltas import stored
from skillstack.compression.merging import METHODS
from skillstack.models.slot import Slot
from skillstack.predictor import load_base_of
from skillstack.stack import Stack

#: PEFT's ways of merging, beside ours of the same meaning.
PEFT = {"linear": "svd", "ties": "ties_svd", "dare": "dare_linear_svd"}
#: What PEFT wants to be told for them.
SETTINGS = {"ties_svd": {"density": 0.2}, "dare_linear_svd": {"density": 0.5}}
REPEATS = 3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--members", type=int, default=20)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    stack = Stack.open(stack="reference")
    frame = stack.frames()[0]
    spec = stored(stack.store, frame.content).spec
    slot = Slot(load_base_of(frame.content, None, "cpu"))
    base = Path(slot.base.whole.name_or_path)
    settings = {
        "r": spec.r,
        "lora_alpha": spec.alpha,
        "target_modules": list(slot.targets(spec)),
    }
    weights = [1.0 / options.members] * options.members
    with tempfile.TemporaryDirectory() as root:
        folders = [
            tiny_adapter(Path(root) / f"m{number}", BertModel, base, settings, number)
            for number in range(options.members)
        ]
        peft = Peft(BertModel, base, folders)
        found = []
        for way in METHODS:
            mine = ours(folders, way, weights, options.rank, {}, REPEATS).seconds
            record: dict[str, Any] = {"way": way, "processor_seconds": round(mine, 4)}
            if way in PEFT:
                name = PEFT[way]
                theirs = peft.merge(
                    name, weights, options.rank, SETTINGS.get(name, {}), Path(root) / "out", REPEATS
                ).seconds
                record |= {"peft": name, "peft_seconds": round(theirs, 4), "ratio": round(theirs / mine, 2)}
            found.append(record)
            print(record, flush=True)
    document = {
        "command": f"python scripts/bench_merge_many.py --members {options.members} --rank {options.rank}",
        "versions": {name: metadata.version(name) for name in ("peft", "torch", "numpy")},
        "seed": SEED,
        "members": options.members,
        "rank": options.rank,
        "adapter": {"rank": spec.r, "targets": list(spec.targets), "first_layer": spec.first_layer},
        "ways": found,
        "slowest": max(one["processor_seconds"] for one in found),
    }
    if options.out is not None:
        options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

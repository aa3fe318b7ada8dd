"""Learns from a batch for which the system gives no memory; prints what came of it as JSON.

    PYTHONPATH=. python tests/training/narrow.py FOLDER

The address space is limited, so the allocator itself says no, as on a machine whose memory is full.
"""

import json
import resource
import sys
from pathlib import Path

import numpy as np
import torch

from skillstack.models.encoding import encode
from skillstack.models.features import HiddenCache, features
from skillstack.models.loading import load_base
from skillstack.models.lora import LoraSpec
from skillstack.models.slot import Slot
from skillstack.models.split import SplitModel
from skillstack.skills.head_training import HeadLoss
from skillstack.store.records import Rendering
from skillstack.store.rows import Row
from skillstack.training.encoded import EncodedDataset
from skillstack.training.execution import RunState
from skillstack.training.recipe import Recipe
from skillstack.training.steps import Steps
from tests.tiny import tiny_bert

ROWS = 512
ROOM = 60 << 20


def used() -> int:
    """Bytes of address space that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    base = load_base(str(tiny_bert(folder / "bert")), device="cpu")
    texts = [Row("it was " + "really " * 100 + word) for word in ("good", "bad")] * (ROWS // 2)
    cache = HiddenCache(SplitModel(base, 0), encode(base, texts, Rendering(max_length=120)))
    slot = Slot(base)
    slot.start_fresh(LoraSpec(4, 8, 0.0, ("query", "value"), 0), seed=1)
    plain = features(cache, batch_size=8)
    slot.trainable()
    head = torch.nn.Linear(32, 2)
    told: list[int] = []
    train = EncodedDataset(lambda: cache, [0, 1] * (ROWS // 2))

    def gradient(**settings: int) -> torch.Tensor:
        loss = HeadLoss(base, train, {0: head}, Recipe().label_smoothing)
        adapter, heads = list(slot.named_parameters().values()), list(head.parameters())
        steps = Steps(base, loss, adapter, heads, Recipe(), RunState(**settings), tell_memory=told.append)
        steps._gradients(1, range(ROWS), ROWS)
        return torch.cat([p.grad.flatten() for p in (*slot.named_parameters().values(), *head.parameters())])

    expected = gradient(micro_batch=8)
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used() + ROOM, before[1]))
    found = gradient()
    slot.freeze()
    again = features(cache, batch_size=ROWS)
    resource.setrlimit(resource.RLIMIT_AS, before)
    result = {
        "told": told,
        "gradient": float((found - expected).abs().max() / expected.abs().max()),
        "features": float(np.abs(again - plain).max()),
        "rows": base.room.most,
    }
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

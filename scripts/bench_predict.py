"""Answering rows of eight skills in one call, against one skill for all of them, and against PEFT row by row.

    python scripts/bench_predict.py [--rows 2000] [--rounds 3] [--peft-rows 160] [--output FILE]

The rows come from the test splits of the starter tasks, in random order; the frames are those of the
reference stack, and each row is answered by its own task's frame. One frame answers the same rows for
comparison. PEFT loads the same adapters under eight names, sets the row's one and runs the model, one row
after the other, with the same tokenizer, pooling and head. All take turns in one run. Targets: at least 0.9
of the throughput of one frame, at least 5 times that of PEFT.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import time
from collections.abc import Callable

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch
from measuring import ROOT, parser_of, write_result
from plain_base import load_plain_base

from skillstack.data.sources import load_task
from skillstack.models.features import pool
from skillstack.models.heads import Head
from skillstack.results import Frame
from skillstack.stack import Stack
from skillstack.store.rows import Row


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peft-rows", type=int, default=160)
    options = parser.parse_args()
    stack = Stack.open(ROOT / "frames", "reference", device="cpu")
    frames = stack.frames()
    rows, owners = _mixed(frames, options.rows)
    loaded = stack.loaded()
    one = frames[0]

    def answer(which: list[Frame]) -> list[int]:
        found = loaded.answer(rows, which, [frame.skills[0] for frame in which])
        return [int(answer.logits.argmax()) for answer in found]

    peft = _peft(stack, frames)
    part = range(min(options.peft_rows, len(rows)))
    sides: dict[str, Callable[[], list[int]]] = {
        "mixed": lambda: answer(owners),
        "one_frame": lambda: answer([one] * len(rows)),
        "peft": lambda: [peft(rows[i], owners[i]) for i in part],
    }
    counts = {"mixed": len(rows), "one_frame": len(rows), "peft": len(part)}
    times: dict[str, list[float]] = {name: [] for name in sides}
    used: dict[str, list[float]] = {name: [] for name in sides}
    answers: dict[str, list[int]] = {}
    for number in range(options.rounds + 1):
        for name, side in sides.items():
            began, processor = time.perf_counter(), time.process_time()
            answers[name] = side()
            if number:  # the first round reads files and warms up
                times[name].append((time.perf_counter() - began) / counts[name])
                used[name].append((time.process_time() - processor) / counts[name])
    wall = {name: statistics.median(values) for name, values in times.items()}
    cost = {name: statistics.median(values) for name, values in used.items()}
    result = {
        "rows": len(rows),
        "frames": len(frames),
        "rows_per_second": {name: round(1 / value, 1) for name, value in wall.items()},
        "rows_per_processor_second": {name: round(1 / value, 1) for name, value in cost.items()},
        "mixed_to_one_frame": round(wall["one_frame"] / wall["mixed"], 3),
        "mixed_to_peft": round(wall["peft"] / wall["mixed"], 2),
        "same_answers_as_peft": sum(answers["peft"][i] == answers["mixed"][i] for i in part) / len(part),
        "targets": {"mixed_to_one_frame": 0.9, "mixed_to_peft": 5.0},
    }
    write_result(result, options.output)
    return 0 if result["mixed_to_one_frame"] >= 0.9 and result["mixed_to_peft"] >= 5 else 1  # type: ignore[operator]


def _mixed(frames: tuple[Frame, ...], count: int) -> tuple[list[Row], list[Frame]]:
    per_frame = -(-count // len(frames))
    found = [
        (example.row, frame)
        for frame in frames
        for example in random.Random(0).sample(load_task(frame.name).test, per_frame)
    ]
    random.Random(1).shuffle(found)
    return [row for row, _ in found[:count]], [frame for _, frame in found[:count]]


def _peft(stack: Stack, frames: tuple[Frame, ...]) -> Callable[[Row, Frame], int]:
    """Answers one row with PEFT's own model and the frame's head."""
    from peft import PeftModel

    base = load_plain_base("minilm")
    adapted = [frame for frame in frames if frame.content.adapter is not None]
    model = None
    for frame in adapted:
        assert frame.content.adapter is not None
        folder = stack.store.root / "adapters" / frame.content.adapter.folder
        if model is None:
            model = PeftModel.from_pretrained(base.whole, folder, adapter_name=frame.name)
        else:
            model.load_adapter(folder, frame.name)
    assert model is not None
    model.eval()
    heads = {
        frame.name: Head.from_tensors(
            stack.store.head(frame.skills[0].head),
            hidden_size=base.identity.hidden_size,
            labels=len(frame.skills[0].labels),
        )
        for frame in frames
    }

    @torch.no_grad()
    def answer(row: Row, frame: Frame) -> int:
        length = frame.skills[0].rendering.max_length
        batch = base.tokenizer(row.text, truncation=True, max_length=length, return_tensors="pt")
        if frame.content.adapter is None:
            with model.disable_adapter():
                hidden = model(**batch).last_hidden_state
        else:
            model.set_adapter(frame.name)
            hidden = model(**batch).last_hidden_state
        features = pool(hidden, batch["attention_mask"], base.pooling).numpy()
        return int(np.argmax(heads[frame.name].logits(features)))

    return answer


if __name__ == "__main__":
    sys.exit(main())

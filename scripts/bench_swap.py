"""What swapping a frame in costs, beside reading its file and beside PEFT; all measured in one run.

    python scripts/bench_swap.py [--frames 100] [--swaps 1000] [--json FILE]

Prints ratios of medians. The targets: a swap (read, check, copy) takes at most 2 times as long as reading the
safetensors file; at 100 frames at most 1.2 times as long as at 2; 1,000 swaps leave the memory where it was.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
from safetensors.numpy import load_file

from skillstack.models import adapter_config
from skillstack.models.loading import load_base
from skillstack.models.lora import LoraSpec
from skillstack.models.slot import Slot
from skillstack.store import tensors

SPEC = LoraSpec(8, 16, 0.05, ("query", "key", "value", "dense"), 3)


def write_frames(folder: Path, slot: Slot, count: int) -> list[Path]:
    """Adapter folders with random tensors."""
    config = adapter_config.dump(SPEC, slot.targets(SPEC), base_name="sentence-transformers/all-MiniLM-L6-v2")
    slot.start_fresh(SPEC, seed=0)
    shapes = {name: value.shape for name, value in slot.read_out().items()}
    slot.remove()
    made = []
    for number in range(count):
        chance = np.random.default_rng(number)
        frame = {name: chance.normal(0, 0.02, shape).astype(np.float32) for name, shape in shapes.items()}
        made.append(folder / f"frame{number}")
        made[-1].mkdir()
        (made[-1] / "adapter_config.json").write_bytes(config)
        (made[-1] / "adapter_model.safetensors").write_bytes(tensors.dump(frame, {"format": "pt"}))
    return made


def seconds(action: Callable[[], object]) -> float:
    """How long an action takes."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def interleaved(actions: dict[str, Callable[[int], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each action; they take turns, so that noise meets all of them."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for number in range(rounds + 5):
        for name, action in actions.items():
            taken = seconds(lambda action=action, number=number: action(number))  # type: ignore[misc]
            if number >= 5:
                times[name].append(taken)
    return {name: statistics.median(taken) for name, taken in times.items()}


def resident() -> int:
    """Resident memory of this process in bytes; 0 where the system does not say."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if status.exists() else 0


def measure_peft(folders: Sequence[Path], few: int) -> dict[str, float]:
    """PEFT's own way: load each adapter under a name, then switch; with few and with all of them loaded."""
    from peft import PeftModel

    base = load_base("minilm", device="cpu")
    model = PeftModel.from_pretrained(base.whole, folders[0], adapter_name="0")
    loads = [seconds(lambda n=n: model.load_adapter(folders[n], str(n))) for n in range(1, len(folders))]
    names = [str(n % len(folders)) for n in range(20)]
    switches = [seconds(lambda name=name: model.set_adapter(name)) for name in names]
    return {
        "load_first": statistics.median(loads[:few]),
        "load_last": statistics.median(loads[-few:]),
        "set_adapter_all_loaded": statistics.median(switches),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--swaps", type=int, default=1000)
    parser.add_argument(
        "--peft-frames", type=int, default=20, help="adapters that PEFT loads; 0 leaves it out"
    )
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args(arguments)
    base = load_base("minilm", device="cpu")
    slot = Slot(base)
    with tempfile.TemporaryDirectory() as place:
        folders = write_frames(Path(place), slot, options.frames)
        files = [folder / "adapter_model.safetensors" for folder in folders]
        loaded = [tensors.load(file.read_bytes()) for file in files]

        def swap(number: int, frames: int) -> None:
            slot.copy_in(tensors.load(files[number % frames].read_bytes()), SPEC)

        few = interleaved(
            {
                "read_safetensors": lambda n: load_file(files[n % 2]),
                "read_checked": lambda n: tensors.load(files[n % 2].read_bytes()),
                "copy": lambda n: slot.copy_in(loaded[n % 2], SPEC),
                "swap_2_frames": lambda n: swap(n, 2),
                f"swap_{options.frames}_frames": lambda n: swap(n, options.frames),
            },
            rounds=max(100, options.frames),
        )
        gc.collect()
        memory = [resident()]
        for number in range(options.swaps):
            swap(number, options.frames)
            if (number + 1) % max(1, options.swaps // 5) == 0:
                gc.collect()
                memory.append(resident())
        last = loaded[(options.swaps - 1) % options.frames]
        whole = all(np.array_equal(value, last[name]) for name, value in slot.read_out().items())
        peft = measure_peft(folders[: options.peft_frames], 3) if options.peft_frames > 1 else {}
    many = few[f"swap_{options.frames}_frames"]
    figures = {
        "adapter_bytes": int(sum(value.nbytes for value in loaded[0].values())),
        "milliseconds": {name: round(1e3 * value, 4) for name, value in (few | peft).items()},
        "ratios": {
            "swap_to_safetensors_read": round(few["swap_2_frames"] / few["read_safetensors"], 3),
            "swap_to_checked_read": round(few["swap_2_frames"] / few["read_checked"], 3),
            f"{options.frames}_frames_to_2": round(many / few["swap_2_frames"], 3),
        },
        "memory_mib": [round(value / 2**20, 1) for value in memory],
        "memory_growth_mib": round((memory[-1] - memory[1]) / 2**20, 2),
        "last_swap_read_back": whole,
    }
    if peft:
        figures["ratios"] |= {
            "peft_load_to_swap": round(peft["load_last"] / many, 1),
            "peft_set_adapter_to_swap": round(peft["set_adapter_all_loaded"] / many, 1),
        }
    text = json.dumps(figures, indent=2)
    print(text)
    if options.json is not None:
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())

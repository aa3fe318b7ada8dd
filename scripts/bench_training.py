"""How fast a frame is trained, beside plain PEFT and the Trainer of transformers, in one run.

    python scripts/bench_training.py [--tasks imdb agnews] [--data-dir ../shared/data] [--rounds 2]
                                     [--set epochs=2] [--output FILE]

Both sides get the same base, rows, token ids, LoRA layers, rates, schedule, steps and start of the head, and
take turns. Ours is timed as a whole: tokenising, the fits that dev chooses between, training, canaries and
files. The other side is timed for tokenising, wrapping and `Trainer.train`, with dev measured after each
epoch; the start of its head is given to it. Loading the base is in neither. The ratio of processor seconds is
given as well; other busy programs disturb it less. Targets: a ratio of at least 2 at a like training loss,
and at least 95 % useful tokens.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch
from measuring import parser_of, write_result
from plain_base import load_plain_base

from skillstack.data.sources import load_task
from skillstack.models.base import Base
from skillstack.models.encoding import encode
from skillstack.models.features import features_of, pool
from skillstack.models.heads import Head, fit_logistic
from skillstack.models.loading import load_base
from skillstack.models.slot import Slot, adapted, linear_layers
from skillstack.models.split import SplitModel
from skillstack.store.store import Store
from skillstack.training import plan
from skillstack.training.data import labels_of, rows_of
from skillstack.training.fit import lora_spec
from skillstack.training.frame import make_frame
from skillstack.training.plan import FramePlan, TrainingPlan
from skillstack.training.progress import Event, StepDone
from skillstack.training.recipe import Recipe, Schedule, default_recipe


@dataclass(frozen=True)
class Run:
    """One training of one task.

    :ivar seconds: wall clock.
    :ivar processor: seconds of all threads together.
    :ivar loss: mean training loss over the steps of the last epoch, label smoothing included.
    :ivar dev: accuracy on dev.
    :ivar useful: real tokens among all computed in training batches.
    """

    seconds: float
    processor: float
    loss: float
    dev: float
    useful: float


class Classifier(torch.nn.Module):
    """What people write around a PEFT model: the whole model, pooled, and a linear head."""

    def __init__(self, model: torch.nn.Module, head: torch.nn.Linear, pooling: str, smoothing: float) -> None:
        super().__init__()
        self.model, self.head = model, head
        self.pooling, self.smoothing = pooling, smoothing
        self.real = self.computed = 0

    def forward(self, labels: torch.Tensor, **inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """Loss and logits ``[rows, labels]``."""
        mask = inputs["attention_mask"]
        if self.training:
            self.real += int(mask.sum())
            self.computed += mask.numel()
        hidden = self.model(**inputs).last_hidden_state
        logits = self.head(pool(hidden, mask, self.pooling))
        loss = torch.nn.functional.cross_entropy(
            logits, labels, label_smoothing=self.smoothing if self.training else 0.0
        )
        return {"loss": loss, "logits": logits}


def plan_of(base: Base, task: str, data_dir: Path, recipe: Recipe) -> FramePlan:
    """A frame that stands alone and starts from nothing."""
    data = load_task(task, data_dir)
    job = TrainingPlan("bench", (data,), recipe, base.precision)
    return plan.plan_of(job, data, (), base.identity, base.kind)


def ours(base: Base, plan: FramePlan, folder: Path) -> Run:
    """A frame as `skillstack train` makes it."""
    losses: list[float] = []

    def listen(event: Event) -> None:
        if isinstance(event, StepDone):
            losses.append(event.loss)

    store = Store.create(folder / "store")
    begin = time.perf_counter(), time.process_time()
    made = make_frame(store, Slot(base), plan, (), place=(1, 1), listen=listen)
    seconds = time.perf_counter() - begin[0], time.process_time() - begin[1]
    per_epoch = Schedule.of(plan.recipe, len(plan.data.train)).per_epoch
    return Run(
        *seconds, statistics.mean(losses[-per_epoch:]), made.outcome.chosen.dev.accuracy,
        made.outcome.useful_tokens,
    )  # fmt: skip


def start_head(base: Base, plan: FramePlan) -> Head:
    """The head that both sides start from."""
    encoded = encode(base, rows_of(plan.data.train), plan.rendering)
    penalty = plan.recipe.start_penalty or 1.0
    labels = labels_of(plan.data.train)
    return fit_logistic(
        features_of(SplitModel(base, 0), encoded), labels, len(plan.data.task.labels), penalty
    )


def theirs(base: Base, plan: FramePlan, head: Head, folder: Path) -> Run:
    """The same frame with plain PEFT and the Trainer."""
    from peft import LoraConfig, get_peft_model
    from transformers import PrinterCallback, Trainer, TrainingArguments

    recipe, spec = plan.recipe, lora_spec(plan)
    steps = Schedule.of(recipe, len(plan.data.train)).steps
    names = adapted(base, linear_layers(base), spec)
    begin = time.perf_counter(), time.process_time()
    sides = []
    for examples in (plan.data.train, plan.data.dev):
        ids = encode(base, rows_of(examples), plan.rendering).ids
        sides.append([{"input_ids": row, "labels": e.label} for row, e in zip(ids, examples, strict=True)])
    config = LoraConfig(
        r=spec.r, lora_alpha=spec.alpha, lora_dropout=spec.dropout, target_modules=list(names)
    )
    torch.manual_seed(recipe.seed)
    peft = get_peft_model(base.whole, config)
    model = Classifier(peft, head.module(), base.pooling, recipe.label_smoothing)
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in peft.parameters() if p.requires_grad], "lr": recipe.learning_rate},
            {"params": list(model.head.parameters()), "lr": recipe.head_learning_rate},
        ],
        weight_decay=recipe.weight_decay,
    )
    warmup = round(recipe.warmup * steps)

    def rate(step: int) -> float:
        return (step + 1) / warmup if step < warmup else (steps - step) / max(1, steps - warmup)

    def collate(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        padded = base.tokenizer.pad([{"input_ids": row["input_ids"]} for row in rows], return_tensors="pt")
        return {**padded, "labels": torch.tensor([row["labels"] for row in rows])}

    def accuracy(found: Any) -> dict[str, float]:
        return {"accuracy": float((np.asarray(found.predictions).argmax(-1) == found.label_ids).mean())}

    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=str(folder / "trainer"),
            per_device_train_batch_size=recipe.batch_size,
            per_device_eval_batch_size=32,
            max_steps=steps,
            eval_strategy="epoch",
            save_strategy="no",
            logging_strategy="steps",
            logging_steps=1,
            max_grad_norm=1.0,
            seed=recipe.seed,
            use_cpu=base.device.type == "cpu",
            report_to=[],
            disable_tqdm=True,
            remove_unused_columns=False,
            label_names=["labels"],
        ),
        train_dataset=sides[0],
        eval_dataset=sides[1],
        data_collator=collate,
        compute_metrics=accuracy,
        optimizers=(optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, rate)),
    )
    trainer.remove_callback(PrinterCallback)  # standard output is for the result
    trainer.train()
    seconds = time.perf_counter() - begin[0], time.process_time() - begin[1]
    losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    measured = [line["eval_accuracy"] for line in trainer.state.log_history if "eval_accuracy" in line]
    per_epoch = -(-len(sides[0]) // recipe.batch_size)
    return Run(
        *seconds,
        statistics.mean(losses[-per_epoch:]),
        max(measured, default=0.0),
        model.real / model.computed,
    )


def summary(runs: dict[str, list[Run]]) -> dict[str, object]:
    """Medians over the rounds."""
    return {
        side: {
            "seconds": round(statistics.median(run.seconds for run in found), 2),
            "processor": round(statistics.median(run.processor for run in found), 2),
            "final_loss": round(found[-1].loss, 4),
            "dev": round(found[-1].dev, 4),
            "useful_tokens": round(found[-1].useful, 4),
        }
        for side, found in runs.items()
    }


def number(text: str) -> Any:
    """A setting's value as TOML would read it."""
    return json.loads(text) if text and text[0] in "-0123456789tf[" else text


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--tasks", nargs="+", default=["imdb", "agnews"])
    parser.add_argument("--data-dir", type=Path, default=Path("../shared/data"))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args()
    kind = load_base(options.model, device="cpu").kind
    changes = {name: number(value) for name, _, value in (item.partition("=") for item in options.set)}
    recipe = Recipe.from_mapping({**changes, "init": "fresh"}, default_recipe(options.model, kind))
    tasks: dict[str, dict[str, list[Run]]] = {}
    tokens: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as place:
        for turn in range(options.rounds):
            for task in options.tasks:
                folder = Path(place) / f"{turn}-{task}"
                base = load_base(options.model, device="cpu")
                plan = plan_of(base, task, options.data_dir, recipe)
                tokens[task] = sum(encode(base, rows_of(plan.data.train), plan.rendering).lengths)
                head = start_head(base, plan)
                sides = tasks.setdefault(task, {"ours": [], "trainer": []})
                sides["ours"].append(ours(base, plan, folder))
                base = load_plain_base(options.model)
                sides["trainer"].append(theirs(base, plan, head, folder))
                line = {side: round(found[-1].seconds, 2) for side, found in sides.items()}
                print(json.dumps({"round": turn, "task": task, **line}), file=sys.stderr)
    found = {name: summary(sides) for name, sides in tasks.items()}
    seconds, processor = (
        {
            side: sum(
                statistics.median(getattr(run, kind) for run in sides[side]) for sides in tasks.values()
            )
            for side in ("ours", "trainer")
        }
        for kind in ("seconds", "processor")
    )
    computed = sum(tokens[name] / sides["ours"][-1].useful for name, sides in tasks.items())
    result = {
        "model": options.model,
        "recipe": recipe.to_record(),
        "threads": torch.get_num_threads(),
        "rounds": options.rounds,
        "tasks": found,
        "seconds": {side: round(value, 2) for side, value in seconds.items()},
        "ratio": round(seconds["trainer"] / seconds["ours"], 2),
        "processor_ratio": round(processor["trainer"] / processor["ours"], 2),
        "useful_tokens": round(sum(tokens.values()) / computed, 4),
    }
    write_result(result, options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())

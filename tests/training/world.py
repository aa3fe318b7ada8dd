"""A small world to train in: tiny random models, real sentences, a recipe of a few steps."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from skillstack.data.sources import load_task
from skillstack.data.task import TaskData
from skillstack.models.base import Base
from skillstack.models.loading import load_base
from skillstack.models.slot import Slot
from skillstack.store.store import Store
from skillstack.training import plan
from skillstack.training.plan import FramePlan, TrainingPlan
from skillstack.training.progress import Event, StepDone
from skillstack.training.recipe import Recipe
from skillstack.training.run import TrainingResult, train_stack

#: A training of six steps; its rates are so high that a random model learns something.
RECIPE = Recipe(
    samples_per_class=12,
    dev_samples=32,
    router_samples=16,
    max_length=32,
    r=4,
    alpha=8,
    dropout=0.1,
    top_layers=2,
    epochs=2,
    batch_size=8,
    learning_rate=2e-2,
    head_learning_rate=1e-2,
    start_penalty=0.01,
    checks=1,
)
TASKS = ("imdb_sentences", "yelp_sentences", "amazon_sentences")


class Killed(BaseException):
    """Stands for the end of a process."""


def tiny_llama(folder: Path) -> Path:
    """A folder with a random decoder of four layers."""
    torch.manual_seed(0)
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    bpe.train_from_iterator(
        ["Review: bad. The sentiment of this review is negative", "A good one: the review is positive"] * 3,
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=["<unk>", "<s>", "</s>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )
    config = LlamaConfig(
        vocab_size=400,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        initializer_range=0.2,
        pad_token_id=2,
        bos_token_id=1,
        eos_token_id=2,
    )
    return _save(folder, LlamaForCausalLM(config), tokenizer)


def _save(folder: Path, model: torch.nn.Module, tokenizer: object) -> Path:
    folder.mkdir(parents=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def own_task(folder: Path, name: str, starter: str, rows: int = 60) -> Path:
    """A user's task folder, made of sentences of a starter task; the data folder is returned."""
    data = load_task(starter)
    place = folder / name
    place.mkdir(parents=True)
    record = {"name": name, "family": data.task.family, "label_names": list(data.task.labels)}
    (place / "task.json").write_text(json.dumps(record))
    lines = [json.dumps({"text": e.row.text, "label": e.label}) for e in data.train[:rows]]
    for split in ("train", "test"):
        (place / f"{split}.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return folder


def own_tasks(folder: Path) -> tuple[TaskData, ...]:
    """Two tasks of the user's own, one of sentiment, one of topics."""
    own_task(folder, "my-reviews", "imdb_sentences")
    own_task(folder, "my-topics", "wiki_topics", rows=200)
    return load_task("my-reviews", folder), load_task("my-topics", folder)


def job(tasks: Sequence[str] = TASKS, recipe: Recipe = RECIPE, **changes: object) -> TrainingPlan:
    """A training of starter tasks."""
    data = tuple(load_task(task) for task in tasks)
    return TrainingPlan(**{"stack": "main", "tasks": data, "recipe": recipe, "precision": "fp32", **changes})


def plan_of(base: Base, task: str = TASKS[0], recipe: Recipe = RECIPE) -> FramePlan:
    """The plan of a stack's first frame."""
    training = job([task], recipe, precision=base.precision)
    return plan.plan_of(training, training.tasks[0], (), base.identity, base.kind)


@dataclass
class Ear:
    """Hears what a training tells, and may end it after a number of steps."""

    die_after: int | None = None
    events: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        steps = sum(isinstance(event, StepDone) for event in self.events)
        if isinstance(event, StepDone) and steps == self.die_after:
            raise Killed

    def of(self, kind: type[Event]) -> list[Event]:
        """Events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]


@dataclass(frozen=True)
class World:
    """A store, and a base to train on."""

    store: Store
    folder: Path

    def load(self) -> Base:
        return load_base(str(self.folder), device="cpu")

    def train(
        self, job: TrainingPlan, listen: Callable[[Event], None] = lambda event: None
    ) -> TrainingResult:
        return train_stack(self.store, job, self.load, lambda chain: None, listen)

    def ids(self, stack: str = "main") -> list[str]:
        """Content ids, oldest first."""
        return [node.content for _, node in self.store.chain(stack)][::-1]

    def files(self) -> dict[str, bytes]:
        """Every file of the store but locks and measurements, which hold times."""
        found = sorted(path for path in self.store.root.rglob("*") if path.is_file())
        return {
            path.relative_to(self.store.root).as_posix(): path.read_bytes()
            for path in found
            if path.suffix != ".lock" and "evaluations" not in path.parts and "history" not in path.parts
        }


def base_tensors(slot: Slot) -> dict[str, torch.Tensor]:
    """Copies of the base's own parameters, without the adapter's, by the names they have without one."""
    return {
        name.replace(".base_layer", ""): parameter.detach().clone()
        for name, parameter in slot.base.whole.named_parameters()
        if "lora_" not in name
    }

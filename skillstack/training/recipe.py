"""The recipe: all that decides what a training does, validated, and the schedule of its steps."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Literal, Self

from skillstack.errors import UsageError, did_you_mean


@dataclass(frozen=True)
class Schedule:
    """The steps of one training.

    :ivar rows: training rows.
    :ivar batch_size: rows per step, on average.
    :ivar steps: optimizer steps in all.
    :ivar warmup: steps in which the rate rises.
    :ivar average_from: first step, counted from 1, whose weights join the average; above `steps` for none.
    :ivar measured: steps after which the weights are measured on dev.
    """

    rows: int
    batch_size: int
    steps: int
    warmup: float
    average_from: int
    measured: frozenset[int]

    @classmethod
    def of(cls, recipe: Recipe, rows: int) -> Schedule:
        """The schedule that a recipe gives this many rows."""
        steps = recipe.steps(rows)
        per_epoch = -(-rows // recipe.batch_size)
        epochs = -(-steps // per_epoch)
        checks = min(recipe.checks if recipe.average else max(1, recipe.checks), epochs)
        ends = {min(steps, per_epoch * (epochs * (i + 1) // checks)) for i in range(checks)}
        return cls(
            rows=rows,
            batch_size=recipe.batch_size,
            steps=steps,
            warmup=recipe.warmup * steps,
            average_from=steps + 1 if not recipe.average else int(steps * (1 - recipe.average)) + 1,
            measured=frozenset(ends - {0}),
        )

    @property
    def per_epoch(self) -> int:
        """Steps of one pass over the rows."""
        return -(-self.rows // self.batch_size)

    def factor(self, step: int) -> float:
        """The factor on the learning rate at a step, counted from 1.

        Linear warm-up, then linear decay that would reach 0 one step after the last.
        """
        if step <= self.warmup:
            return step / self.warmup
        # A warm-up that ends between two steps would put the second one above the line.
        past = max(0.0, step - 1 - self.warmup)
        return max(0.0, 1.0 - past / max(1.0, self.steps - self.warmup))


#: What a training that chooses on rows set aside may do; each is compared with the others on the same rows.
METHODS = ("skillstack", "frozen-linear")

#: What a training on all rows may do: one of these heads, an adapter, or whichever answers unseen rows best.
ALL_ROWS_METHODS = ("auto", "lora", "linear", "ngrams", "average")

#: Rows from which a fifth of a table of one's own is set aside for the guard of a compression: fewer than 600
#: guard rows rarely prove that a skill loses less than a point.
GUARDED_FROM = 3000

#: Training rows per class, of a table of one's own, on which an adapter is compared with simple heads. More
#: take longer and tell little.
LEARNED_PER_CLASS = 200


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a frame is trained. Floats are kept as given and written into records as decimal strings.

    A recipe that a person gives, such as ``Recipe(epochs=3)``, says what differs from the recipe of base and
    preset: its `changes`.

    :ivar samples_per_class: training rows per class; 0 takes all.
    :ivar dev_samples: rows, at most, on which every choice is made.
    :ivar router_samples: rows per task from which the router is fitted.
    :ivar max_length: tokens per row, special tokens and prompt included.
    :ivar r: LoRA rank (Hu et al., 2022, https://arxiv.org/abs/2106.09685).
    :ivar alpha: LoRA scaling numerator; the adapter is scaled by ``alpha / r``.
    :ivar dropout: dropout on the adapter's input while training.
    :ivar targets: names of the linear layers that are adapted; empty takes the base's default.
    :ivar top_layers: how many of the uppermost layers are adapted; 0 means all.
    :ivar cache: whether hidden states below the lowest adapted layer are computed once and reused.
    :ivar epochs: passes over the rows at most.
    :ivar max_steps: optimizer steps at most; with few classes the epochs, with many this is the limit.
    :ivar min_epochs: passes over the rows at least, whatever ``max_steps`` says.
    :ivar batch_size: rows per optimizer step.
    :ivar learning_rate: of the adapter (AdamW, linear decay after warm-up).
    :ivar head_learning_rate: of the head.
    :ivar warmup: share of the steps in which the rate rises from 0.
    :ivar weight_decay: of the adapter.
    :ivar average: share of the steps, at the end, whose weights are averaged (stochastic weight averaging,
        Izmailov et al., 2018, https://arxiv.org/abs/1803.05407); 0 for none.
    :ivar checks: how often the current weights are measured on dev, at ends of epochs evenly spread, the
        last included; their average is measured in any case.
    :ivar refit: whether a logistic regression on the trained features is a candidate as well.
    :ivar start_penalty: inverse penalty of the logistic head that the training starts from; 0 takes the one
        that dev prefers. A strongly penalised head leaves the adapter more to learn.
    :ivar words: whether a decoder's head may start from its label words.
    :ivar label_smoothing: share of each label that is spread over all of them in the loss.
    :ivar init: what the adapter starts from: the newest frame that has one (``parent``), nothing (``fresh``),
        or whichever of these two and the newest frame of the same family dev prefers (``auto``), judged by a
        logistic regression on each one's features.
    :ivar keep_head: whether a task of the parent's labels goes on with the parent's head.
    :ivar seed: of the choice of rows, the adapter's start, the order and the dropout.
    :ivar method: ``skillstack`` (an adapter), or ``frozen-linear`` for a head alone on the bare base; or, to
        learn from dev rows too once they have chosen, ``lora`` (an adapter), ``linear`` (a head on the bare
        base), ``ngrams`` (a head on n-grams), ``average`` (both heads), or the best of these (``auto``).
    :ivar hold_guard: whether a method that learns from all rows leaves those of the compression guard out.
    """

    samples_per_class: int = 48
    dev_samples: int = 256
    router_samples: int = 256
    max_length: int = 160
    r: int = 16
    alpha: int = 32
    dropout: float = 0.05
    targets: tuple[str, ...] = ()
    top_layers: int = 0
    cache: bool = True
    epochs: int = 3
    max_steps: int = 0
    min_epochs: int = 1
    batch_size: int = 16
    learning_rate: float = 2e-4
    head_learning_rate: float = 2e-4
    warmup: float = 0.1
    weight_decay: float = 0.0
    average: float = 0.5
    checks: int = 2
    refit: bool = True
    start_penalty: float = 0.0
    words: bool = True
    label_smoothing: float = 0.0
    init: Literal["auto", "parent", "fresh"] = "auto"
    keep_head: bool = False
    seed: int = 42
    method: Literal["skillstack", "frozen-linear", "auto", "lora", "linear", "ngrams", "average"] = (
        "skillstack"
    )
    hold_guard: bool = False

    def __new__(cls, **given: Any) -> Self:
        """Remember what was given; the dataclass fills the rest with its defaults.

        :raises UsageError: for a name that no recipe has.
        """
        for name in given:
            if name not in cls.__dataclass_fields__:
                raise UsageError(
                    f"A recipe has no {name[:80]!r}.", did_you_mean(name, cls.__dataclass_fields__)
                )
        made = super().__new__(cls)
        object.__setattr__(made, "_given", tuple(given))
        return made

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, _like(field.name, getattr(self, field.name), field.default))
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if not low <= value <= high:
                raise UsageError(
                    f"The recipe's {name} is {value}.", f"It must be between {low:g} and {high:g}."
                )
        if self.init not in ("auto", "parent", "fresh"):
            raise UsageError(
                f"The recipe's init is {self.init!r}.", "It must be 'auto', 'parent' or 'fresh'."
            )
        methods = METHODS + ALL_ROWS_METHODS
        if self.method not in methods:
            raise UsageError(f"There is no method {self.method!r}.", did_you_mean(self.method, methods))

    @property
    def takes_all_rows(self) -> bool:
        """Whether every row is learned from, once dev rows have chosen."""
        return self.method in ALL_ROWS_METHODS

    @property
    def changes(self) -> dict[str, Any]:
        """The settings that this recipe was made with."""
        given: tuple[str, ...] = getattr(self, "_given", ())
        return {name: getattr(self, name) for name in given}

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], base: Recipe | None = None) -> Recipe:
        """A recipe of these values, on top of another one.

        :raises UsageError: for an unknown name, a value of another type, or one out of range.
        """
        start = cls() if base is None else base
        known = {field.name: getattr(start, field.name) for field in dataclasses.fields(cls)}
        changed: dict[str, Any] = {}
        for name, value in values.items():
            if name not in known:
                raise UsageError(f"A recipe has no {name!r}.", did_you_mean(name, known))
            changed[name] = _like(name, value, known[name])
        return dataclasses.replace(start, **changed)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Recipe:
        """The recipe that a record holds; settings that it lacks were not there yet.

        :raises UsageError: if it holds one that this version does not know.
        """
        floats = {field.name for field in dataclasses.fields(cls) if isinstance(field.default, float)}
        values = {name: float(value) if name in floats else value for name, value in record.items()}
        return cls.from_mapping({**_LATER, **values})

    def to_record(self) -> dict[str, object]:
        """The recipe for a record: integers, booleans, strings, lists; floats as decimal strings.

        A setting that came after the first release is left out where it changes nothing, so that a recipe
        of before has the record of before, and a finished training is recognised by later versions.
        """
        return {
            name: repr(value)
            if isinstance(value, float)
            else list(value)
            if isinstance(value, tuple)
            else value
            for name, value in dataclasses.asdict(self).items()
            if name not in _LATER or value != _LATER[name]
        }

    def steps(self, rows: int) -> int:
        """Optimizer steps for this many training rows."""
        per_epoch = -(-rows // self.batch_size)
        steps = per_epoch * self.epochs
        if self.max_steps:
            steps = min(steps, max(self.max_steps, per_epoch * self.min_epochs))
        return steps


def default_recipe(model: str, kind: str) -> Recipe:
    """The recipe of ``recipes.toml`` for a base.

    :param model: the base's name.
    :param kind: ``encoder`` or ``decoder``, for bases without a recipe of their own.
    """
    recipes = _recipes()
    return Recipe.from_mapping(recipes.get(model, recipes[kind]))


@lru_cache(maxsize=1)
def _recipes() -> dict[str, dict[str, Any]]:
    text = resources.files("skillstack.training").joinpath("recipes.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


#: Settings that records of format 1 may lack, with the value that means what was done before they existed.
_LATER: dict[str, object] = {"method": "skillstack", "hold_guard": False}
_RANGES: tuple[tuple[str, float, float], ...] = (
    ("samples_per_class", 0, 1_000_000),
    ("dev_samples", 1, 1_000_000),
    ("router_samples", 1, 100_000),
    ("max_length", 8, 131_072),
    ("r", 1, 1024),
    ("alpha", 1, 65536),
    ("dropout", 0.0, 0.9),
    ("top_layers", 0, 1000),
    ("epochs", 0, 1000),
    ("max_steps", 0, 10_000_000),
    ("min_epochs", 0, 1000),
    ("batch_size", 1, 65536),
    ("learning_rate", 0.0, 10.0),
    ("head_learning_rate", 0.0, 10.0),
    ("warmup", 0.0, 1.0),
    ("weight_decay", 0.0, 10.0),
    ("average", 0.0, 1.0),
    ("checks", 0, 1000),
    ("label_smoothing", 0.0, 0.9),
    ("start_penalty", 0.0, 1e6),
    ("seed", 0, 2**31 - 1),
)


def _like(name: str, value: Any, sample: object) -> Any:
    """The value as the type of the sample, where nothing is lost by it."""
    if isinstance(sample, bool):
        if isinstance(value, bool):
            return value
    elif isinstance(sample, float):
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    elif isinstance(sample, int):
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    elif isinstance(sample, tuple):
        if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            return tuple(sorted(value))
    elif isinstance(value, str):
        return value
    raise UsageError(f"The recipe's {name} is {value!r}.", f"It must be of the kind of {sample!r}.")

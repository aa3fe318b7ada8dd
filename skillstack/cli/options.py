"""The options that several commands share, each declared once.

It is long because there are many of them, and a reader looks for all of them here.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skillstack.errors import UsageError, did_you_mean
from skillstack.routers.registry import DEFAULT, names

if TYPE_CHECKING:
    from skillstack.forecast.plan import TrainingRequest
    from skillstack.training.options import RunOptions

#: What gives a command an option, or several.
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
#: What click calls with a value, to check or change it.
Callback = Callable[[click.Context, click.Parameter, Any], Any]
PRECISIONS = ("fp32", "bf16", "fp16", "nf4")
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?")


def gathering(kind: Callable[..., Any], name: str, *options: Decorator) -> Decorator:
    """A decorator that gives a command these options; the command gets them as one value.

    :param kind: makes the value of the options' parameters, such as a dataclass.
    :param name: the command's parameter that takes the value.
    """

    def parameters() -> None:
        """Carries the options, to have their names."""

    for option in options:
        option(parameters)
    fields = [parameter.name for parameter in getattr(parameters, "__click_params__", ())]

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def gathered(*args: Any, **given: Any) -> Any:
            value = kind(**{field: given.pop(field) for field in fields})
            return function(*args, **{name: value}, **given)

        whole: Callable[..., Any] = gathered
        for option in reversed(options):
            whole = option(whole)
        return whole

    return decorate


# values -------------------------------------------------------------------------------------------------


def duration(text: str) -> float:
    """Seconds of ``8h``, ``1h30m``, ``30m`` or ``90s``; a number alone is seconds as well.

    :raises click.BadParameter: if it is no time.
    """
    found = _DURATION.fullmatch(text.strip().lower())
    if not text.strip() or found is None:
        raise click.BadParameter(f"Invalid time {text[:40]!r}: write 8h, 1h30m, 30m or 90s.")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + seconds


def number_or(word: str) -> Callable[[str], int]:
    """Reads a number of rows, 1 or more; 0 for this word.

    :raises click.BadParameter: if it is neither.
    """

    def read(text: str) -> int:
        plain = text.strip().lower()
        if plain == word:
            return 0
        if not (plain.isascii() and plain.isdigit() and len(plain) < 8 and int(plain)):
            raise click.BadParameter(f"Invalid number of rows {text[:40]!r}: give 1 or more, or {word}.")
        return int(plain)

    return read


def names_in(text: str) -> list[str]:
    """The names of ``a, b, c``."""
    return [name.strip() for name in text.split(",") if name.strip()]


def between(name: str, most: float, divisor: float = 1) -> Callable[..., float | None]:
    """A callback that reads a number above 0 and below ``most`` as a share; None stays None."""

    def read(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
        if value is None:
            return None
        number = _number(value)
        if not 0 < number < most:
            raise UsageError(f"Invalid {name} {value[:40]!r}: must be between 0 and {most:g}.")
        return number / divisor

    return read


def _threshold(_: click.Context, __: click.Parameter, value: str) -> float | None:
    if value == "auto":
        return None
    number = _number(value)
    if not math.isfinite(number):
        raise UsageError(f"Invalid threshold {value[:80]!r}.", "Give a number, or auto.")
    return number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def tables(_: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, Path]:
    """Tables by the skill that they belong to.

    :raises UsageError: if one is not written NAME=FILE, or a name comes twice.
    """
    found: dict[str, Path] = {}
    for value in values:
        name, _equals, path = value.partition("=")
        if not name or not path:
            said = f"{option.opts[0]} takes NAME=FILE, not {value[:80]!r}."
            raise UsageError(said, "For example tickets=more.csv.")
        if name in found:
            raise UsageError(f"{option.opts[0]} is given twice for {name[:80]!r}.", "Leave one of them out.")
        found[name] = Path(path)
    return found


def _known_model(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        from skillstack.models.sources import check_name

        check_name(value)
    return value


def _known_encoding(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    from skillstack.data.encodings import check_encoding

    return check_encoding(value)


def _existing_folder(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        from skillstack.data.folder import FolderSource

        FolderSource(Path(value))
    return value


# single options -----------------------------------------------------------------------------------------


def model_option(
    words: str = "Folder of the base model, if it is not where the frames expect it.",
    metavar: str = "FOLDER",
    check: Callback | None = _known_model,
) -> Decorator:
    """``--model``, in a command's own words; a name that cannot be meant is refused at once."""
    return click.option("--model", metavar=metavar, help=words, callback=check)


def precision_option(words: str = "Precision of the base model.") -> Decorator:
    """``--precision``; the command gets None for ``auto``."""
    return click.option(
        "--precision", type=click.Choice(["auto", *PRECISIONS]), default="auto", show_default=True,
        callback=lambda context, option, value: None if value == "auto" else value, help=words,
    )  # fmt: skip


def device_option(words: str = "Device to run on.") -> Decorator:
    """``--device``."""
    devices = click.Choice(["auto", "cpu", "cuda"])
    return click.option("--device", type=devices, default="auto", show_default=True, help=words)


def precision_change_option(
    words: str = "Load the base in another precision than the frames were trained in.",
) -> Decorator:
    """``--precision-change``, of a base that frames were trained on."""
    return click.option("--precision-change", type=click.Choice(PRECISIONS), help=words)


encoding_option = click.option(
    "--encoding", metavar="NAME", callback=_known_encoding,
    help="Encoding of text files, such as cp1252. Default: detected.",
)  # fmt: skip
per_class_option = click.option(
    "--eval-samples-per-class", "per_class", default="64", show_default=True, metavar="N|all",
    type=number_or("all"), callback=lambda context, option, value: value or None,
    help="Maximum number of test rows per class.",
)  # fmt: skip
seed_option = click.option("--seed", type=int, metavar="N", help="Random seed.")
router_option = click.option(
    "--router", default=DEFAULT, show_default=True, metavar="NAME",
    help=f"Router: {' or '.join(names())}.",
)  # fmt: skip
threshold_option = click.option(
    "--threshold", callback=_threshold, default="auto", show_default=True, metavar="X",
    help="Score above which hybrid_chain accepts a frame, unless another frame scores clearly higher.",
)  # fmt: skip
depth_option = click.option(
    "--depth", type=click.IntRange(min=1), metavar="N", help="Maximum number of frames hybrid_chain checks."
)


def _data_dir(check: Callback | None) -> Decorator:
    words = "Folder with one folder of rows for each task."
    return click.option("--data-dir", metavar="FOLDER", help=words, callback=check)


data_dir_option = _data_dir(_existing_folder)
task_option = click.option(
    "--task", "tasks", multiple=True, metavar="NAME", help="Task name; repeat the option for several tasks."
)
rows_option = click.option(
    "--rows", "tables", multiple=True, metavar="SKILL=FILE", callback=tables,
    help="Table with your own labelled rows for a skill: CSV, TSV, JSON lines or Parquet.",
)  # fmt: skip


# what is trained, and how ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """What is to be trained, on which base: the options that doctor, train and bench share.

    :ivar precision: None for the one that the rules choose.
    """

    preset: str | None
    tasks: tuple[str, ...]
    data_dir: str | None
    model: str | None
    precision: str | None
    device: str

    def request(self, store: str | None, overrides: Mapping[str, Any]) -> TrainingRequest:
        """The same for a forecast; nothing is made, and of a store only its record is read.

        :param overrides: fields of the recipe.
        """
        from skillstack.forecast.plan import TrainingRequest

        try:
            from skillstack.store.locate import store_folder

            folder = store_folder(store)
        except ImportError:  # doctor says that numpy is missing
            folder = Path(store or "frames")
        data_dir = Path(self.data_dir) if self.data_dir is not None else None
        return TrainingRequest(**{**vars(self), "data_dir": data_dir}, store=folder, overrides=overrides)

    def check(self) -> None:
        """See that everything that is named exists, without reading rows.

        :raises UsageError: for a name that nobody knows, or if not exactly one of preset and tasks is given.
        :raises InputError: for a task that needs a data folder, or a folder that is not there.
        """
        if (self.preset is None) == (not self.tasks):
            wrong = (
                "--preset or --task is missing." if self.preset is None else "Both --preset and --task given."
            )
            hint = "Give one, such as --preset starter8; `skillstack train --list-presets` lists the presets."
            raise UsageError(wrong, hint)
        from skillstack.data.folder import FolderSource
        from skillstack.data.hub import HubSource
        from skillstack.data.presets import load_preset
        from skillstack.data.sources import StarterSource, load_task
        from skillstack.models.sources import check_name

        names = load_preset(self.preset).task_names if self.preset is not None else self.tasks
        folder = Path(self.data_dir) if self.data_dir is not None else None
        nearer = FolderSource(folder) if folder is not None else None
        starter, hub = StarterSource(), HubSource()
        for name in names:
            if (nearer is None or not nearer.holds(name)) and not starter.holds(name):
                if not hub.holds(name):
                    load_task(name, folder)  # knows why not
                hub.check(name)
        if self.model is not None:
            check_name(self.model)


wanting = gathering(
    Wanted, "wanted",
    click.option("--preset", metavar="NAME", help="Preset: a named sequence of tasks with a recipe."),
    task_option,
    _data_dir(check=None),  # what doctor finds wrong is no error
    model_option("Base model: minilm (built in), smollm2, a folder, or a model of the hub.", "NAME", None),
    precision_option(),
    device_option(),
)  # fmt: skip


def recipe_options(*options: Decorator) -> Decorator:
    """These options and ``--set``; the command gets ``recipe``, the fields that the command line gives.

    :param options: their parameters are fields of `Recipe`; None is not given.
    """

    def recipe(settings: Sequence[str], **named: Any) -> dict[str, Any]:
        return chosen_recipe({key: value for key, value in named.items() if value is not None}, settings)

    setting = click.option(
        "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Any other field of the recipe."
    )
    return gathering(recipe, "recipe", *options, setting)


def chosen_recipe(named: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """The fields of the recipe that the command line gives.

    :param named: those with an option of their own.
    :param settings: ``key=value`` each.
    :raises UsageError: for an unknown field, one given twice, or an invalid value.
    """
    from skillstack.training.recipe import Recipe

    known = {field.name: field.default for field in dataclasses.fields(Recipe)}
    fields = dict(named)
    for setting in settings:
        key, equals, text = setting.partition("=")
        key = key.strip().replace("-", "_")
        if not equals:
            raise UsageError(
                f"--set takes KEY=VALUE, not {setting[:80]!r}.", "For example --set dropout=0.1."
            )
        if key not in known:
            raise UsageError(f"A recipe has no {key[:80]!r}.", did_you_mean(key, known))
        if key in fields:
            raise UsageError(f"The recipe's {key} is given twice.", "Leave one of them out.")
        fields[key] = _value(text.strip(), known[key])
    Recipe.from_mapping(fields)
    return fields


def _value(text: str, default: object) -> Any:
    if isinstance(default, tuple):
        return tuple(names_in(text))
    if isinstance(default, str):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text  # the recipe says what it should be


batch_size_option = click.option(
    "--batch-size", type=number_or("auto"), metavar="N|auto",
    callback=lambda context, option, value: value or None, help="Rows per training step; auto: the recipe's.",
)  # fmt: skip


@dataclass(frozen=True)
class Running:
    """How a training runs, whether it merges frames, and what the store keeps of its texts.

    :ivar compress_margin: None for the usual one.
    """

    micro_batch: int
    accumulate: int
    gradient_checkpointing: bool | None
    time_limit: float | None
    auto_compress: bool
    compress_margin: float | None
    keep_texts: bool

    def __post_init__(self) -> None:
        """See that the options fit together.

        :raises UsageError: if there is a margin for nothing.
        """
        if self.compress_margin is not None and not self.auto_compress:
            raise UsageError("--compress-margin needs --auto-compress.", "Add that, or leave it out.")

    def options(self, **more: Any) -> RunOptions:
        """The same as a training takes it.

        :param more: what listens, and rows of other skills: ``data_dir`` and ``tables``.
        """
        from skillstack.training.options import MergeOptions, RunOptions

        rows = {name: more.pop(name) for name in ("data_dir", "tables") if name in more}
        margin: dict[str, Any] = {} if self.compress_margin is None else {"margin": self.compress_margin}
        return RunOptions(
            time_limit=self.time_limit,
            micro_batch=self.micro_batch,
            accumulate=self.accumulate,
            gradient_checkpointing=self.gradient_checkpointing,
            merging=MergeOptions(**margin, **rows) if self.auto_compress else None,
            **more,
        )


#: The command gets ``run``.
running = gathering(
    Running, "run",
    click.option(
        "--micro-batch", type=number_or("auto"), default="auto", show_default=True, metavar="N|auto",
        help="Rows that pass through the model at once; halved when memory runs out.",
    ),
    click.option(
        "--accumulate", type=click.IntRange(min=1), default=1, show_default=True, metavar="N",
        help="Minimum gradient-accumulation steps.",
    ),
    click.option(
        "--gradient-checkpointing/--no-gradient-checkpointing", default=None,
        help="Recompute activations to save memory. Default: on a GPU from a billion parameters on.",
    ),
    click.option(
        "--time-limit", type=duration, metavar="TIME",
        help="Stop at a checkpoint after this time, with status 4: 8h, 1h30m, 30m, 90s.",
    ),
    click.option(
        "--auto-compress", is_flag=True,
        help="Merge each new frame with its family, where the guard allows it.",
    ),
    click.option(
        "--compress-margin", metavar="POINTS", callback=between("margin", 50, 100),
        help="Accuracy points that a task may lose by each merge.  [default: 2]",
    ),
    click.option(
        "--no-keep-texts", "keep_texts", is_flag=True, flag_value=False, default=True,
        help="Keep hashed features in the store instead of sample texts.",
    ),
)  # fmt: skip


# what is measured ---------------------------------------------------------------------------------------


def where(options: dict[str, Any]) -> dict[str, Any]:
    """Takes out of a command's options where things run, as `Stack.open` takes it."""
    changed = {"precision": options.pop("precision_change", None)}
    return {"model": options.pop("model"), "device": options.pop("device"), **changed}


#: Which test rows are asked, on which base; the command gets ``measured``, as `Stack.evaluate` takes it.
measuring = gathering(
    dict, "measured",
    data_dir_option,
    click.option(
        "--task", "only", multiple=True, metavar="NAME",
        help="Evaluate only this task; repeat the option for several tasks.",
    ),
    click.option(
        "--test", "tables", multiple=True, metavar="SKILL=FILE", callback=tables,
        help="Table with your own test rows for a skill: CSV, TSV, JSON lines or Parquet.",
    ),
    per_class_option,
    model_option(),
    device_option(),
    precision_change_option(),
)  # fmt: skip

#: What a change may cost, and whose rows decide; the command gets ``guards``, as `Stack.compress` takes it.
guarding = gathering(
    dict, "guards",
    click.option(
        "--margin", default="1", show_default=True, metavar="POINTS", callback=between("margin", 50, 100),
        help="Accuracy points that a task may lose.",
    ),
    click.option(
        "--level", default="0.05", show_default=True, metavar="P", callback=between("level", 0.5),
        help="Maximum probability that a task which loses more passes the test.",
    ),
    data_dir_option,
    rows_option,
    model_option(),
    device_option(),
)  # fmt: skip

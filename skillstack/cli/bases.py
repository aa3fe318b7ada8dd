"""Which base, how it is held and where: options shared by the commands that train on one or load one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skillstack.cli.gathering import Decorator, gathering

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillstack.forecast.estimate import TrainingRequest

PRECISIONS = ("fp32", "bf16", "fp16", "nf4")


def model_option(words: str) -> Decorator:
    """``--model``, in a command's own words."""
    return click.option("--model", metavar="NAME", help=words)


def precision_option(words: str = "How the base is held.") -> Decorator:
    """``--precision``; the command gets None for ``auto``."""
    return click.option(
        "--precision",
        type=click.Choice(["auto", *PRECISIONS]),
        callback=lambda context, option, value: None if value == "auto" else value,
        default="auto",
        show_default=True,
        help=words,
    )


def device_option(words: str = "auto, cpu or cuda.") -> Decorator:
    """``--device``."""
    return click.option("--device", default="auto", show_default=True, metavar="NAME", help=words)


def precision_change_option(words: str) -> Decorator:
    """``--precision-change``, of a base that frames were trained on."""
    return click.option("--precision-change", type=click.Choice(PRECISIONS), help=words)


@dataclass(frozen=True)
class Wanted:
    """What is to be trained, on which base: the options that doctor and train share.

    :ivar precision: None for the one that the rules choose.
    """

    preset: str | None
    tasks: tuple[str, ...]
    data_dir: str | None
    model: str | None
    precision: str | None
    device: str

    def request(self, store: str | None, overrides: Mapping[str, Any]) -> TrainingRequest:
        """The same for a forecast.

        :param overrides: fields of the recipe.
        """
        from skillstack.cli.opening import store_folder
        from skillstack.forecast.estimate import TrainingRequest

        return TrainingRequest(
            preset=self.preset,
            tasks=self.tasks,
            data_dir=Path(self.data_dir) if self.data_dir is not None else None,
            model=self.model,
            precision=self.precision,
            device=self.device,
            store=store_folder(store),
            overrides=overrides,
        )


def wanting(*, preset: str, task: str, device: Decorator | None = None) -> Decorator:
    """Add the options of `Wanted`; the command gets them as ``wanted``.

    :param preset: what --preset means for the command; `task` likewise.
    :param device: its own --device, where it is not the usual one.
    """
    options = (
        click.option("--preset", metavar="NAME", help=preset),
        click.option("--task", "tasks", multiple=True, metavar="NAME", help=task),
        click.option("--data-dir", metavar="FOLDER", help="Holds a folder with the rows of each task."),
        model_option("minilm (built in), smollm2, a folder, or a model of the hub."),
        precision_option(),
        device or device_option(),
    )
    return gathering(Wanted, "wanted", options)

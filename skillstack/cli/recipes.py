"""What is to be trained and how: names, a recipe from options, and the presets that there are."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from skillstack.cli.words import shorten
from skillstack.errors import UsageError, did_you_mean
from skillstack.training.recipe import Recipe


def chosen_recipe(named: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """The fields that the command line gives.

    :param named: those with an option of their own.
    :param settings: ``key=value`` each.
    :raises UsageError: for an unknown field, one given twice, or a value that cannot be meant.
    """
    known = {field.name: field.default for field in dataclasses.fields(Recipe)}
    fields = dict(named)
    for setting in settings:
        key, equals, text = setting.partition("=")
        key = key.strip().replace("-", "_")
        if not equals:
            raise UsageError(
                f"--set takes KEY=VALUE, not {setting[:80]!r}.", "For example --set batch_size=8."
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
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if isinstance(default, str):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text  # the recipe says what it should be


def check_names(preset: str | None, tasks: Sequence[str], data_dir: str | None, stack: str | None) -> None:
    """See that everything that is named exists, without reading rows.

    :raises UsageError: for a name that nobody knows or that is none.
    :raises InputError: for a task that needs a data folder.
    """
    from skillstack.data.hub import HubSource
    from skillstack.data.presets import load_preset
    from skillstack.data.sources import StarterSource, load_task
    from skillstack.store.fields import check_name

    if stack is not None:
        check_name(stack, "The stack")
    names = load_preset(preset).task_names if preset is not None else tasks
    if data_dir is None:
        starter, hub = StarterSource(), HubSource()
        for name in names:
            if starter.holds(name):
                continue
            if hub.holds(name):
                hub.check(name)
            else:
                load_task(name)  # knows why not


def preset_json() -> list[dict[str, Any]]:
    """Every preset with its tasks and where their rows come from."""
    from skillstack.data.presets import load_preset, preset_names

    presets = [load_preset(name) for name in preset_names()]
    return [
        {
            "name": preset.name,
            "description": preset.description,
            "tasks": [{"name": task.name, "source": task.source} for task in preset.tasks],
        }
        for preset in presets
    ]


def preset_words() -> list[str]:
    """A paragraph for each preset."""
    lines: list[str] = []
    for preset in preset_json():
        tasks = ", ".join(task["name"] for task in preset["tasks"])
        local = any(task["source"] == "folder" for task in preset["tasks"])
        lines += [f"{preset['name']}  {shorten(preset['description'], 110)}", f"    {tasks}"]
        lines += ["    from the hub, or from --data-dir"] if local else []
        lines.append("")
    return lines[:-1]

"""Tasks: what skills are taught, where their rows come from, and which of them are used for what."""

from __future__ import annotations

from skillstack.tasks.catalogue import catalogue, known_task
from skillstack.tasks.presets import Preset, PresetTask, load_preset, preset_names
from skillstack.tasks.sampling import router_rows, sample
from skillstack.tasks.sources import SourceInfo, TaskData, load_task
from skillstack.tasks.splits import Splits, split
from skillstack.tasks.task import Example, Task

__all__ = [
    "Example",
    "Preset",
    "PresetTask",
    "SourceInfo",
    "Splits",
    "Task",
    "TaskData",
    "catalogue",
    "known_task",
    "load_preset",
    "load_task",
    "preset_names",
    "router_rows",
    "sample",
    "split",
]

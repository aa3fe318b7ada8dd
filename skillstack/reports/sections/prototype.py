"""Figures of the prototype: of another base and another sample, for orientation, no measure of a stack."""

from __future__ import annotations

from skillstack.data.presets import load_preset
from skillstack.reports.material import Material
from skillstack.reports.section import Section
from skillstack.reports.table import Cell, Table, name_column, text

#: Figure and value in percent, by preset.
FIGURES = {
    "hard8": (
        ("its own frame, accuracy", "86.4–90.5"),
        ("routed, accuracy", "84.4–89.1"),
        ("router, to its task", "82.6–85.5"),
        ("router, fallback", "21"),
        ("router, depth in frames", "3.5"),
        ("latest adapter, forgetting in points", "23.6–35.2"),
        ("frames, forgetting in points", "about 0"),
        ("EWC, accuracy", "57.9"),
        ("joint multi-head, accuracy", "77.8"),
    ),
    "hard12": (
        ("its own frame, accuracy", "80.3–84.2"),
        ("routed, accuracy", "79.3–82.7"),
        ("router, to its task", "88.7–89.8"),
        ("router, fallback", "16.5"),
        ("router, depth in frames", "5.4"),
        ("joint multi-head, accuracy", "76.2"),
    ),
}
#: On mixed unseen texts, whatever the preset.
GENERALIZATION = (
    ("generalization, routed", "91.5"),
    ("generalization, latest adapter", "53.7"),
    ("generalization, best single frame", "88.2"),
)


def prototype_section(material: Material) -> Section | None:
    """The prototype's figures, where the stack has the tasks of a preset that it was run on."""
    tasks = {task for frame in material.frames for task in frame.tasks}
    preset = next((name for name in FIGURES if set(load_preset(name).task_names) == tasks), None)
    if preset is None:
        return None
    columns = (name_column("figure"), name_column("prototype"))
    rows = tuple((text(name), Cell((value,), value)) for name, value in FIGURES[preset] + GENERALIZATION)
    words = (
        f"What the prototype reached on {preset}: Llama-3.2-1B and -3B, 48 training texts of each label, 64 "
        "test texts of each label. It is another base and another sample, so these figures are for "
        "orientation; this stack neither passes nor fails by them."
    )
    table = Table("prototype", f"The prototype on {preset}, in % where nothing else is said", columns, rows)
    return Section("prototype", "The prototype's figures", (words,), tables=(table,), measured=False)

"""Where routed answers go right and wrong: a bar a task, split by skill and answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillstack.evaluation.metrics import Regret
from skillstack.evaluation.result import Evaluation
from skillstack.reports.plots.drawing import (
    BEST,
    GRID,
    LOST,
    SAVED,
    WRONG,
    Plot,
    canvas,
    legend_above,
    rows_down,
)
from skillstack.reports.words import points

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: The parts of a bar from left to right: field, words, colour.
PARTS = (
    ("right_skill_right_answer", "right skill, right answer", BEST),
    ("wrong_skill_right_answer", "wrong skill, right answer", SAVED),
    ("right_skill_wrong_answer", "right skill, wrong answer", WRONG),
    ("wrong_skill_wrong_answer", "wrong skill, wrong answer", LOST),
)


def regret_plot(evaluation: Evaluation) -> Plot:
    """The four outcomes of routed rows, by task."""
    r = evaluation.regret
    return Plot(
        "regret",
        "What becomes of routed texts. Both blue parts together are the routed accuracy; only what the wrong "
        "skill answers wrongly can be the router's fault.",
        f"Stacked bars for each task. Over all tasks {points(r.right_skill_right_answer)} % go to the right "
        f"skill and are answered rightly, {points(r.wrong_skill_right_answer)} % to a wrong one and are "
        f"answered rightly, {points(r.right_skill_wrong_answer)} % to the right one and are answered "
        f"wrongly, {points(r.wrong_skill_wrong_answer)} % to a wrong one and are answered wrongly.",
        lambda: _draw(evaluation),
    )


def _draw(evaluation: Evaluation) -> Figure:
    tasks, r = evaluation.tasks, evaluation.regret
    names = [task.skill for task in tasks] + ["mean over tasks"]
    figure = canvas(0.95 + 0.27 * len(names))
    axes = figure.add_subplot()
    left = [0.0] * len(names)
    for field, words, colour in PARTS:
        widths = [100 * _part(task.regret, field) for task in tasks] + [100 * getattr(r, field)]
        axes.barh(range(len(names)), widths, left=left, height=0.66, color=colour, label=words)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    rows_down(axes, names)
    axes.get_yticklabels()[-1].set_fontweight("bold")
    axes.set_xlim(0, 100)
    axes.set_xlabel("test texts, %")
    axes.grid(axis="x", color=GRID)
    axes.set_axisbelow(True)
    legend_above(figure, axes, 2)
    return figure


def _part(regret: Regret, field: str) -> float:
    count: int = getattr(regret, field)
    return count / regret.n if regret.n else 0.0

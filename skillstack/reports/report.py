"""A report, from its material to its folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from skillstack.continual.leaderboard import to_json
from skillstack.errors import require_extra
from skillstack.evaluation.intervals import rounded
from skillstack.evaluation.questions import EvaluatedStack, EvaluationConfig
from skillstack.evaluation.stack import evaluate
from skillstack.reports.folder import PAGE, check_folder, write_folder
from skillstack.reports.material import Material, frame_facts, read_bench
from skillstack.reports.page import Page, page_files
from skillstack.reports.provenance import provenance, provenance_rows, report_command, versions
from skillstack.reports.sections_accuracy import accuracy_section
from skillstack.reports.sections_labels import labels_section
from skillstack.reports.sections_methods import methods_section
from skillstack.reports.sections_routing import regret_section, routing_section
from skillstack.reports.sections_stack import cost_section, gaps_section, stack_section
from skillstack.reports.sections_transfer import forgetting_section, matrix_section
from skillstack.reports.verdict import Verdict, tiles
from skillstack.store.store import Store
from skillstack.wording import many

#: Version of what the report adds to an evaluation's document. It marks a folder as a report, too.
FORMAT = 1
_PROMISE = "The same stack, texts and versions give this very report, byte for byte. Digests are SHA-256."
#: In the order in which they are read.
_SECTIONS = (
    stack_section,
    accuracy_section,
    labels_section,
    regret_section,
    routing_section,
    forgetting_section,
    methods_section,
    matrix_section,
    cost_section,
    gaps_section,
)


@dataclass(frozen=True)
class WrittenReport:
    """A report that was written.

    :ivar folder: where.
    :ivar page: the file to open.
    :ivar files: all of them, relative to the folder.
    :ivar verdict: the answer in short.
    """

    folder: Path
    page: Path
    files: tuple[str, ...]
    verdict: Verdict


def make_report(
    stack: EvaluatedStack,
    config: EvaluationConfig,
    store: Store,
    folder: Path,
    *,
    bench_cells: Path | None,
    precision_change: str | None,
    on_answers: Callable[[int, int], None],
) -> WrittenReport:
    """Evaluate a stack, and write what was found; what lies in the folder is looked at first.

    :param store: that it lies in.
    :param bench_cells: the folder in which `skillstack bench` kept its results, to show them as well.
    :param precision_change: at which the base is held, where it is not that of the training.
    :param on_answers: called with answers that the model gave, and those that it has to give.
    :raises MissingError: if a package is not here that a report needs.
    :raises UsageError: if something else lies in the folder.
    """
    require_extra("report", "A report", "matplotlib", "jinja2")
    check_folder(folder)
    bench = read_bench(bench_cells) if bench_cells is not None else None
    found = evaluate(stack, config, on_answers)
    command = report_command(
        stack.name, config, bench_cells=bench_cells, router=stack.router, precision_change=precision_change
    )
    facts, base = frame_facts(store, stack.frames), stack.tip.content.base
    return write_report(Material(found, facts, base, command, versions(), bench), folder)


def write_report(material: Material, folder: Path) -> WrittenReport:
    """Write a report into a folder, wholly or not at all; an older one there makes room.

    :raises UsageError: if something else lies there.
    :raises StoreError: if the disk refuses.
    """
    files = report_files(material)
    write_folder(folder, files)
    return WrittenReport(folder, folder / PAGE, tuple(sorted(files)), material.verdict)


def report_files(material: Material) -> dict[str, bytes]:
    """The files of a report by their paths; the same material gives the same bytes."""
    return page_files(report_page(material), report_json(material))


def report_page(material: Material) -> Page:
    """What the report says, with the sections for which there is something to say."""
    e = material.evaluation
    texts = many(sum(task.n for task in e.tasks), "test text")
    return Page(
        kind="Report on a stack of skills",
        title=e.stack,
        facts=(
            many(len(e.tasks), "task"),
            texts if e.per_class is None else f"{texts}, at most {e.per_class} of each label",
            f"{e.base} at {e.precision}",
            e.router,
            f"tip {e.tip[:12]}",
        ),
        sections=tuple(section for make in _SECTIONS if (section := make(material)) is not None),
        provenance=tuple(provenance_rows(material)),
        promise=_PROMISE,
        verdict=material.verdict,
        tiles=tiles(e, material.verdict, compressed=material.compressed),
    )


def report_json(material: Material) -> dict[str, Any]:
    """The evaluation's own document, and what the report adds.

    How many answers were known already, and the seconds it took, are left out: they are of one run, and the
    same stack shall give the same report.
    """
    e = material.evaluation
    found = e.to_json()
    found["effort"] = {"answers": e.effort.answers}
    found["report"] = {
        "format": FORMAT,
        "verdict": material.verdict.to_json(),
        "frames": [rounded(asdict(frame)) for frame in material.frames],
        "losses": {
            task.skill: None
            if lost is None
            else {
                "difference": rounded(lost.difference),
                "interval": lost.interval.to_json(),
            }
            for task, lost in zip(e.tasks, material.losses, strict=True)
        },
        "methods": None if material.bench is None else to_json(material.bench.standings),
        "compression": None,  # of an earlier version, which could show measurements of it here
        "provenance": provenance(material),
    }
    return found

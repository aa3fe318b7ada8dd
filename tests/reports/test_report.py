"""A report as a whole: what is in it, that it is the same each time, and that it loads nothing."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from xml.etree import ElementTree

import pytest

from skillstack.continual.leaderboard import leaderboard
from skillstack.errors import InputError
from skillstack.evaluation.metrics import Forgetting
from skillstack.reports.drawing import COLOURS
from skillstack.reports.material import Bench, read_bench
from skillstack.reports.report import report_files

from ..bench.conftest import by_hand
from .html_page import HtmlPage
from .test_verdict import lacking
from .world import bench, evaluation, facts, material

MODES = ("task_aware", "routed", "latest_adapter", "frozen_linear", "majority_class")


@pytest.fixture(scope="module")
def files():
    return report_files(material(evaluation(fewer={"yes": 11}, skipped={"recipes": "No rows."}), bench()))


@pytest.fixture(scope="module")
def of_one_frame():
    return report_files(material(evaluation(("films",))))


@pytest.fixture(scope="module")
def page(files):
    return HtmlPage(files["report.html"].decode("utf-8"))


@pytest.fixture(scope="module")
def document(files):
    return json.loads(files["report.json"])


def test_it_holds_a_page_markdown_json_tables_and_plots(files):
    assert {"report.html", "report.md", "report.json"} <= set(files)
    plots = {
        "stack",
        "accuracy",
        "regret",
        "confusion",
        "calibration",
        "forgetting",
        "matrix",
        "methods",
        "curves",
    }
    assert {f"plots/{name}.{kind}" for name in plots for kind in ("svg", "pdf")} <= set(files)
    tables = {name for name in files if name.startswith("tables/")}
    assert {"tables/accuracy.csv", "tables/regret.csv", "tables/skipped.csv", "tables/fewer.csv"} <= tables
    assert all(files.values())


def test_the_json_is_that_of_the_evaluation_and_what_reproduces_it(document):
    found = evaluation(fewer={"yes": 11}, skipped={"recipes": "No rows."}).to_json()
    effort = found.pop("effort")
    assert {key: document[key] for key in found} == json.loads(json.dumps(found))
    assert document["effort"] == {"answers": effort["answers"]}
    provenance = document["report"]["provenance"]
    assert provenance["command"].startswith("skillstack report")
    assert document["report"]["compression"] is None  # a key of an earlier version, which readers may expect
    assert provenance["tip"] == document["tip"]
    assert provenance["texts"] == {task["task"]: task["texts"] for task in document["tasks"]}
    assert set(provenance["seeds"]["training"].values()) == {42}


def test_every_number_of_a_table_is_that_of_the_json(page, document):
    tasks = document["tasks"]
    assert page.numbers("accuracy") == [[None, t["n"], *[t[m]["accuracy"] for m in MODES]] for t in tasks]
    for task in tasks:
        scores = ("precision", "recall", "f1", "support")
        wanted = [[one[score] for score in scores] for one in task["per_label"]]
        assert page.numbers(f"labels_{task['skill']}") == wanted
        assert page.numbers(f"label_confusion_{task['skill']}") == task["confusion"]["counts"]
    assert page.numbers("modes") == [
        [document[m]["accuracy"], document[m]["macro_f1"], document[m]["n"], document[m]["tasks"]]
        for m in MODES
    ]
    assert page.numbers("differences") == [
        [None, d["difference"], d["p"], d["only_first"], d["only_second"], d["tasks"]]
        for d in document["differences"]
    ]
    parts = ("right_skill_right_answer", "wrong_skill_right_answer", "right_skill_wrong_answer")
    parts += ("wrong_skill_wrong_answer",)
    *rows, mean = page.numbers("regret")
    for row, task in zip(rows, tasks, strict=True):
        regret = task["regret"]
        shares = [round(regret[part] / task["n"], 6) for part in parts]
        assert row == [regret["difference"], *shares, regret["lost"], regret["gained"]]
    assert mean[:5] == [document["regret"][name] for name in ("difference", *parts)]
    assert page.numbers("routing") == [
        [
            t["n"],
            round(t["routing"]["task"] / t["n"], 6),
            round(t["routing"]["family"] / t["n"], 6),
            t["routing"]["fallback"],
            t["routing"]["depth"],
        ]
        for t in tasks
    ]
    assert page.numbers("confusion") == document["router"]["confusion"]["counts"]
    calibrations = (document["router"]["calibration"], document["calibration"])
    assert page.numbers("calibration") == [[c["n"], c["ece"], c["brier"]] for c in calibrations]
    for key, found in zip(("calibration_router", "calibration_answers"), calibrations, strict=True):
        wanted = [[b["low"], b["high"], b["n"], b["confidence"], b["accuracy"]] for b in found["bins"]]
        assert [[value for _, value in row] for row in page.tables[key][1:]] == wanted
    *earlier, newest = [document["report"]["losses"][t["skill"]] for t in tasks]
    losses = [one["difference"] for one in earlier]
    assert newest is None
    assert [row[-1] for row in page.numbers("forgetting")] == [*losses, None]
    assert [*losses, None] == list(document["forgetting"]["tasks"].values())
    assert [row[1:] for row in page.numbers("matrix")] == document["matrix"]["own_head"]
    frames = document["report"]["frames"]
    wanted = [[f["adapter_bytes"], f["head_bytes"], f["seconds"], f["seed"]] for f in frames]
    assert page.numbers("cost")[:-1] == wanted
    methods = document["report"]["methods"]["methods"]
    assert [row[2] for row in page.numbers("leaderboard")] == [m["accuracy"] for m in methods]


def test_the_figures_that_it_begins_with_are_those_of_the_json(page, document):
    values = [float(attributes["value"]) for tag, attributes in page.elements if tag == "data"][:6]
    best = max(document[mode]["accuracy"] for mode in MODES[2:])
    assert values == [
        document["routed"]["accuracy"],
        document["task_aware"]["accuracy"],
        document["regret"]["difference"],
        best,
        document["router"]["task"]["accuracy"],
        document["forgetting"]["mean"],
    ]


def test_shown_numbers_are_the_kept_ones_rounded(page):
    for name in ("accuracy", "modes", "forgetting", "matrix"):
        for row in page.tables[name][1:]:
            for text, value in row[1:]:
                if value is not None and not text.replace(",", "").isdigit():
                    shown = float(re.match(r"[+\u2212]?[\d.]+", text)[0].replace("\u2212", "-"))
                    assert shown == pytest.approx(100 * value, abs=0.0501)


def test_the_page_loads_nothing_and_runs_nothing(files, page):
    html = files["report.html"].decode("utf-8")
    assert "http:" not in html and "https:" not in html and "url(//" not in html
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "iframe", "img", "image", "object", "embed", "base", "form"}
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("href", "src", "xlink:href"):
            assert (attributes.get(name) or "#").startswith("#"), (tag, attributes)
    assert "@import" not in html
    (policy,) = [a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")


def test_ids_are_unique_and_links_inside_the_page_lead_somewhere(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        if "href" in attributes:
            assert attributes["href"][1:] in ids
        for place in re.findall(r"url\(#([^)]*)\)", attributes.get("clip-path") or ""):
            assert place in ids


def test_plots_on_the_page_have_its_colours_and_letters_and_text_as_text(files, page):
    html = files["report.html"].decode("utf-8")
    drawings = html[html.index("</style>") :]
    assert not re.search(r"#[0-9a-f]{6}\b", drawings)
    used = set(re.findall(r"var\(--([a-z-]+)\)", drawings)) - {"letters"}
    assert used <= set(COLOURS.values())
    assert "DejaVu" not in drawings
    light, dark = (set(re.findall(r"--([a-z-]+):", part)) for part in html.split("@media screen", 1))
    assert set(COLOURS.values()) <= light and set(COLOURS.values()) <= dark
    svg = ElementTree.fromstring(files["plots/accuracy.svg"])
    words = {element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")}
    assert {"films", "cards", "trips", "routed"} <= words


def test_each_plot_says_what_it_shows_to_those_who_do_not_see_it(page):
    pictures = [attributes for tag, attributes in page.elements if tag == "svg"]
    assert len(pictures) == 9
    assert all(a["role"] == "img" and len(a["aria-label"]) > 20 for a in pictures)


def test_the_same_evaluation_gives_the_same_bytes_whatever_the_clock_says(files):
    time.sleep(1.1)
    again = evaluation(fewer={"yes": 11}, skipped={"recipes": "No rows."}, seconds=99.0)
    again = dataclasses.replace(again, effort=dataclasses.replace(again.effort, asked=0))
    assert report_files(material(again, bench())) == files


def test_what_was_not_measured_is_said_with_the_reason(files, page):
    text = " ".join(page.text)
    assert "Not evaluated, and no part of these figures: recipes." in text
    assert page.tables["skipped"][1] == [("recipes", None), ("No rows.", None)]
    assert page.tables["fewer"][1] == [("films", None), ("yes", None), ("11", 11.0), ("40", 40.0)]
    assert "films,yes,11,40" in files["tables/fewer.csv"].decode()
    assert "recipes" in files["report.md"].decode()


def test_each_measured_section_tells_what_reproduces_it(page, document):
    text = " ".join(page.text)
    sources = [a for tag, a in page.elements if tag == "details" and a.get("class") == "source"]
    assert len(sources) == 9
    for word in (document["tip"], document["report"]["provenance"]["base"]["weights"], "numpy 2.0"):
        assert text.count(word) == len(sources) + 1
    assert "skillstack bench --methods sequential" in text


def test_a_stack_of_one_frame_has_a_report(of_one_frame):
    files = of_one_frame
    page = HtmlPage(files["report.html"].decode("utf-8"))
    assert len(page.tables["accuracy"]) == 2
    assert "Nothing came after its only task." in " ".join(page.text)


def test_modes_that_some_task_lacks_and_a_matrix_that_nobody_asked_for_are_left_out():
    skill = {"task_aware": 0.9, "latest_adapter": 0.6}
    files = report_files(material(evaluation(skill=skill, matrix=False)))
    page = HtmlPage(files["report.html"].decode("utf-8"))
    assert "plots/matrix.svg" not in files and "matrix" not in page.tables
    assert [row[0][0] for row in page.tables["modes"][1:]] == ["its own frame", "routed", "latest adapter *"]
    assert "linear head, frozen base, most frequent label" in " ".join(page.text)


def test_a_way_that_some_task_lacks_stands_there_with_the_tasks_that_it_is_of():
    found = lacking(evaluation(), "frozen_linear", "Its rows are gone.")
    files = report_files(material(found))
    page, text = HtmlPage(files["report.html"].decode("utf-8")), files["report.md"].decode("utf-8")
    rows = {row[0][0]: row[-1][1] for row in page.tables["modes"][1:]}
    assert rows["linear head, frozen base"] == 2 and rows["routed"] == 3
    assert "Not measured on every task: linear head, frozen base." in " ".join(page.text)
    assert [cell[0] for cell in page.tables["unmeasured"][1]] == [
        "films", "linear head, frozen base", "Its rows are gone.",
    ]  # fmt: skip
    assert "films,frozen_linear,Its rows are gone." in files["tables/unmeasured.csv"].decode()
    assert "2 of 3 tasks" in text
    document = json.loads(files["report.json"])
    assert document["frozen_linear"]["tasks"] == 2
    assert document["tasks"][0]["unmeasured"] == {"frozen_linear": "Its rows are gone."}


def test_labels_without_a_test_row_are_named_where_all_rows_were_asked():
    found = dataclasses.replace(evaluation(fewer={"maybe": 0}), per_class=None)
    page = HtmlPage(report_files(material(found))["report.html"].decode("utf-8"))
    assert [cell[0] for cell in page.tables["fewer"][1]] == ["films", "maybe", "0", "all"]
    assert "There are no test rows of 1 label" in " ".join(page.text)


def test_where_nothing_came_after_nothing_is_forgotten(of_one_frame):
    files = of_one_frame
    document = json.loads(files["report.json"])
    assert document["forgetting"]["mean"] is None
    assert document["report"]["losses"] == {"films": None}
    assert (
        "plots/forgetting.svg" not in files
        and "one adapter would forget" not in files["report.html"].decode()
    )
    both = dataclasses.replace(evaluation(), forgetting=Forgetting((None, None, None), None))
    text = report_files(material(both))["report.md"].decode()
    assert "Nothing came after the tasks of the newest frame." in text


def test_names_and_texts_with_markup_are_escaped_everywhere():
    evil = "<script>alert(1)</script>"
    hidden = "a\u202eb\x1b[31m|c`d*"
    found = evaluation((evil, hidden), fewer={"=1+1": 3}, skipped={"late": f"{evil} & \u2066 no"})
    made = dataclasses.replace(found, stack=evil, base=f'"><img src=x onerror=1>{hidden}')
    made_of = dataclasses.replace(material(made), base=dataclasses.replace(material().base, name=evil))
    files = report_files(made_of)
    page = HtmlPage(files["report.html"].decode("utf-8"))
    assert not {tag for tag, _ in page.elements} & {"script", "img"}
    assert evil in " ".join(page.text)
    for name, data in files.items():
        if not name.endswith(".pdf"):
            text = data.decode("utf-8")
            assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text), name
    assert "<script>" not in re.sub(r"\\<", "", files["report.md"].decode()).replace("`<script>", "")
    assert "'=1+1" in files["tables/fewer.csv"].decode()
    for name in (name for name in files if name.endswith(".svg")):
        ElementTree.fromstring(files[name])


def test_tasks_that_were_not_asked_for_are_named():
    found = material(evaluation(("films",)))
    more = dataclasses.replace(found, frames=facts(("films", "cards")))
    page = HtmlPage(report_files(more)["report.html"].decode("utf-8"))
    assert "Not part of this evaluation: cards." in " ".join(page.text)


def test_a_bench_that_is_empty_or_broken_is_refused(tmp_path):
    with pytest.raises(InputError, match="no finished cell"):
        read_bench(tmp_path)
    (tmp_path / "ewc.forward.1.json").write_text('{"schema": 1}')
    with pytest.raises(InputError, match="cannot be read"):
        read_bench(tmp_path)


def test_commands_of_a_bench_tell_no_folders():
    (cell, *_) = bench().cells
    cell = dataclasses.replace(cell, command="skillstack bench --data-dir /home/jo/rows --methods ewc")
    files = report_files(material(evaluation(("films",), rows=20), Bench(leaderboard([cell]), (cell,))))
    said = f"skillstack bench --data-dir rows --methods ewc (configuration {cell.digest[:16]})"
    assert f"`{said}`" in files["report.md"].decode() and said in files["report.html"].decode()
    assert b"/home/jo" not in b"".join(files.values())


def test_methods_that_the_frames_do_not_beat_are_named():
    ours = by_hand("skillstack", {"one": "1100" * 20})
    better, alike = by_hand("ewc", {"one": "1111" * 20}), by_hand("replay", {"one": "1100" * 20})
    cells = (ours, better, alike)
    made = material(evaluation(("films",), rows=20), Bench(leaderboard(cells), cells))
    said = report_files(made)["report.md"].decode()
    assert "Better than the frames: EWC (forward, +50.0 points)." in said
    assert "Not beaten by the frames: Replay, 256 rows (forward, 0.0 points)." in said

"""Measurements of compression as a page: its figures are the measured ones, and so in its other files."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
from xml.etree import ElementTree

import pytest
import render_compression
from compression_results import read_compressions
from render_compression import compression_files, compression_section, streams_plot

from skillstack.reports.drawing import COLOURS, drawn

from ..reports.html_page import HtmlPage
from .measurements import compression, measured, put, refused, stream

TABLES = ("streams", "compression", "boundary", "compression_tasks", "stream_steps")


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return measured(tmp_path_factory.mktemp("measured"))


@pytest.fixture(scope="module")
def files(found):
    return compression_files(found)


@pytest.fixture(scope="module")
def page(files):
    return HtmlPage(files["report.html"].decode("utf-8"))


def section_of(folder):
    return compression_section(read_compressions(folder))


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["render_compression.py", *map(str, arguments)])
    return render_compression.main()


def test_it_writes_a_folder_again_and_again_and_takes_nobody_elses(tmp_path, monkeypatch, capsys):
    measured(tmp_path / "results")
    output = tmp_path / "page"
    for _ in range(2):
        assert run(monkeypatch, tmp_path / "results", "--output", output) == 0
    assert capsys.readouterr().out.split()[-1] == str(output / "report.html")
    (output / "notes.txt").write_text("mine")
    assert run(monkeypatch, tmp_path / "results", "--output", output) == 2
    assert run(monkeypatch, tmp_path / "none", "--output", tmp_path / "other") == 3
    assert "There is no folder" in capsys.readouterr().err


def test_no_file_holds_a_path_of_the_machine(files, tmp_path):
    assert not [name for name, data in files.items() if str(tmp_path.parent).encode() in data]


def test_the_prototypes_figures_stand_beside_the_presets_that_it_was_run_on(tmp_path, page):
    assert not [name for name in page.tables if name.startswith("prototype")]
    put(tmp_path, "order-1.json", stream() | {"preset": "hard8"})
    page = HtmlPage(compression_files(read_compressions(tmp_path))["report.html"].decode("utf-8"))
    assert ("EWC, accuracy", None) in [row[0] for row in page.tables["prototype_hard8"]]
    said = " ".join(page.text)
    assert "another base and another sample" in said and "no stack passes or fails" in said


def test_it_has_tables_and_a_plot_in_the_page_and_as_files(files, page):
    assert {f"tables/{name}.csv" for name in TABLES} <= set(files)
    assert {"plots/streams.svg", "plots/streams.pdf"} <= set(files)
    assert set(TABLES) <= set(page.tables)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert "## Fewer bytes" in files["report.md"].decode()


def test_it_says_what_was_compressed_how_far_and_what_became_of_the_tasks(page, files):
    said = " ".join(page.text)
    assert (
        "The family sentiment, by anchor imdb, came to 41.2 % of the stack's bytes and from 4 frames to 3; "
        "the guard passed. On test rows accuracy with the task given changes by 0.0 points "
        "(\u22121.0 to +1.0); the worst task is imdb, \u22121.2 points (\u22122.2 to \u22120.2)."
    ) in said
    assert "stayed as it was: of merge, the guard said: cannot tell, too few guard rows for yelp" in said
    assert "Undo brought the same ids back each time." in said
    assert "order 1 of hard4 ends after 4 tasks with 3 frames instead of 4 and 75.0 % of the bytes" in said
    assert "measure_compression.py --preset mixed8 --seeds 42" in said
    assert "measure_auto_compress.py --preset hard4 --orders 2" in files["report.md"].decode()


def test_its_tables_have_the_figures_of_the_json(page, files):
    document = json.loads(files["report.json"])["report"]["compression"]
    done = [(one, o) for one in document["seeds"] for o in one["outcomes"]]
    for row, (_, outcome) in zip(page.tables["compression"][1:], done, strict=True):
        test = outcome["test"]
        wanted = [None] * 4
        if test is not None:
            changes = (
                test["given"],
                test["routed"],
                min((t["given"] for t in test["tasks"]), key=lambda t: t["difference"]),
            )
            share = outcome["bytes_after"] / outcome["bytes_before"]
            wanted = [share, *[one["difference"] for one in changes]]
        assert [value for _, value in row[4:8]] == wanted
    assert page.numbers("boundary") == [
        [None, r["loss"], r["before"], r["after"], r["redundancy"]]
        for one in document["seeds"]
        for r in one["boundary"]
    ]
    assert [row[2:] for row in page.numbers("compression_tasks")] == [
        [
            t["n"],
            t["given"]["before"],
            t["given"]["after"],
            t["given"]["difference"],
            t["routed"]["difference"],
        ]
        for _, outcome in done
        if outcome["test"] is not None
        for t in outcome["test"]["tasks"]
    ]
    assert page.numbers("streams") == [
        [4, one["merged"][-1]["frames"], 4, 0.75, one["given"]["difference"], one["routed"]["difference"]]
        for one in document["streams"]
    ]
    rows = list(csv.DictReader(files["tables/compression.csv"].decode().splitlines()))
    assert rows[0]["worst_task"] == "imdb" and rows[0]["bytes_after"] == "412000"
    assert (rows[2]["seed"], rows[2]["share"], rows[2]["verdict"]) == ("123", "", "cannot tell")


def test_the_table_of_steps_has_what_the_plot_draws(files, found):
    rows = list(csv.DictReader(files["tables/stream_steps.csv"].decode().splitlines()))
    steps = [step for one in found.streams for step in one.merged]
    assert [row["task"] for row in rows] == [step.task for step in steps]
    assert [int(row["bytes_merged"]) for row in rows] == [step.bytes for step in steps]
    assert rows[0]["routed_plain"] == ""


def test_the_plot_names_its_panels_and_orders_and_its_ends_for_those_who_do_not_see_it(found):
    plot = streams_plot(found.streams)
    assert "order 1, hard4: 3 frames instead of 4" in plot.alternative
    picture = drawn(plot)
    assert picture == dataclasses.replace(drawn(plot), plot=plot)
    words = {e.text for e in ElementTree.fromstring(picture.svg).iter("{http://www.w3.org/2000/svg}text")}
    assert {"frames", "adapters, MB", "accuracy, %", "tasks learned", "plain", "order 2, hard4"} <= words
    assert set(re.findall(r"#[0-9a-f]{6}\b", picture.svg.decode())) <= set(COLOURS)


def test_seeds_alone_and_orders_alone_make_a_section(tmp_path):
    put(tmp_path, "a/seed-1.json", compression(1, refused(None)))
    alone = section_of(tmp_path / "a")
    assert [table.key for table in alone.tables] == ["compression", "compression_tasks"]
    assert alone.plots == () and alone.shown == 1
    assert "stayed as it was: nothing was likely to pass the guard." in alone.words[0]
    put(tmp_path, "b/order-1.json", stream())
    alone = section_of(tmp_path / "b")
    assert [table.key for table in alone.tables] == ["streams", "stream_steps"]
    assert len(alone.words) == len(alone.plots) == alone.shown == 1


def test_what_could_not_be_undone_is_said(tmp_path):
    put(tmp_path, "seed-1.json", compression(1) | {"undone": False})
    assert "Undo did not bring the same ids back: seed 1, mixed8." in section_of(tmp_path).words[1]


def test_adapters_without_bytes_have_no_share(tmp_path):
    document = stream()
    for step in (*document["streams"]["merged"], *document["streams"]["plain"]):
        step["bytes"] = 0
    put(tmp_path, "order-1.json", document)
    section = section_of(tmp_path)
    assert "of the bytes" not in section.words[0]
    assert section.tables[0].rows[0][4].text == "\u2013"
    drawn(section.plots[0])


def test_names_with_markup_are_escaped_everywhere(tmp_path):
    evil = "<script>alert(1)</script>\u202e\x1b[31m|`*"
    document = compression(1) | {"preset": evil, "base": evil, "command": evil}
    document["plan"]["family"] = document["family"]["chosen"] = evil
    put(tmp_path, "seed-1.json", document)
    for order, preset in (("1", evil), ("_2 $x$ <b>", "_hidden")):
        put(tmp_path, f"order-{order}.json", stream() | {"preset": preset})
    files = compression_files(read_compressions(tmp_path))
    page = HtmlPage(files["report.html"].decode("utf-8"))
    assert not {tag for tag, _ in page.elements} & {"script", "b"}
    for name, data in files.items():
        if not name.endswith(".pdf"):
            assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", data.decode("utf-8")), name
    assert "_hidden" in files["plots/streams.svg"].decode()
    shown = re.sub(r"\\.", "", files["report.md"].decode())  # without what is escaped, and without code
    assert "<script>" not in re.sub(r"`[^`]*`", "", shown)

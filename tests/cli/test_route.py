"""route and predict, on a stack that was really trained."""

import csv
import json
from dataclasses import replace

import pytest

from skillstack.cli.batch import ERROR, PREDICTION, ROUTE, prediction_cells, route_cells
from skillstack.cli.predict import prediction_line, prediction_words
from skillstack.cli.route import route_line, route_words

from .answers import PREDICTED, ROUTED
from .conftest import Shell


def test_a_route_says_what_how_sure_and_how_it_got_there():
    text = "\n".join(route_words(ROUTED))
    assert text.startswith("cards (intent)\n")
    for said in ("cards abababab", "97.3 %", "score 1.234", "accepted at depth 2, by hybrid_chain"):
        assert said in text
    assert "trips 0.100, films -0.500" in text
    assert "not calibrated" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_confidence_that_was_not_fitted_is_marked():
    assert "(not calibrated)" in "\n".join(route_words(replace(ROUTED, calibrated=False)))


def test_a_fallback_and_a_rejection_are_called_so():
    fallback = replace(ROUTED, accepted=False, fallback=True)
    assert "none accepted of 2 checked" in "\n".join(route_words(fallback))
    rejected = replace(ROUTED, skill=None, task=None, family=None, frame=None, frame_id=None, accepted=False)
    assert route_words(rejected)[0] == "rejected: no skill fits"
    assert "rejected" in route_line("a text", rejected)


def test_a_prediction_gives_the_label_first_and_the_others_after():
    words = prediction_words(PREDICTED)
    assert words[0] == "block_card (90.0 %)"
    assert "other 10.0 %" in words[1]
    assert not any("cut" in line for line in words)
    assert any("cut" in line for line in prediction_words(replace(PREDICTED, truncated=True)))


def test_a_frame_that_was_named_needs_no_confidence_of_a_router():
    named = replace(ROUTED, router="none", ranking=())
    assert not any("confidence" in line for line in prediction_words(replace(PREDICTED, routed=named)))


def test_a_rejected_text_has_no_label():
    rejected = replace(ROUTED, skill=None, task=None, family=None, frame=None, frame_id=None)
    predicted = replace(PREDICTED, routed=rejected, label=None, label_name=None, probabilities={})
    assert prediction_words(predicted)[0].startswith("rejected")
    assert "rejected" in prediction_line("a text", predicted)


def test_an_unsure_answer_has_no_label_and_says_which_would_have_been_nearest():
    unsure = PREDICTED.if_sure(0.95)
    assert (unsure.label, unsure.label_name, unsure.probability) == (None, None, None)
    assert unsure.to_json()["nearest"] == {"label": 1, "label_name": "block_card", "probability": 0.9}
    assert unsure.to_dict()["nearest"] == "block_card"
    assert repr(unsure) == "Predicted(unsure, nearest 'block_card', by cards)"
    assert prediction_words(unsure)[0] == "unsure: nearest is block_card (90.0 %)"
    assert "90.0 %  unsure" in prediction_line("a text", unsure)
    cells = prediction_cells(unsure)
    assert (cells["label"], cells["probability"], cells["task"]) == (None, 0.9, "cards")


def test_an_answer_that_is_sure_enough_stays_as_it_is():
    assert PREDICTED.if_sure(0.9) is PREDICTED and PREDICTED.to_json()["nearest"] is None
    rejected = replace(PREDICTED, label=None, label_name=None, probabilities={})
    assert rejected.if_sure(0.5) is rejected


def test_the_least_probability_of_an_answer_is_given_at_the_command_line(asked, tmp_path):
    sure = asked("predict", "What a film!", "--min-probability", "0.01", "--json").json
    unsure = asked("predict", "What a film!", "--min-probability", "0.999999", "--json").json
    assert sure["label"] is not None and sure["nearest"] is None
    assert unsure["label"] is unsure["label_name"] is unsure["probability"] is None
    assert {**unsure["nearest"]} == {name: sure[name] for name in ("label", "label_name", "probability")}
    assert unsure["probabilities"] == sure["probabilities"]
    (tmp_path / "in.csv").write_text("text\nWhat a film!\n")
    files = ("--input", str(tmp_path / "in.csv"), "--output", str(tmp_path / "out.csv"))
    assert asked("predict", *files, "--min-probability", "0.999999").status == 0
    with (tmp_path / "out.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["label"] == row["error"] == "" and float(row["probability"]) > 0


@pytest.mark.parametrize("least", ["0", "1.5", "-1", "nan", "much"])
def test_a_least_probability_that_is_none_is_refused(asked, least):
    ran = asked("predict", "What a film!", "--min-probability", least)
    assert (ran.status, ran.out) == (2, "")
    assert "Invalid minimum probability" in ran.err


def test_a_line_of_a_list_fits_the_terminal_and_hides_no_control_character():
    for line in (route_line("\x1b[2J long\n" * 90, ROUTED), prediction_line("long " * 90, PREDICTED)):
        assert len(f"{1:>6}  {line}") <= 80
        assert "\x1b" not in line
        assert "\n" not in line
    named = replace(PREDICTED, label_name="a\x1bb", probabilities={"a\x1bb": 1.0})
    assert "a\\x1bb" in prediction_line("text", named)


def test_an_answer_has_a_cell_for_every_column_but_the_error():
    assert {*route_cells(ROUTED), ERROR} == set(ROUTE)
    assert {*prediction_cells(PREDICTED), ERROR} == set(PREDICTION)
    assert list(PREDICTION) == [
        "task",
        "family",
        "frame",
        "route_confidence",
        "label",
        "probability",
        "error",
    ]


def test_cells_say_what_the_json_says():
    cells = prediction_cells(PREDICTED)
    assert (cells["task"], cells["route_confidence"]) == ("cards", 0.973)
    assert (cells["label"], cells["probability"]) == ("block_card", 0.9)


def test_a_rejected_text_has_empty_cells():
    rejected = replace(PREDICTED, routed=replace(ROUTED, task=None, family=None, frame=None), label_name=None)
    cells = prediction_cells(rejected)
    assert [cells[name] for name in ("task", "family", "frame", "label", "probability")] == [None] * 5


def test_route_answers_in_words(asked):
    ran = asked("route", "please block my card")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("banking (intent)\n")
    assert "by hybrid_chain" in ran.out


def test_route_as_json_has_the_promised_fields(asked):
    (found,) = asked("route", "please block my card", "--json").lines
    assert list(found) == [
        *("schema", "skill", "task", "family", "frame", "frame_id", "score"),
        *("confidence", "route_confidence", "calibrated"),
        *("accepted", "fallback", "depth", "router", "ranking"),
    ]
    assert (found["schema"], found["task"], found["frame"]) == (1, "banking", "banking")
    assert [entry["task"] for entry in found["ranking"]] == ["banking", "imdb_sentences"]


def test_router_threshold_and_depth_are_passed_on(asked):
    assert asked("route", "a film", "--json", "--router", "hybrid_svm").json["router"] == "hybrid_svm"
    assert asked("route", "a film", "--json", "--threshold", "99").json["fallback"] is True
    low = asked("route", "block my card", "--json", "--threshold", "-99", "--depth", "1").json
    assert (low["task"], low["accepted"], low["depth"]) == ("banking", True, 1)
    beaten = asked("route", "a film", "--json", "--threshold", "-99", "--depth", "1").json
    assert (beaten["task"], beaten["fallback"]) == ("imdb_sentences", True)
    ran = asked("route", "a film", "--router", "hybrid_sv")
    assert (ran.status, ran.out) == (2, "")
    assert "hybrid_svm" in ran.err


def test_rows_are_answered_in_their_order_and_bad_ones_marked(asked):
    rows = [b'{"text": "a wonderful film"}', b'{"text": ""}', b"\xff", b'{"text": "block my card"}']
    ran = asked("route", "--input", "-", "--json", stdin=b"\n".join(rows))
    assert ran.status == 3
    assert [(line["row"], line.get("task")) for line in ran.lines] == [
        (1, "imdb_sentences"),
        (2, None),
        (3, None),
        (4, "banking"),
    ]
    assert ran.lines[1] == {"schema": 1, "row": 2, "error": "The text is empty."}


def test_a_row_of_a_batch_is_answered_as_it_is_alone(asked):
    texts = ["please block my card", "a wonderful film", "what is my balance?"]
    rows = "\n".join(json.dumps({"text": text}) for text in texts).encode()
    together = asked("predict", "--input", "-", "--json", stdin=rows).lines
    alone = asked("predict", texts[1], "--json").json
    assert together[1]["label"] == alone["label"]
    assert together[1]["probabilities"] == pytest.approx(alone["probabilities"], abs=1e-4)


def test_strict_stops_at_once(asked):
    rows = b'{"text": "a film"}\n{"text": ""}\n{"text": "a film"}'
    ran = asked("route", "--input", "-", "--json", "--strict", stdin=rows)
    assert ran.status == 3
    assert len(ran.lines) == 2
    assert ran.lines[1]["error"]["message"] == "Row 2: The text is empty."


def test_a_list_for_people_has_a_line_a_row(asked):
    ran = asked("predict", "--input", "-", stdin=b'{"text": "please block my card\\u001b[2J"}')
    (line,) = ran.out.splitlines()
    assert "banking" in line
    assert "\x1b" not in line
    assert len(line) <= 80


def test_predict_gives_label_and_probabilities_of_the_chosen_frame(asked):
    found = asked("predict", "please block my card", "--json").json
    assert found["frame"] == "banking"
    assert found["label_name"] == list(found["probabilities"])[found["label"]]
    assert sum(found["probabilities"].values()) == pytest.approx(1, abs=1e-4)


def test_a_named_frame_answers_whatever_the_router_says(asked):
    found = asked("predict", "please block my card", "--frame", "imdb_sentences", "--json").json
    assert found["frame"] == "imdb_sentences"
    ran = asked("predict", "hello", "--frame", "bankin")
    assert ran.status == 2
    assert "Did you mean 'banking'?" in ran.err


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ((), 2),
        (("a text", "--input", "-"), 2),
        (("a text", "--output", "x"), 2),
        (("a text", "--strict"), 2),
        (("a text", "--text-column", "x"), 2),
        (("a text", "--pair-column", "x"), 2),
        (("--input", "-", "--text-pair", "b"), 2),
        (("a text", "--threshold", "high"), 2),
        (("a text", "--threshold", "nan"), 2),
        (("a text", "--depth", "0"), 2),
        (("",), 3),
        (("  \n",), 3),
        (("\udcff\udcfe",), 3),
        (("--input", "nothing.jsonl"), 3),
        (("--input", "nothing.csv"), 3),
        (("--input", "-", "--output", "out.parquet"), 3),
        (("--input", "-", "--output", "nosuch/out.csv"), 2),
        (("--input", "-", "--output", "."), 2),
        (("--input", "."), 3),
    ],
)
@pytest.mark.parametrize("verb", ["route", "predict"])
def test_what_cannot_be_meant_is_a_quick_clear_error(command, tmp_path, verb, arguments, status):
    ran = command(verb, *arguments)
    assert (ran.status, ran.out) == (status, "")
    said = [line for line in ran.err.splitlines() if not line.startswith("There is no store here")]
    first, second = said
    assert first.startswith("error: ")
    assert second
    assert not list(tmp_path.iterdir())


def test_a_table_is_answered_and_keeps_its_columns(asked, tmp_path):
    source, target = tmp_path / "tickets.csv", tmp_path / "answered.csv"
    source.write_text('\ufeffid,body\n007,"please block\nmy card"\n008,a wonderful film\n009, \n', "utf-8")
    ran = asked("predict", "--input", str(source), "--text-column", "body", "--output", str(target))
    assert (ran.status, ran.out) == (3, "")
    with target.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        *("id", "body", "task", "family", "frame", "route_confidence", "label", "probability", "error"),
    ]
    assert [row["id"] for row in rows] == ["007", "008", "009"]
    assert [row["task"] for row in rows] == ["banking", "imdb_sentences", ""]
    alone = asked("predict", "please block\nmy card", "--json").json
    assert rows[0]["label"] == alone["label_name"]
    assert float(rows[0]["probability"]) == pytest.approx(max(alone["probabilities"].values()), abs=1e-4)
    assert rows[2]["error"] == "The text is empty."


def test_lines_from_a_pipe_become_a_table(asked, tmp_path):
    target = tmp_path / "out.tsv"
    rows = b'{"text": "block my card", "n": 1}\n{"text": "a film", "n": 2}\n'
    assert asked("route", "--input", "-", "--output", str(target), stdin=rows).status == 0
    assert [line.split("\t")[:3] for line in target.read_text().splitlines()] == [
        ["text", "n", "task"],
        ["block my card", "1", "banking"],
        ["a film", "2", "imdb_sentences"],
    ]


def test_pairs_of_a_table_are_two_texts(asked, tmp_path):
    source = tmp_path / "in.csv"
    source.write_text("q,a\nmy card,is blocked\nmy card,\n")
    lines = asked("route", "--input", str(source), "--text-column", "q", "--pair-column", "a", "--json").lines
    both = asked("route", "my card", "--text-pair", "is blocked", "--json").json
    one = asked("route", "my card", "--json").json
    assert [line["score"] for line in lines] == [both["score"], one["score"]]


def test_route_loads_no_large_library(trained, tmp_path):
    source = tmp_path / "in.csv"
    source.write_text("text\nplease block my card\n")
    ran = Shell(trained)("route", "--input", str(source), PYTHONPROFILEIMPORTTIME="1")
    assert "banking" in ran.out
    loaded = {line.rsplit("|", 1)[-1].strip() for line in ran.err.splitlines()}
    assert "numpy" in loaded
    assert not loaded & {"torch", "transformers", "sklearn", "scipy", "rich", "peft", "accelerate", "pyarrow"}

"""What eval says of a stack that was really trained, where not all could be measured."""

import shutil

import pytest

from skillstack.cli.eval import write_errors

from .test_batch import load_table

FEW = ("--eval-samples-per-class", "2")


@pytest.fixture
def evaluated(trained, tmp_path, command):
    """Command lines in a folder with a copy of the trained stack."""
    for name in ("frames", "routers"):
        shutil.copytree(trained / name, tmp_path / name)
    (tmp_path / "films.csv").write_text("text,label\nWhat a film!,positive\nIt shines.,positive\n")
    return command


def sentences(ran):
    """What was said, on one line, each line of which had its place on the screen."""
    assert ran.status == 0, ran.err
    assert all(len(line) <= 80 for line in ran.out.splitlines())
    return " ".join(ran.out.split())


def test_a_mean_over_fewer_tasks_says_so_and_why(evaluated):
    said = sentences(evaluated("eval", *FEW, "--test", "imdb_sentences=films.csv"))
    assert "linear head, frozen base (1 of 2 tasks)" in said
    assert "most frequent label (1 of 2 tasks)" in said
    assert "not measured on every task is a mean over fewer" in said
    assert "routed against linear head, frozen base on 1 of 2 tasks:" in said
    assert "imdb_sentences: not compared with a linear head on the frozen base. Its test rows are" in said
    assert "its own frame against latest adapter:" in said


def test_labels_without_a_test_row_are_named_where_all_rows_are_asked(evaluated):
    said = sentences(
        evaluated("eval", "--eval-samples-per-class", "all", "--test", "imdb_sentences=films.csv")
    )
    assert "imdb_sentences: no test row of negative." in said
    found = evaluated("eval", *FEW, "--test", "imdb_sentences=films.csv", "--task", "imdb_sentences")
    assert "imdb_sentences: no test row of negative." in sentences(found)


def test_where_all_is_measured_nothing_is_said_of_fewer_tasks(evaluated):
    said = sentences(evaluated("eval", *FEW))
    assert "of 2 tasks" not in said and "not compared with" not in said


def test_the_newest_task_has_nothing_that_came_after_it(evaluated):
    ran = evaluated("eval", *FEW, "--task", "banking")
    assert "No task came after these, so nothing could have been forgotten." in sentences(ran)
    found = evaluated("eval", *FEW, "--task", "banking", "--json").json
    assert found["forgetting"]["mean"] is None and found["forgetting"]["tasks"] == {"banking": None}


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--router", "hybrid"), 2, "no router 'hybrid'"),
        (("--device", "gpu"), 2, "'gpu' is not one of 'auto', 'cpu', 'cuda'."),
        (("--model", "no/such/model"), 3, "There is no folder 'no/such/model'."),
    ],
)
def test_what_cannot_be_meant_is_refused_even_where_all_is_known(evaluated, arguments, status, message):
    assert evaluated("eval", *FEW).status == 0
    ran = evaluated("eval", *FEW, *arguments)
    assert (ran.status, ran.out) == (status, "")
    assert message in ran.err


@pytest.mark.parametrize("name", ["eval", "report", "route", "predict"])
def test_the_router_is_chosen_in_one_way_by_all_commands(command, name):
    said = " ".join(command(name, "--help").out.split())
    assert "--router NAME Router: hybrid_chain or hybrid_svm. [default: hybrid_chain]" in said


def test_a_task_that_is_evaluated_alone_is_told_label_by_label(evaluated):
    said = sentences(evaluated("eval", *FEW, "--task", "imdb_sentences"))
    assert "Labels by its own frame, lowest F1 first: LABEL PRECISION RECALL F1 TEXTS" in said
    assert "Right label by row, given label by column: TEXTS OF negative positive" in said
    assert "Where unsure answers are left out (predict --min-probability): LEAST PROBABILITY ANSWERED" in said
    assert "Labels by its own frame" not in sentences(evaluated("eval", *FEW))


def test_of_many_labels_the_worst_ten_are_told_and_how_many_more_there_are(evaluated):
    ran = evaluated("eval", *FEW, "--task", "banking")
    said = sentences(ran)
    document = evaluated("eval", *FEW, "--task", "banking", "--json").json["tasks"][0]
    scored = [one for one in document["per_label"] if one["f1"] is not None]
    assert f" {len(scored) - 10} more Labels given in place of another, most first:" in said
    assert len(document["per_label"]) == document["labels"] == len(document["confusion"]["counts"])


WRONG = ["task", "text", "text_pair", "label", "answer", "probability", "routed_elsewhere", "routed_to"]


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet", "csv.gz"])
def test_every_wrong_answer_is_a_row_of_a_table(evaluated, tmp_path, ending):
    ran = evaluated("eval", *FEW, "--errors", f"wrong.{ending}", "--json")
    assert ran.status == 0, ran.err
    rows = load_table(tmp_path / f"wrong.{ending}")
    missed = sum(task["n"] - task["task_aware"]["correct"] for task in ran.json["tasks"])
    assert len(rows) == missed > 0
    assert list(rows[0]) == WRONG
    assert f"{missed} wrong answers in wrong.{ending}" in ran.err
    for row in rows:
        assert row["label"] != row["answer"] and row["text"]
        assert 0 < float(row["probability"]) <= 1
        assert row["routed_elsewhere"] == ("no" if row["routed_to"] == row["task"] else "yes")


def test_wrong_answers_are_those_that_the_frame_gives_to_these_texts(evaluated, tmp_path):
    evaluated("eval", *FEW, "--task", "banking", "--errors", "wrong.csv")
    for row in load_table(tmp_path / "wrong.csv")[:3]:
        given = evaluated("predict", row["text"], "--frame", "banking", "--json").json
        assert given["label_name"] == row["answer"]
        assert given["probability"] == pytest.approx(float(row["probability"]), abs=1e-3)


@pytest.mark.parametrize(
    ("file", "status", "message"),
    [
        ("wrong.txt", 3, "wrong.txt: the ending does not say what kind of table this is."),
        ("wrong.xlsx", 3, "wrong.xlsx: the ending does not say what kind of table this is."),
        ("nowhere/wrong.csv", 2, "name another file with --errors"),
    ],
)
def test_a_file_that_cannot_hold_wrong_answers_is_refused_before_anything_is_asked(
    evaluated, tmp_path, file, status, message
):
    ran = evaluated("eval", *FEW, "--errors", file)
    assert (ran.status, ran.out) == (status, "") and message in " ".join(ran.err.split())
    assert not (tmp_path / file).exists()


def test_where_nothing_is_wrong_the_table_has_its_header_alone(tmp_path):
    write_errors(str(tmp_path / "wrong.csv"), ())
    assert (tmp_path / "wrong.csv").read_text().split("\n") == [",".join(WRONG), ""]


def test_an_older_table_stays_as_it_was_if_writing_fails(tmp_path):
    file = tmp_path / "wrong.csv"
    file.write_text("kept")
    with pytest.raises(AttributeError):
        write_errors(str(file), [None])
    assert [path.name for path in tmp_path.iterdir()] == ["wrong.csv"] and file.read_text() == "kept"

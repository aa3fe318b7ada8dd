"""learn, as people type it."""

import csv

import pytest

from skillstack.data.sources import load_task

QUICK = ("--method", "linear", "--set", "router_samples=32", "--stack", "own")


@pytest.fixture
def table(tmp_path):
    """A table of tickets with a column that is neither text nor label."""
    task = load_task("banking")
    rows = [(e.row.text, task.task.labels[e.label]) for e in task.train if e.label < 3][:120]
    with (tmp_path / "tickets.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("id", "message", "queue"), *((i, *row) for i, row in enumerate(rows))])
    return tmp_path / "tickets.csv"


def test_it_says_what_it_took_and_how_good_the_frame_is(command, table):
    ran = command("learn", "tickets", "tickets.csv", *QUICK)
    assert ran.status == 0
    assert "message" in ran.err
    assert "queue" in ran.err
    assert f"own, in {table.parent / 'frames'}" in " ".join(ran.err.split())
    assert "The current stack is now own." in ran.out
    assert ran.out.startswith("learned tickets (tickets): frame 1 of own, ")
    for said in ("this frame", "linear head on the frozen base", "most frequent label", "95 % INTERVAL"):
        assert said in ran.out
    assert all(len(line) <= 80 for line in ran.out.splitlines())
    again = command("learn", "tickets", "tickets.csv", *QUICK, "--json")
    assert again.json["change"] == "nothing"
    assert again.json["table"]["columns"]["label"] == "queue"
    routed = command("route", "--input", "tickets.csv", "--output", "routed.csv", "--text-column", "message")
    assert routed.status == 0
    with (table.parent / "routed.csv").open(encoding="utf-8", newline="") as file:
        first = next(csv.DictReader(file))
    assert (first["task"], first["id"]) == ("tickets", "0")


def test_a_time_limit_ends_with_status_4_and_the_same_command_goes_on(command, table):
    stopped = command("learn", "tickets", "tickets.csv", *QUICK, "--time-limit", "0s", "--json")
    assert stopped.status == 4
    found = stopped.json
    assert (found["complete"], found["change"], found["frame"]) == (False, "unfinished", None)
    assert (found["test"], found["lost"]) == (None, None)
    assert found["table"]["columns"]["label"] == "queue"
    words = command("learn", "tickets", "tickets.csv", *QUICK, "--time-limit", "0s")
    assert words.status == 4
    assert "Run the same command again to continue where it stopped." in words.out
    done = command("learn", "tickets", "tickets.csv", *QUICK, "--time-limit", "1h", "--json")
    assert (done.status, done.json["complete"], done.json["change"]) == (0, True, "learned")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tickets", "missing.csv"), "missing.csv"),
        (("../tickets", "tickets.csv"), "valid name"),
        (("tickets", "tickets.csv", "--label-column", "queu"), "queue"),
        (("tickets", "tickets.csv", "--set", "epoch=3"), "epochs"),
        (("tickets", "tickets.csv", "--test-size", "2"), "0.2"),
        (("tickets", "tickets.csv", "--time-limit", "soon"), "1h30m"),
        (("tickets", "tickets.csv", "--rows", "mails=mails.csv"), "Add --auto-compress, or leave them out."),
        (("tickets", "tickets.csv", "--compress-margin", "3"), "--compress-margin needs --auto-compress"),
        (("tickets", "tickets.csv", "--auto-compress", "--compress-margin", "60"), "between 0 and 50"),
        (("tickets", "tickets.csv", "--batch-size", "8", "--set", "batch_size=4"), "twice"),
    ],
)
def test_what_cannot_be_meant_leaves_nothing_behind(shell, table, arguments, said):
    ran = shell("learn", *arguments)
    assert ran.status in (2, 3)
    assert said in ran.err
    assert not (table.parent / "frames").exists()

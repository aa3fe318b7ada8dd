"""compress, on a small stack: planned, refused, carried out, taken back."""

import dataclasses
import json
import shutil

import pytest

from skillstack.cli.compress import compressed_words
from skillstack.compression.results import Compressed
from skillstack.stack import Stack

from ..compression.world import RECIPE
from ..tiny import copied, store_of

#: Two frames of sentiment on a tiny base. Its accuracies mean little.
TASKS = ("imdb_sentences", "yelp_sentences")
#: What so small a stack can pass.
WIDE = ("--margin", "20", "--level", "0.2")


def plans(stack):
    for method in ("rank", "anchor"):
        stack.compress("sentiment", method=method, margin=0.2, level=0.2)


@pytest.fixture(scope="module")
def sentiments(tmp_path_factory):
    """A store with a stack of two sentiment frames."""
    return store_of(tmp_path_factory.mktemp("sentiments"), TASKS, RECIPE, "tiny", asked=plans)


@pytest.fixture
def compressed(sentiments, tmp_path, command):
    """Command lines in a folder with a copy of it, and its base."""
    copied(sentiments, tmp_path, "tiny")
    return command


def log(command):
    return command("log", "--json").json


def said(ran):
    assert all(len(line) <= 80 for line in ran.out.splitlines()), ran.out
    return " ".join(ran.out.split())


def test_a_plan_says_what_would_become_of_each_task_and_changes_nothing(compressed):
    before = log(compressed)
    ran = compressed("compress", "--family", "sentiment", "--method", "rank", *WIDE)
    assert ran.status == 0, ran.err
    words = said(ran)
    for some in (
        "of adapters",
        "in 2 frames of the family sentiment",
        "CANDIDATE HEADS BYTES MEAN WORST PASSES",
    ):
        assert some in words
    for some in ("TASK ROWS BEFORE AFTER CHANGE 95 % INTERVAL", "The whole stack: routed", "regret"):
        assert some in words
    assert "Nothing has changed." in words
    assert "skillstack compress --family sentiment --method rank --margin 20 --level 0.2 --apply" in words
    assert "candidate 2 rank 1" in " ".join(ran.err.split())
    assert log(compressed) == before


def test_a_frame_that_is_left_out_is_named_and_stays_left_out_when_the_plan_is_carried_out(compressed):
    ran = compressed(
        "compress", "--family", "sentiment", "--without", "yelp_sentences", "--method", "rank", *WIDE
    )
    words = said(ran)
    assert "in 1 frame of the family sentiment: imdb_sentences." in words
    assert "Left alone: yelp_sentences." in words
    assert "skillstack compress --family sentiment --without yelp_sentences --method rank" in words


def repeat(*flags, **changed):
    """Stands for the command as it was typed."""
    return " ".join(
        ["skillstack compress", *flags, *(f"--{name} {value}" for name, value in changed.items())]
    )


def test_it_is_said_which_frames_to_leave_out_where_the_others_may_pass(compressed):
    arguments = ("--family", "sentiment", "--method", "rank", "--margin", "0.01")
    document = compressed("compress", *arguments, "--json").json
    assert document["plan"]["blocking"] == [] and document["plan"]["without"] == []
    plan = Stack.open("frames", "tiny").compress("sentiment", method="rank", margin=0.0001).plan
    unlikely = tuple(dataclasses.replace(one, verdict="cannot tell") for one in plan.candidates)
    blocked = dataclasses.replace(plan, candidates=unlikely, without=("a",), blocking=("b", "c"))
    words = " ".join(" ".join(compressed_words(Compressed(blocked), None, repeat, None)).split())
    assert "Without b and c the others may pass: `--without a,b,c`." in words


def test_what_is_less_than_likely_to_pass_can_be_asked_of_the_guard_all_the_same(compressed):
    plan = Stack.open("frames", "tiny").compress("sentiment", method="rank", margin=0.2, level=0.2).plan

    def outcome(chance):
        unsure = tuple(
            dataclasses.replace(one, verdict="cannot tell", chance=chance) for one in plan.candidates
        )
        unlikely = Compressed(dataclasses.replace(plan, candidates=unsure))
        return " ".join(" ".join(compressed_words(unlikely, None, repeat, None)).split())

    assert "`skillstack compress --apply --candidate rank 1` tests it on guard rows" in outcome(0.4)
    assert "on guard rows all the same" not in outcome(0.1)


def test_a_whole_stack_is_brought_to_the_bytes_that_are_asked_for(compressed):
    before = log(compressed)
    ran = compressed("compress", "--target-bytes", "55%", "--method", "rank", *WIDE)
    assert ran.status == 0, ran.err
    words = said(ran)
    assert "of adapters in 2 frames, at most" in words and "sentiment rank 1" in words
    assert "skillstack compress --target-bytes 55% --method rank --margin 20 --level 0.2 --apply" in words
    assert log(compressed) == before
    ran = compressed("compress", "--target-bytes", "55%", "--method", "rank", *WIDE, "--apply", "--json")
    assert ran.status == 0, ran.err
    found = ran.json
    assert found["plan"]["family"] is None and found["applied"]
    sizes = found["plan"]["candidates"][0]["bytes"]
    assert sizes["after"] <= found["plan"]["target_bytes"] <= 0.55 * sizes["before"]
    assert compressed("verify", "--deep").status == 0
    assert compressed("undo").status == 0
    assert log(compressed) == before


def test_a_plan_for_a_stack_that_is_for_reading_says_how_to_come_by_one_that_is_not(compressed, tmp_path):
    stacks = tmp_path / "frames" / "stacks"
    shutil.copy(stacks / "tiny", stacks / "reference")
    ran = compressed("compress", "--stack", "reference", "--family", "sentiment", "--method", "rank", *WIDE)
    assert ran.status == 0, ran.err
    words = said(ran)
    assert "It should pass. The stack 'reference' ships with the package" in words
    assert "`skillstack stacks copy reference NAME` makes one that can be changed" in words
    assert "--apply" not in words
    ran = compressed("ablate", "--stack", "reference", *WIDE)
    assert ran.status == 0, ran.err
    assert "stacks copy reference NAME" in said(ran) and "--apply" not in said(ran)


def test_what_is_carried_out_says_so_and_undo_brings_the_old_stack_back(compressed):
    before = log(compressed)
    ran = compressed("compress", "--family", "sentiment", "--method", "rank", *WIDE, "--apply")
    assert ran.status == 0, ran.err
    words = said(ran)
    assert "TASK ROWS BEFORE AFTER LOST GAINED AT MOST P" in words
    assert "Done: no task loses 20.0 points or more" in words
    assert "`skillstack undo` brings the old stack back" in words
    assert log(compressed) != before
    assert compressed("verify", "--deep").status == 0
    assert compressed("undo").status == 0
    assert log(compressed) == before


def test_what_cannot_pass_leaves_all_as_it_is_says_why_and_ends_with_status_one(compressed):
    before = log(compressed)
    arguments = (
        "compress",
        "--family",
        "sentiment",
        "--method",
        "rank",
        "--margin",
        "10",
        "--level",
        "1e-30",
    )
    ran = compressed(*arguments, "--apply")
    assert ran.status == 1
    assert "Nothing has changed. No candidate should pass." in said(ran)
    assert "guard rows and needs about" in said(ran)
    named = compressed(*arguments, "--candidate", "rank 1", "--apply")
    assert named.status == 1 and "too few guard rows for" in said(named)
    assert compressed(*arguments).status == 0
    assert log(compressed) == before


def test_json_is_one_document(compressed):
    plan = compressed("compress", "--family", "sentiment", "--method", "anchor", *WIDE, "--json")
    assert plan.status == 0, plan.err
    found = plan.json
    assert (found["schema"], found["applied"], found["tip"], found["guarded"]) == (1, False, None, None)
    assert found["plan"]["frames"] == ["imdb_sentences", "yelp_sentences"]
    for one in found["plan"]["candidates"]:
        assert one["bytes"]["after"] < one["bytes"]["before"] and one["merges"]
        assert {"routed", "regret", "verdict", "why"} <= set(one)
        for task in one["skills"]:
            low, high = task["interval"]
            assert low <= task["difference"] <= high and 0 <= task["p"] <= 1
            assert task["n"] * task["disagreement"] == pytest.approx(task["lost"] + task["gained"], abs=1e-3)
    name = found["plan"]["candidates"][0]["name"]
    done = compressed(
        "compress",
        "--family",
        "sentiment",
        "--method",
        "anchor",
        *WIDE,
        "--candidate",
        name,
        "--apply",
        "--json",
    )
    assert done.json["applied"] == (done.status == 0)
    assert done.json["guarded"]["candidate"] == name and done.json["guarded"]["part"] == "guard"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ((), 2, "Name either a family or a target for the whole stack."),
        (("--family", "sentiment", "--target-bytes", "50%"), 2, "Name either a family or a target"),
        (("--target-bytes", "half"), 2, "Invalid number of bytes 'half'.\nGive 250kB, 1.5MB, 250000 or 25%."),
        (("--target-bytes", "100%"), 2, "Invalid number of bytes '100%'."),
        (("--target-bytes", "1GB"), 2, "which is no more than 1.0 GB"),
        (("--target-bytes", "100"), 2, "cannot be made smaller than"),
        (("--family", "sentimant"), 2, "Did you mean 'sentiment'?"),
        (("--family", "sentiment", "--method", "ties"), 2, "no compression strategy called 'ties'"),
        (
            ("--family", "sentiment", "--margin", "60"),
            2,
            "Invalid margin '60': must be between 0 and 50.",
        ),
        (("--family", "sentiment", "--margin", "nan"), 2, "Invalid margin 'nan'"),
        (
            ("--family", "sentiment", "--level", "1"),
            2,
            "Invalid level '1': must be between 0 and 0.5.",
        ),
        (
            ("--family", "sentiment", "--without", "yelp"),
            2,
            "no frame 'yelp'.\nKnown: imdb_sentences, yelp_sentences.",
        ),
        (
            ("--family", "sentiment", "--without", "imdb_sentences", "--method", "merge"),
            2,
            "--method rank makes its adapter",
        ),
        (
            ("--target-bytes", "50%", "--without", "imdb_sentences"),
            2,
            "For example --family sentiment --without",
        ),
        (("--family", "sentiment", "--rows", "films"), 2, "--rows takes NAME=FILE, not 'films'."),
        (("--family", "sentiment", "--rows", "films=a.csv"), 2, "The stack 'tiny' has no 'films'."),
        (("--family", "sentiment", "--rows", "imdb_sentences=a.csv"), 3, "a.csv"),
    ],
)
def test_what_cannot_be_meant_is_refused(compressed, arguments, status, message):
    ran = compressed("compress", *arguments)
    assert (ran.status, ran.out) == (status, "")
    assert message in ran.err


def test_the_reference_stack_is_to_be_copied_first(command):
    ran = command("compress", "--family", "sentiment", "--apply", "--json")
    assert ran.status == 3
    assert "skillstack stacks copy reference NAME" in ran.err


def test_an_interrupt_changes_nothing_and_says_so(compressed, monkeypatch):
    from skillstack.stack import Stack

    before = log(compressed)

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Stack, "compress", interrupted)
    ran = compressed("compress", "--family", "sentiment", "--apply")
    assert ran.status == 130 and "Nothing has changed." in ran.err
    assert log(compressed) == before


def test_a_task_of_a_merged_frame_is_not_trained_again(compressed, tmp_path):
    done = compressed(
        *("compress", "--family", "sentiment", "--method", "anchor", "--apply"),
        *("--candidate", "anchor yelp_sentences", "--margin", "49", "--level", "0.49"),
    )
    assert done.status == 0, done.out + done.err
    before = log(compressed)
    again = (option for task in TASKS for option in ("--task", task))
    ran = compressed("train", *again, "--stack", "tiny", "--model", "tiny-bert")
    assert ran.status == 2 and "holds other frames already" in ran.err
    rows = [
        {"text": f"It is {word} {n}.", "label": label}
        for n in range(20)
        for label, word in (("positive", "fine"), ("negative", "foul"))
    ]
    (tmp_path / "films.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for more in ((), ("--replace",)):
        ran = compressed("learn", "imdb_sentences", "films.jsonl", *more)
        assert ran.status == 2 and "'imdb_sentences'" in ran.err and "'sentiment'" in ran.err
        ran = compressed("learn", "sentiment", "films.jsonl", *more)
        assert (ran.status == 2 and "several skills" in ran.err) or not more
    assert log(compressed) == before


def test_its_help_has_examples(command):
    ran = command("compress", "--help")
    assert ran.status == 0 and "skillstack compress --family sentiment --margin 5 --apply" in ran.out

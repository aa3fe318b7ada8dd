"""train, on the built-in base."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from skillstack.cli.command import Invocation
from skillstack.cli.train import Summary
from skillstack.stack import Stack, Trained
from skillstack.store.records import Count
from skillstack.store.store import Store
from skillstack.training.execution import ALONE
from skillstack.training.progress import FamilySettled, FrameDone, FrameKept

from .conftest import PYTHONPATH, TINY


def test_presets_are_listed(command):
    assert "starter8" in command("train", "--list-presets").out
    presets = command("train", "--list-presets", "--json").json["presets"]
    assert "hard8" in [preset["name"] for preset in presets]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Give one, such as --preset starter8"),
        (("--preset", "starter8", "--task", "banking"), "--list-presets"),
        (("--preset", "starter9"), "starter8"),
        (("--task", "bankin", "--stack", "a"), "banking"),
        (("--preset", "starter8", "--stack", "../a"), "valid name"),
        (("--preset", "starter8", "--set", "epoch=3"), "epochs"),
        (("--preset", "starter8", "--rank", "0"), "between"),
        (("--preset", "starter8", "--precision", "int3"), "nf4"),
        (("--preset", "starter8", "--model", "smollm"), "smollm2"),
        (("--preset", "starter8", "--time-limit", "soon"), "1h30m"),
        (("--preset", "starter8", "--micro-batch", "0"), "auto"),
        (("--preset", "starter8", "--batch-size", "8", "--set", "batch_size=4"), "twice"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_made(command, tmp_path, arguments, said):
    ran = command("train", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err
    assert not list(tmp_path.glob("frames/nodes/*"))


def test_a_training_makes_a_stack_and_says_what_to_try_next(asked):
    assert [line.split()[1] for line in asked("log").out.splitlines()[3:5]] == ["banking", "imdb_sentences"]
    assert asked("stacks", "--json").json["stacks"][0]["current"] is True


def test_a_finished_training_run_again_does_nothing_and_says_so(asked):
    before = asked("log", "--json").out
    ran = asked("train", *TINY)
    assert ran.status == 0
    assert ran.out.startswith("Nothing to do: 2 frames of tiny are there already.")
    assert "frame 1 of 2, imdb_sentences, is there already" in ran.err
    assert asked("log", "--json").out == before


def test_another_recipe_under_the_same_name_is_refused(asked):
    ran = asked("train", *TINY, "--seed", "7", "--json")
    assert ran.status in (2, 3)
    assert ran.json["error"]["hint"]


def test_verify_deep_asks_the_canaries(asked):
    ran = asked("verify", "--deep", "--json")
    assert ran.status == 0
    assert {check["skill"] for check in ran.json["canaries"]} == {"banking", "imdb_sentences"}


def test_verify_deep_at_another_precision_tells_the_agreement_and_the_distances(asked):
    ran = asked("verify", "--deep", "--precision-change", "bf16", "--json")
    assert ran.status == 0
    agreement = ran.json["agreement"]
    assert (agreement["trained"], agreement["held"], agreement["n"]) == ("fp32", "bf16", 16)
    limits = {check["skill"]: check["limit"] for check in ran.json["canaries"]}
    own = asked("verify", "--deep", "--precision-change", "fp32", "--json")
    assert (own.status, own.json["agreement"]) == (0, None)
    assert all(check["limit"] < limits[check["skill"]] for check in own.json["canaries"])
    alone = asked("verify", "--precision-change", "bf16")
    assert alone.status == 2
    assert "--deep" in alone.err


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
def test_an_interrupted_training_says_how_to_go_on(tmp_path):
    command = [sys.executable, "-m", "skillstack", "train", *TINY, "--epochs", "200", "--set", "max_steps=0"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": PYTHONPATH},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if line.startswith("frame 1 of 2"):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out) == (130, "")
    assert err.endswith("error: Interrupted.\nRun the same command again to continue where it stopped.\n")


def test_a_time_limit_ends_with_status_4_and_the_same_command_goes_on(command):
    stopped = command("train", *TINY, "--time-limit", "0s", "--json")
    assert stopped.status == 4
    assert stopped.json["complete"] is False
    assert (stopped.json["trained"], stopped.json["tip"]) == ([], None)
    words = command("train", *TINY, "--time-limit", "0s")
    assert words.status == 4
    assert "Run the same command again to continue where it stopped." in words.out
    assert "is empty" not in words.err


@pytest.mark.slow
def test_a_training_in_parts_is_complete_and_a_finished_one_needs_no_time(command):
    ran = command(
        "train", *TINY, "--micro-batch", "3", "--accumulate", "2", "--gradient-checkpointing", "--json"
    )
    assert ran.status == 0
    assert ran.json["complete"] is True
    again = command("train", *TINY, "--time-limit", "0s", "--json")
    assert (again.status, again.json["complete"]) == (0, True)


@pytest.mark.parametrize(("place", "status"), [("0", 4), ("1", 0)])
def test_the_first_process_alone_says_that_the_time_is_up(command, monkeypatch, place, status):
    monkeypatch.setattr("skillstack.training.execution.join_processes", lambda device: ALONE)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", place)
    ran = command("train", *TINY, "--device", "cpu", "--time-limit", "0s", "--json")
    assert ran.status == status
    assert bool(ran.out) == (place == "0")


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform == "win32", reason="needs processes that meet")
def test_of_several_processes_the_first_alone_says_that_the_time_is_up(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    meet = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "skillstack",
                "train",
                *TINY,
                "--device",
                "cpu",
                "--time-limit",
                "0s",
                "--json",
            ],
            cwd=tmp_path,
            env={**os.environ, **meet, "PYTHONPATH": PYTHONPATH, "RANK": place, "LOCAL_RANK": place},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for place in "01"
    ]
    said = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [4, 0]
    assert json.loads(said[0])["complete"] is False
    assert said[1] == b""


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform == "win32", reason="needs processes that meet")
def test_two_processes_give_one_document(tmp_path):
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    done = subprocess.run(
        [sys.executable, *launcher, "-m", "skillstack", "train", *TINY, "--device", "cpu", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": PYTHONPATH, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["trained"] == ["imdb_sentences", "banking"]
    assert done.stderr.count("frame 1 of 2, imdb_sentences: dev") == 1


def test_help_offers_no_device_that_is_not_supported(command):
    ran = command("train", "--help")
    assert ran.status == 0
    assert "auto|cpu|cuda" in " ".join(ran.out.split()) and "mps" not in ran.out


DONE = FrameDone(2, 2, "banking", "ab" * 32, Count(191, 200), Count(160, 200), "epoch 2", 12.34)


HERE = Invocation(None, None, False)
MINE = Stack(Store(Path("frames"), Path("routers")), "mine")


def summary():
    made = Summary()
    made.add(FrameKept(1, 2, "films"))
    made.add(DONE)
    return made


def test_the_table_shows_accuracy_rival_choice_and_time():
    text = summary().words(Trained(MINE, ("banking",), ("films",), "ab" * 32), HERE)
    assert text[0] == "mine: 1 frame trained, 1 there already"
    assert " ".join(text[3].split()) == "banking 95.5 % of 200 80.0 % epoch 2 12.3 s"


def test_the_next_commands_can_be_typed_as_they_stand():
    text = summary().words(Trained(MINE, ("banking",), (), "ab" * 32), Invocation("my store", None, False))
    assert '  skillstack route "please block my card" --store "my store"' in text
    assert '  skillstack log --store "my store"' in text


def test_a_finished_training_says_that_there_was_nothing_to_do():
    text = Summary().words(Trained(MINE, (), ("films", "banking"), "ab" * 32), HERE)
    assert text[0] == "Nothing to do: 2 frames of mine are there already."


def test_json_gives_counts_and_the_chosen_candidate():
    value = summary().to_json(Trained(MINE, ("banking",), ("films",), "ab" * 32))
    assert value["frames"] == [
        {
            "name": "banking",
            "id": "ab" * 32,
            "dev": {"correct": 191, "n": 200, "accuracy": 0.955},
            "frozen_linear_dev": {"correct": 160, "n": 200, "accuracy": 0.8},
            "chosen": "epoch 2",
            "seconds": 12.34,
        }
    ]


def test_families_that_were_merged_are_counted():
    made = summary()
    made.add(FamilySettled("intent", ("travel", "banking"), "intent", "no task loses 2.0 points or more"))
    made.add(FamilySettled("intent", ("intent", "work"), None, "work would lose about 3.0 points"))
    trained = Trained(MINE, ("banking",), ("films",), "ab" * 32)
    said = "Families: 2 times tried, 1 of them merged; `skillstack log` shows the frames that there are now."
    assert said in made.words(trained, HERE)
    assert made.to_json(trained)["settled"][0] == {
        "family": "intent",
        "frames": ("travel", "banking"),
        "merged": "intent",
        "why": "no task loses 2.0 points or more",
    }


def test_a_dry_run_says_what_would_be_trained_and_writes_nothing(command, tmp_path):
    ran = command("train", "--preset", "starter8", "--dry-run")
    assert ran.status == 0
    assert "8 frames to train" in ran.out
    assert "CC BY" in ran.out
    assert "Nothing was written." in ran.out
    # A path stays in one piece, so that it can be copied.
    assert all(len(line) <= 80 or str(tmp_path) in line for line in ran.out.splitlines())
    assert not list(tmp_path.iterdir())


def test_frames_that_are_there_are_kept(asked):
    before = asked("log", "--json").out
    document = asked("train", *TINY, "--dry-run", "--json").json
    assert [frame["state"] for frame in document["frames"]] == ["keep", "keep"]
    assert (document["bytes"], document["seconds"], document["store_exists"]) == (0, None, True)
    assert "none: all is there" in asked("train", *TINY, "--dry-run").out
    longer = asked("train", *TINY, "--task", "travel", "--dry-run", "--json").json
    assert [frame["state"] for frame in longer["frames"]] == ["keep", "keep", "train"]
    assert asked("log", "--json").out == before


def test_another_recipe_under_the_same_name_is_refused_as_train_does(asked):
    assert asked("train", *TINY, "--seed", "7", "--dry-run").status == 2


def test_the_rows_are_those_of_the_training(asked):
    sizes = {
        frame["name"]: frame["rows"] for frame in asked("train", *TINY, "--dry-run", "--json").json["frames"]
    }
    assert sizes["imdb_sentences"]["train"] == 8
    assert sizes["imdb_sentences"]["router"] == 32

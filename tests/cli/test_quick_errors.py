"""A mistake in a command line is reported at once, before a model's library is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT

#: Command lines on the reference stack, with the exit status and what is said.
MISTAKES = {
    ("predict", "hello", "--nope"): (2, "No such option"),
    ("predict", "hello", "--frame", "nope"): (2, "no frame 'nope'"),
    ("predict", "hello", "--model", "no/such/model"): (3, "There is no folder 'no/such/model'."),
    ("predict", "tickets.csv"): (2, "'tickets.csv' is a file, not a text."),
    ("route", "tickets.csv"): (2, "'tickets.csv' is a file, not a text."),
    ("predict", "--input", "nope.csv"): (3, "Cannot read nope.csv"),
    ("predict", "--input", "tickets.csv", "--text-column", "nope"): (2, "no column 'nope'"),
    ("learn", "tickets", "nope.csv"): (3, "Cannot read nope.csv"),
    ("learn", "tickets", "tickets.csv", "--label-column", "nope"): (2, "no column 'nope'"),
    ("train", "--preset", "nope"): (2, "There is no preset 'nope'."),
    ("train", "--task", "nope"): (2, "There is no task 'nope'."),
    ("train", "--preset", "starter8", "--set", "nope=1"): (2, "A recipe has no 'nope'."),
    ("train", "--preset", "starter8", "--data-dir", "nope"): (3, "The data folder nope does not exist."),
    ("train", "--preset", "starter8", "--model", "no/such/model"): (3, "There is no folder"),
    ("bench", "--preset", "starter8", "--methods", "nope"): (2, "There is no method 'nope'."),
    ("compress",): (2, "Name either a family"),
    ("compress", "--family", "nope"): (2, "no skills of a family 'nope'"),
    ("compress", "--family", "topic", "--method", "nope"): (2, "no compression strategy called 'nope'"),
    ("compress", "--family", "sentiment", "--without", "nope"): (2, "has no frame 'nope'"),
    ("compress", "--family", "sentiment", "--rows", "travel=nope.csv"): (3, "Cannot read nope.csv"),
    ("compress", "--family", "sentiment", "--data-dir", "nope"): (3, "The data folder nope does not exist."),
    ("ablate", "--rows", "nope=nope.csv"): (2, "has no 'nope'"),
    ("ablate", "--family", "nope"): (2, "no skills of a family 'nope'"),
    ("ablate", "--frame", "nope"): (2, "no frame 'nope'"),
    ("eval", "--task", "nope"): (2, "has no 'nope'"),
    ("eval", "--test", "banking=nope.csv"): (3, "Cannot read nope.csv"),
    ("probe", "nope"): (2, "There is no probe 'nope'."),
    ("verify", "--deep", "--model", "no/such/model"): (3, "There is no folder 'no/such/model'."),
    ("import", "nope.zip"): (3, "Cannot read nope.zip"),
}
_CODE = """
import json, sys
from skillstack.cli.group import run
for line in json.loads(sys.argv[1]):
    status = run([*line, "--stack", "reference"] if line[0] not in ("bench", "learn", "train") else line)
    print(json.dumps([status, "torch" in sys.modules]))
    print("--", file=sys.stderr)
"""


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], tuple[int, bool, str]]:
    """For each command line its status, whether torch is loaded after it, and its message."""
    folder: Path = tmp_path_factory.mktemp("mistakes")
    (folder / "tickets.csv").write_text("text,label\na card,card\na trip,trip\n", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-c", _CODE, json.dumps(list(MISTAKES))],
        cwd=folder,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "PATH": ""},
    )
    outs = map(json.loads, ran.stdout.splitlines())
    said = ran.stderr.split("--\n")
    return {line: (*out, words) for line, out, words in zip(MISTAKES, outs, said, strict=False)}


@pytest.mark.parametrize("line", MISTAKES, ids=" ".join)
def test_a_mistake_is_reported_before_torch_is_loaded(reported, line):
    status, torch, words = reported[line]
    assert (status, MISTAKES[line][1] in words, torch) == (MISTAKES[line][0], True, False), words

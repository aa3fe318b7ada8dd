"""`skillstack fetch` against a hub on this machine: what comes, and what is said when it does not."""

import gzip
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from skillstack.data.hub_rows import hub_sets

from .conftest import COMMIT
from .world import make_set, skillstack

TASK = "rotten_tomatoes"
REPO = f"datasets/{hub_sets()[TASK].repo}"
SECRET = "hf_" + "s" * 34


def test_tasks_and_a_model_come_into_one_folder_and_need_no_hub_afterwards(hub, tmp_path):
    environ = hub.environ(tmp_path)
    wanted = ("--task", TASK, "--task", "boolq", "--task", "banking", "--model", "some/model@main")
    ran = skillstack(tmp_path, environ, "fetch", *wanted, "--json")
    assert ran.status == 0, ran.err
    items = {item["name"]: item for item in ran.json["items"]}
    assert [items[name]["state"] for name in (TASK, "boolq", "banking", "some/model@main")] == [
        "new",
        "new",
        "shipped",
        "new",
    ]
    assert items["some/model@main"]["licence"] == "apache-2.0"
    assert items["some/model@main"]["origin"] == f"some/model {COMMIT}"
    folder = tmp_path / "offline"
    assert sorted(file.name for file in (folder / "models/some--model").iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    for item in ran.json["items"]:
        for file in item["files"]:
            assert (folder / item["path"] / file["name"]).stat().st_size == file["bytes"]
    # Again, offline: nothing is asked, nothing is new.
    hub.asked.clear()
    again = skillstack(tmp_path, environ | {"HF_HUB_OFFLINE": "1"}, "fetch", *wanted[:6], "--json")
    assert (again.status, hub.asked) == (0, [])
    assert {item["state"] for item in again.json["items"]} == {"kept", "shipped"}
    # And the tasks are read from the folder, and from the cache.
    code = (
        "from pathlib import Path; from skillstack.data.sources import load_task\n"
        f"a, b = load_task({TASK!r}), load_task({TASK!r}, Path('offline/tasks'))\n"
        "print(a.source.kind, b.source.kind, a.source.digest == b.source.digest, len(a.test))"
    )
    read = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environ | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
    )
    assert read.stdout.split() == ["hub", "folder", "True", "8"], read.stderr


def test_of_a_huge_set_that_is_sorted_a_part_is_downloaded_with_every_class(hub, tmp_path):
    known = hub_sets()["dbpedia"]

    def lengthened(split, rows):
        return [
            row | {"content": f"{row['content']} {noise(split, place)}"} for place, row in enumerate(rows)
        ]

    make_set(tmp_path / "set", known, per_class=600, group=20, change=lengthened)
    hub.repos[f"datasets/{known.repo}"] = (tmp_path / "set", known.revision)
    code = (
        "from skillstack.data.sources import HubSource\n"
        "from skillstack.data.hub_rows import hub_sets\n"
        "from dataclasses import replace\n"
        "source = HubSource({'dbpedia': replace(hub_sets()['dbpedia'], scan=1400)})\n"
        "data = source.load('dbpedia')\n"
        "print(data.source.digest, len(data.train), len({row.label for row in data.train}))"
    )
    found = []
    for home in (tmp_path / "a", tmp_path / "b"):
        hub.sent.clear()
        ran = subprocess.run(
            [sys.executable, "-c", code], env=hub.environ(home), capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr
        found.append(ran.stdout)
        (file,) = (tmp_path / "set").rglob("train-*.parquet")
        assert 0 < hub.sent[file.name] < file.stat().st_size / 2
    assert found[0] == found[1]
    assert found[0].split()[1:] == ["1400", "14"]


def noise(split: str, place: int) -> str:
    return "".join(hashlib.sha512(f"{split} {place} {part}".encode()).hexdigest() for part in range(8))


def test_what_ships_needs_no_download(hub, tmp_path):
    ran = skillstack(tmp_path, hub.environ(tmp_path), "fetch", "--preset", "starter8")
    assert ran.status == 0
    assert "nothing to download" in ran.out
    assert not hub.asked
    assert not (tmp_path / "offline").exists()


def test_a_file_that_was_changed_since_is_put_right(hub, tmp_path):
    environ = hub.environ(tmp_path)
    assert skillstack(tmp_path, environ, "fetch", "--task", TASK).status == 0
    file = tmp_path / "offline" / "tasks" / TASK / "train.jsonl.gz"
    before = file.read_bytes()
    file.write_bytes(before[:-1])
    ran = skillstack(tmp_path, environ, "fetch", "--task", TASK, "--json")
    assert ran.json["items"][0]["state"] == "new"
    assert file.read_bytes() == before


def test_a_folder_that_no_fetch_made_is_left_alone(hub, tmp_path):
    own = tmp_path / "offline" / "tasks" / TASK
    own.mkdir(parents=True)
    (own / "task.json").write_text("{}")
    ran = skillstack(tmp_path, hub.environ(tmp_path), "fetch", "--task", TASK)
    assert ran.status == 3
    assert "--output" in ran.err
    assert (own / "task.json").read_text() == "{}"


def test_a_damaged_cache_is_said_not_used(hub, tmp_path):
    environ = hub.environ(tmp_path)
    assert skillstack(tmp_path, environ, "fetch", "--task", TASK).status == 0
    (cached,) = (tmp_path / "cache" / "tasks").iterdir()
    rows = gzip.decompress((cached / "train.jsonl.gz").read_bytes()).replace(b'"label": 0', b'"label": 1')
    (cached / "train.jsonl.gz").write_bytes(gzip.compress(rows))
    ran = skillstack(tmp_path, environ, "fetch", "--task", TASK, "--output", "other")
    assert ran.status == 3
    assert "damaged" in ran.err
    assert "Delete that folder" in ran.err


def test_what_a_fetch_left_that_was_killed_is_removed_by_the_next(hub, tmp_path):
    tasks = tmp_path / "cache" / "tasks"
    old, young, other = tasks / ".boolq-abcd_123", tasks / ".boolq-abcd_124", tasks / "kept"
    for left in (old, young, other):
        left.mkdir(parents=True)
        (left / "train.jsonl.gz").write_bytes(b"half")
    mixed = tasks / ".boolq-abcd_125"
    mixed.mkdir()
    (mixed / "notes.txt").write_bytes(b"somebody's own")
    for path in (mixed / "notes.txt", mixed, old / "train.jsonl.gz", old, other / "train.jsonl.gz", other):
        os.utime(path, (0, 0))
    assert skillstack(tmp_path, hub.environ(tmp_path), "fetch", "--task", TASK).status == 0
    assert not old.exists()
    assert young.exists()
    assert other.exists()
    assert (mixed / "notes.txt").exists()


CASES = {
    "gated": ({"refuse": (401, "GatedRepo")}, {}, "is gated.", "hf auth login"),
    "a token without access": (
        {"refuse": (403, "GatedRepo")},
        {"HF_TOKEN": SECRET},
        "token has no access",
        "Ask for access",
    ),
    "a token that is no longer valid": (
        {"refuse": (401, "")},
        {"HF_TOKEN": SECRET},
        "refuses",
        "hf auth login",
    ),
    "missing": ({"refuse": (404, "RepoNotFound")}, {}, "not on the hub", "Check the name"),
    "another commit": ({"refuse": (404, "RevisionNotFound")}, {}, "no such revision", "lists its commits"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_refusal_is_one_sentence_of_what_is_wrong_and_one_of_what_to_do(case, hub, tmp_path):
    settings, more, wrong, todo = CASES[case]
    for repo, wanted in ((REPO, ("--task", TASK)), ("some/model", ("--model", "some/model"))):
        hub.refuse = {repo: settings["refuse"]}
        ran = skillstack(tmp_path, hub.environ(tmp_path, **more), "fetch", *wanted)
        assert ran.status == 3
        assert wrong in ran.err, ran.err
        assert todo in ran.err
        assert SECRET not in ran.out + ran.err
        assert "Traceback" not in ran.err
        assert not list(tmp_path.glob("cache/tasks/*"))
    if more:
        assert f"Bearer {SECRET}" in hub.tokens


def test_offline_and_not_cached_says_how_to_get_it(hub, tmp_path):
    environ = hub.environ(tmp_path, HF_HUB_OFFLINE="1")
    task = skillstack(tmp_path, environ, "train", "--task", TASK)
    model = skillstack(tmp_path, environ, "fetch", "--model", "some/model")
    assert (task.status, model.status) == (3, 3)
    for ran in (task, model):
        assert "skillstack fetch" in ran.err
        assert "HF_HUB_OFFLINE" in ran.err
    assert "--data-dir" in task.err
    assert not hub.asked


def test_a_damaged_set_leaves_nothing_behind(hub, tmp_path):
    hub.corrupt = {".parquet"}
    ran = skillstack(tmp_path, hub.environ(tmp_path), "fetch", "--task", TASK)
    assert ran.status == 3
    assert "came only in part, or damaged" in ran.err
    assert not list((tmp_path / "cache").rglob("*.gz"))
    hub.corrupt = set()
    assert skillstack(tmp_path, hub.environ(tmp_path), "fetch", "--task", TASK).status == 0


def test_a_model_with_another_digest_than_announced_is_not_kept(hub, tmp_path):
    hub.corrupt = {".safetensors"}
    ran = skillstack(tmp_path, hub.environ(tmp_path), "fetch", "--model", "some/model")
    assert ran.status == 3
    assert "digest is not the one that the hub announced" in ran.err
    assert not list((tmp_path / "offline").rglob("*.safetensors"))
    # What the hint says to delete is enough.
    (blob,) = [file for file in (tmp_path / "hf").rglob("blobs/*") if len(file.name) == 64]
    assert str(blob) in ran.err
    blob.unlink()
    hub.corrupt = set()
    assert skillstack(tmp_path, hub.environ(tmp_path), "fetch", "--model", "some/model").status == 0


def test_a_fetch_that_failed_goes_on_where_it_stopped(hub, tmp_path):
    hub.refuse = {"datasets/google/boolq": (404, "RepoNotFound")}
    both = ("fetch", "--task", TASK, "--task", "boolq", "--json")
    assert skillstack(tmp_path, hub.environ(tmp_path), *both).status == 3
    hub.refuse = {REPO: (404, "RepoNotFound")}
    ran = skillstack(tmp_path, hub.environ(tmp_path), *both)
    assert ran.status == 0, ran.err
    assert [item["state"] for item in ran.json["items"]] == ["kept", "new"]
    manifest = json.loads(Path(tmp_path / "offline" / "manifest.json").read_text())
    assert [item["name"] for item in manifest["items"]] == [TASK, "boolq"]


@pytest.mark.parametrize(
    "arguments", [(), ("--preset", "hard9"), ("--preset", "hard8", "--task", "imdb"), ("--task", "nothing")]
)
def test_what_cannot_be_meant_is_refused(arguments, hub, tmp_path):
    ran = skillstack(tmp_path, hub.environ(tmp_path), "fetch", *arguments)
    assert ran.status == 2
    assert not hub.asked


@pytest.mark.slow
def test_a_hub_that_nobody_answers_for_is_said(hub, tmp_path):
    environ = hub.environ(tmp_path, HF_ENDPOINT="http://127.0.0.1:9")
    for wanted in (("--task", TASK), ("--model", "some/model")):
        ran = skillstack(tmp_path, environ, "fetch", *wanted)
        assert ran.status == 3
        assert "the hub cannot be reached" in ran.err


@pytest.mark.slow
def test_a_hub_that_is_down_is_said(hub, tmp_path):
    hub.refuse = {REPO: (503, "")}
    ran = skillstack(tmp_path, hub.environ(tmp_path), "fetch", "--task", TASK)
    assert ran.status == 3
    assert "overloaded or down" in ran.err


@pytest.mark.slow
def test_half_a_download_is_said_and_nothing_of_it_kept(hub, tmp_path):
    hub.cut = {".parquet", ".safetensors"}
    for wanted in (("--task", TASK), ("--model", "some/model")):
        ran = skillstack(tmp_path, hub.environ(tmp_path), "fetch", *wanted)
        assert ran.status == 3
        assert "came only in part" in ran.err
    assert not list((tmp_path / "offline").rglob("*.safetensors"))
    assert not list((tmp_path / "cache").rglob("*.gz"))


@pytest.mark.thorough
def test_a_stack_is_trained_from_the_folder_alone(hub, tmp_path):
    environ = hub.environ(tmp_path)
    assert skillstack(tmp_path, environ, "fetch", "--task", TASK, "--model", "minilm").status == 0
    hub.asked.clear()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "offline").rename(elsewhere / "offline")
    ran = skillstack(
        elsewhere,
        hub.environ(elsewhere, HF_HUB_OFFLINE="1"),
        *("train", "--task", TASK, "--epochs", "1", "--set", "dev_samples=4", "--json"),
        *("--data-dir", "offline/tasks", "--model", "offline/models/sentence-transformers--all-MiniLM-L6-v2"),
    )
    assert ran.status == 0, ran.err
    assert not hub.asked

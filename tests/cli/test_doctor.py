"""doctor."""

import os
import subprocess
import sys

from .conftest import PYTHONPATH


def test_a_machine_that_can_train_the_starter_tasks_is_ready(command, tmp_path):
    ran = command("doctor", "--preset", "starter8")
    assert ran.status == 0
    assert ran.out.endswith("Ready.\n")
    assert "minutes" in ran.out or "seconds" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80
    assert not list(tmp_path.iterdir())


def test_what_is_asked_for_and_cannot_run_is_status_1(command, tmp_path, monkeypatch):
    monkeypatch.setenv("SKILLSTACK_CACHE", str(tmp_path / "cache"))
    ran = command("doctor", "--preset", "hard8", "--json")
    assert ran.status == 1
    document = ran.json
    assert (document["schema"], document["ready"]) == (1, False)
    levels = {finding["level"] for finding in document["findings"]}
    assert "problem" in levels
    words = command("doctor", "--preset", "hard8")
    assert words.status == 1
    assert "skillstack fetch --preset hard8" in " ".join(words.out.split())


def test_json_says_what_would_be_chosen(command):
    document = command("doctor", "--task", "banking", "--json").json
    assert document["ready"] is True
    training = document["training"]
    assert (training["device"], training["precision"]) in {("cpu", "fp32"), ("cuda", "fp32")}
    assert training["micro_batch"] == 16
    assert training["seconds"][0] < training["seconds"][1]
    assert {one["name"] for one in document["machine"]["libraries"]} >= {"torch", "peft"}


def test_names_that_cannot_be_meant_are_usage_errors(command):
    assert command("doctor", "--preset", "starter9").status == 2
    assert command("doctor", "--preset", "starter8", "--task", "banking").status == 2


def test_a_broken_torch_is_told(tmp_path):
    broken = tmp_path / "broken"
    (broken / "torch").mkdir(parents=True)
    (broken / "torch" / "__init__.py").write_text("raise OSError('libtorch_cpu.so: undefined symbol')")
    script = (
        f"import sys; sys.path.insert(0, {str(broken)!r})\n"
        "from skillstack.cli.group import run\n"
        "sys.exit(run(['doctor', '--preset', 'starter8']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": PYTHONPATH},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    said = " ".join(done.stdout.split())
    assert "undefined symbol" in said
    assert "8 with the package" in said

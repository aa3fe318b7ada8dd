"""Examinations of machines that are described, and of this one."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from skillstack.errors import UsageError
from skillstack.forecast.doctor import examine
from skillstack.forecast.machine import Machine
from skillstack.forecast.plan import TrainingRequest
from skillstack.models.devices import Device

T4 = Device("cuda", "Tesla T4", (7, 5), 15_800_000_000, ((5, 0), (7, 5), (8, 0)))
LAPTOP = Machine("Linux 6 x86_64", "3.12.1", 4, 12 * 10**9, 16 * 10**9, torch="2.13.0")
ONE_T4 = replace(LAPTOP, gpus=(T4,), gpu_free=(15_000_000_000,))


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKILLSTACK_CACHE", str(tmp_path / "cache"))


def request_in(folder, **fields):
    return TrainingRequest(store=folder / "frames", **fields)


def finding(examination, subject):
    return next(found for found in examination.findings if found.subject == subject)


def problems(examination):
    return {found.subject for found in examination.findings if found.level == "problem"}


def test_this_machine_can_train_the_starter_tasks(tmp_path):
    examination = examine(request_in(tmp_path, preset="starter8"))
    assert examination.ready
    assert examination.estimate.download == 0
    assert 0 < examination.estimate.seconds.low < examination.estimate.seconds.high
    assert (examination.rules.precision.value, examination.device.kind) == ("fp32", "cpu")
    assert not list(tmp_path.glob("frames*"))


def test_before_a_run_on_a_t4_it_is_told_that_there_is_no_bf16(tmp_path):
    asked = request_in(tmp_path, model="Qwen/Qwen2.5-1.5B-Instruct")
    examination = examine(asked, ONE_T4)
    assert (examination.rules.precision.value, examination.rules.arithmetic.value) == ("nf4", "fp16")
    assert "no bf16" in finding(examination, "computes").text
    assert finding(examination, "scaler").text.startswith("fp16")
    assert finding(examination, "checkpoints").text.startswith("on")
    assert examination.estimate.rows_at_once > 0


def test_without_a_network_all_that_is_missing_is_listed(tmp_path):
    asked = request_in(tmp_path, preset="hard8", model="Qwen/Qwen2.5-1.5B-Instruct")
    examination = examine(asked, replace(ONE_T4, notebook="kaggle"))
    assert {"model", "tasks"} <= problems(examination)
    tasks = finding(examination, "tasks")
    assert all(name in tasks.text for name in asked.names)
    assert "skillstack fetch --preset hard8`" in tasks.remedy
    assert "Kaggle" in finding(examination, "session").text


def test_a_model_that_memory_cannot_hold_is_a_problem(tmp_path):
    asked = request_in(tmp_path, model="meta-llama/Llama-3.2-3B-Instruct")
    examination = examine(asked, LAPTOP)
    assert "memory" in problems(examination)
    assert "nf4" in finding(examination, "memory").remedy
    assert "memory" not in problems(examine(asked, ONE_T4))


def test_a_torch_that_cannot_be_imported_is_told_and_the_rest_as_well(tmp_path):
    words = "ImportError: libcudart.so.12: cannot open shared object file"
    broken = replace(LAPTOP, torch="", torch_error=words)
    examination = examine(request_in(tmp_path, preset="starter8"), broken)
    assert problems(examination) == {"torch"}
    assert "libcudart" in finding(examination, "torch").text
    assert finding(examination, "tasks").level == "ok"
    assert examination.estimate.seconds is None


def test_a_torch_without_code_for_the_card_is_a_problem_unless_the_cpu_is_meant(tmp_path):
    old = replace(T4, name="Tesla P100", capability=(6, 0), built_for=((7, 0), (8, 0)))
    seen = replace(ONE_T4, gpus=(old,))
    assert "gpu" in problems(examine(request_in(tmp_path), seen))
    assert examine(request_in(tmp_path, device="cpu"), seen).ready


def test_a_driver_that_torch_makes_nothing_of_is_told(tmp_path):
    seen = replace(LAPTOP, idle_driver=True)
    assert finding(examine(request_in(tmp_path), seen), "gpu").level == "note"
    assert "gpu" in problems(examine(request_in(tmp_path, device="cuda"), seen))


def test_two_gpus_are_two_processes(tmp_path):
    seen = replace(ONE_T4, gpus=(T4, T4), gpu_free=(15 * 10**9,) * 2)
    remedies = [found.remedy for found in examine(request_in(tmp_path), seen).findings]
    assert any("--num_processes 2" in remedy for remedy in remedies)


def test_a_name_that_nobody_knows_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="starter8"):
        examine(request_in(tmp_path, preset="starter9"))
    with pytest.raises(UsageError):
        examine(request_in(tmp_path, preset="starter8", tasks=("banking",)))


def test_a_synchronised_folder_is_told(tmp_path):
    for name in ("OneDrive - Firm", "Dropbox (Work)", "GoogleDrive-me@x.org"):
        found = finding(examine(request_in(tmp_path / name), LAPTOP), "synced")
        assert (found.level, name in found.text) == ("note", True)
        assert "skillstack export" in found.remedy
    assert finding(examine(request_in(tmp_path / "dropbox-clone"), LAPTOP), "store").level == "ok"


@pytest.mark.skipif(sys.platform == "win32", reason="paths of Linux")
@pytest.mark.parametrize(
    ("notebook", "store", "remedy"),
    [
        ("kaggle", "/kaggle/working/frames", "--time-limit"),
        ("kaggle", "/tmp/frames", "/kaggle/working/frames"),
        ("colab", "/content/frames", "skillstack export"),
        ("colab", "/content/drive/MyDrive/frames", ""),
    ],
)
def test_what_a_notebook_service_deletes_is_told(notebook, store, remedy):
    examination = examine(TrainingRequest(store=Path(store)), replace(LAPTOP, notebook=notebook))
    remedies = [found.remedy for found in examination.findings if found.subject == "session"]
    assert remedy in remedies[0] if remedy else not remedies


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs a folder that refuses")
def test_a_folder_that_cannot_be_written_is_a_problem(tmp_path):
    tmp_path.chmod(0o500)
    assert "store" in problems(examine(request_in(tmp_path), LAPTOP))

"""Killed with SIGKILL at random times and run again, a training ends with the ids of one never stopped."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.thorough)])
def test_killed_at_random_times_it_ends_with_the_same_ids_each_time(tmp_path, kills):
    path = os.pathsep.join(filter(None, (str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("kill.py")), str(tmp_path), str(kills), "42"],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    found = json.loads(done.stdout)
    assert found["killed"] == kills
    assert found["broken"] == []
    assert found["files_differ"] == 0
    assert len(found["whole"]) == 4
    assert found["ends"]
    assert all(end == found["whole"] for end in found["ends"])
    # Many kills hit different frames.
    assert kills < 20 or len(set(found["frames_at_kill"])) > 1

"""What the tests share: where the real data lies, and settings that must come before torch."""

import os
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest
from hypothesis import HealthCheck, settings

# Nothing depends on the clock: a busy machine is no failure.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real task data that sits beside the project, where it is there."""
    if not SHARED_DATA.is_dir() and not os.environ.get("SKILLSTACK_REQUIRE_DATA"):
        pytest.skip(f"needs the task data in {SHARED_DATA}")
    return SHARED_DATA

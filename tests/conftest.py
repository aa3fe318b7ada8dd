"""What the tests share: where the real data lies, and settings that must come before torch."""

import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest
from hypothesis import HealthCheck, settings

# Nothing depends on the clock: a busy machine is no failure. `make test-all` asks for the thorough profile.
settings.register_profile(
    "quick", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=200)
settings.load_profile("quick")

#: What takes longest comes first, so that of several processes none waits for the other's last file.
LONGEST = (
    "test_consolidation.py",
    "test_docs.py",
    "test_notebooks.py",
    "test_readme.py",
    "test_planning.py",
    "test_train.py",
)

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest first, the others in their order."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(LONGEST)))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real task data that sits beside the project, where it is there."""
    if not SHARED_DATA.is_dir() and not os.environ.get("SKILLSTACK_REQUIRE_DATA"):
        pytest.skip(f"needs the task data in {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def one_thread() -> Iterator[None]:
    """Tiny models are faster with one thread."""
    from .tiny import single_thread

    with single_thread():
        yield

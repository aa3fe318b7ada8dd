"""Small sets of shipped texts, and routers fitted on them once."""

import gzip
import json
from pathlib import Path

import pytest

import skillstack
from skillstack.routers.base import SkillSamples
from skillstack.routers.features import hash_rows
from skillstack.routers.state import RouterState, fit_state
from skillstack.store.rows import Row

STARTER = Path(skillstack.__file__).parent / "data" / "starter"
TASKS = ("yelp_sentences", "wiki_topics", "banking", "travel")


def read_rows(task: str, split: str) -> list[Row]:
    """The rows of a task that ships with the package."""
    with gzip.open(STARTER / task / f"{split}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [Row(json.loads(line)["text"]) for line in file]


@pytest.fixture(scope="session")
def train_rows() -> dict[str, list[Row]]:
    """Sixty-odd training rows of each task, spread over its classes."""
    return {task: read_rows(task, "train")[::11][:64] for task in TASKS}


@pytest.fixture(scope="session")
def held_rows() -> dict[str, list[Row]]:
    """Sixty test rows of each task."""
    return {task: read_rows(task, "test")[::5][:60] for task in TASKS}


@pytest.fixture(scope="session")
def samples(train_rows: dict[str, list[Row]]) -> tuple[SkillSamples, ...]:
    """Four skills in four frames."""
    return tuple(SkillSamples(task, i, hash_rows(rows)) for i, (task, rows) in enumerate(train_rows.items()))


@pytest.fixture(scope="session")
def state(samples: tuple[SkillSamples, ...]) -> RouterState:
    """A router state of the four skills."""
    return fit_state(samples)

import json
from pathlib import Path

import pytest

from skillstack.data.presets import catalogue, known_task
from skillstack.data.task import FAMILIES
from skillstack.errors import UsageError

STARTER = Path(__file__).parents[2] / "skillstack" / "data" / "starter"
WITHOUT_LABEL_WORDS = {"banking", "travel", "home", "work", "banking77", "clinc150", "hwu64"}


@pytest.mark.parametrize("name", catalogue())
def test_labels_family_and_pairing_are_those_of_the_data(name: str, request: pytest.FixtureRequest) -> None:
    folder = STARTER / name
    if not folder.is_dir():
        folder = request.getfixturevalue("shared_data") / name
    record = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    task = catalogue()[name]
    assert list(task.labels) == record["label_names"]
    assert task.family == record["family"]
    assert task.pair == (record["kind"] == "pair")


@pytest.mark.parametrize("name", catalogue())
def test_every_known_task_has_a_prompt_and_a_family(name: str) -> None:
    task = catalogue()[name]
    assert task.prompt
    assert task.description.endswith(".")
    assert task.family in FAMILIES
    assert bool(task.label_words) == (name not in WITHOUT_LABEL_WORDS)
    assert all(word.startswith(" ") for word in task.label_words)


def test_an_unknown_task_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r"no task 'imbd'.*'imdb'"):
        known_task("imbd")

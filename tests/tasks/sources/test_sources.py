from collections.abc import Callable
from pathlib import Path

import pytest

from skillstack.data.sources import load_task
from skillstack.errors import InputError, UsageError


def test_the_data_folder_comes_before_the_starter_tasks(make_task: Callable[..., Path]) -> None:
    root = make_task({"label_names": ["negative", "positive"]}, name="imdb_sentences")
    assert load_task("imdb_sentences", root).source.kind == "folder"
    assert load_task("imdb_sentences").source.kind == "starter"
    assert load_task("travel", root).source.kind == "starter"


def test_a_known_task_that_does_not_ship_needs_a_data_folder() -> None:
    with pytest.raises(InputError, match=r"does not ship.*--data-dir"):
        load_task("imdb")


def test_an_unknown_task_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r"no task 'imbd'.*'imdb'"):
        load_task("imbd")


def test_a_task_missing_in_the_data_folder_gets_a_suggestion(make_task: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match=r"no task 'diner'.*'dinner'"):
        load_task("diner", make_task())


@pytest.mark.parametrize("name", ["../imdb", "a/b", "", "IMDB"])
def test_names_with_path_parts_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"no valid name"):
        load_task(name)

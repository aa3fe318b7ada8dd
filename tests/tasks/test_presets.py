import json
from pathlib import Path

import pytest

from skillstack.data.presets import catalogue, load_preset, preset_names
from skillstack.errors import UsageError

DESIGN = {
    "starter8": "imdb_sentences yelp_sentences amazon_sentences wiki_topics banking travel home work",
    "hard8": "imdb yelp_polarity rotten_tomatoes sst2 amazon_polarity agnews yahoo dbpedia",
    "hard12": "imdb yelp_polarity rotten_tomatoes sst2 amazon_polarity qnli mrpc qqp boolq agnews yahoo "
    "dbpedia",
    "mixed8": "imdb amazon_polarity yelp_polarity rotten_tomatoes sst2 qqp boolq agnews",
    "hard5": "imdb agnews qqp boolq dbpedia",
}


def test_the_presets_are_those_of_the_design() -> None:
    assert set(preset_names()) == set(DESIGN)


@pytest.mark.parametrize("name", DESIGN)
def test_a_preset_lists_its_tasks_in_order(name: str) -> None:
    preset = load_preset(name)
    assert preset.task_names == tuple(DESIGN[name].split())
    assert preset.description.endswith(".")
    assert set(preset.task_names) <= set(catalogue())


@pytest.mark.parametrize("name", DESIGN)
def test_recipe_overrides_are_plain_dicts(name: str) -> None:
    preset = load_preset(name)
    assert isinstance(preset.encoder, dict)
    assert isinstance(preset.decoder, dict)


def test_starter8_needs_no_data_folder() -> None:
    assert {task.source for task in load_preset("starter8").tasks} == {"starter"}


@pytest.mark.parametrize("name", sorted(set(DESIGN) - {"starter8"}))
def test_the_pinned_sources_are_those_of_the_data(name: str, shared_data: Path) -> None:
    for task in load_preset(name).tasks:
        record = json.loads((shared_data / task.name / "task.json").read_text(encoding="utf-8"))
        assert task.source == "folder"
        assert (task.repo, task.commit, task.path) == (
            record["source_repo"],
            record["source_commit"],
            record["source_path"],
        )


@pytest.mark.parametrize("name", ["starter", "../presets/hard8", "hard8.toml", ""])
def test_an_unknown_preset_gets_a_suggestion(name: str) -> None:
    with pytest.raises(UsageError, match="no preset") as caught:
        load_preset(name)
    assert "hard8" in caught.value.hint or "starter8" in caught.value.hint

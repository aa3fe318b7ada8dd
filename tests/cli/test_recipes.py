import pytest

from skillstack.cli.recipes import chosen_recipe, preset_json, preset_words
from skillstack.errors import UsageError


def test_settings_take_the_kind_of_their_field():
    settings = ["batch_size=8", "dropout=0.1", "learning-rate=2e-4", "refit=false", "targets=value, query"]
    assert chosen_recipe({"epochs": 2}, settings) == {
        "epochs": 2,
        "batch_size": 8,
        "dropout": 0.1,
        "learning_rate": 2e-4,
        "refit": False,
        "targets": ("value", "query"),
    }


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["batchsize=8"], "batch_size"),
        (["batch_size"], "KEY=VALUE"),
        (["epochs=2"], "twice"),
        (["batch_size=many"], "batch_size"),
        (["batch_size=0"], "between"),
        (["dropout=NaN"], "dropout"),
        (["dropout=[[]]"], "dropout"),
        (["init=grandparent"], "init"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(settings, said):
    with pytest.raises(UsageError, match=said):
        chosen_recipe({"epochs": 2}, settings)


def test_presets_are_listed_with_what_they_need():
    assert {"starter8", "hard8"} <= {preset["name"] for preset in preset_json()}
    text = "\n".join(preset_words())
    assert "imdb_sentences, yelp_sentences" in text
    assert text.count("from the hub, or from --data-dir") == len(preset_json()) - 1

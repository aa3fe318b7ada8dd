"""A recipe is checked when it is made, survives a record, and says how many steps there are."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.data.presets import load_preset, preset_names
from skillstack.errors import UsageError
from skillstack.store import canonical
from skillstack.training.recipe import Recipe, default_recipe

FIELDS = {field.name: field.default for field in dataclasses.fields(Recipe)}


def test_an_unknown_name_is_refused_with_the_nearest_one():
    with pytest.raises(UsageError, match="learning_rate"):
        Recipe.from_mapping({"learning_rat": 1e-3})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", -1),
        ("epochs", 1001),
        ("r", 0),
        ("dropout", 0.95),
        ("learning_rate", float("nan")),
        ("learning_rate", -1e-3),
        ("seed", 2**31),
        ("batch_size", 0),
        ("dev_samples", 0),
        ("max_length", 7),
        ("warmup", 1.01),
        ("init", "newest"),
    ],
)
def test_what_is_out_of_range_is_refused_and_named(name, value):
    with pytest.raises(UsageError, match=name):
        Recipe(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 1.5),
        ("epochs", True),
        ("epochs", "3"),
        ("epochs", None),
        ("cache", 1),
        ("cache", "yes"),
        ("learning_rate", "1e-3"),
        ("learning_rate", False),
        ("targets", "query"),
        ("targets", [1]),
        ("init", 1),
    ],
)
def test_a_value_of_another_kind_is_refused_and_nothing_is_guessed(name, value):
    with pytest.raises(UsageError, match=name):
        Recipe.from_mapping({name: value})


def test_whole_numbers_stand_for_floats_and_the_order_of_targets_does_not_matter():
    recipe = Recipe.from_mapping({"weight_decay": 1, "targets": ["value", "query"]})
    assert repr(recipe.weight_decay) == "1.0"
    assert recipe == Recipe.from_mapping({"weight_decay": 1.0, "targets": ("query", "value")})


def test_values_come_on_top_of_another_recipe_and_leave_it_alone():
    base = Recipe(epochs=7, r=2)
    assert Recipe.from_mapping({"r": 3}, base) == dataclasses.replace(base, r=3)
    assert base.r == 2


def settings() -> st.SearchStrategy[dict[str, object]]:
    """Values within the ranges, for some of the fields."""
    return st.fixed_dictionaries(
        {},
        optional={
            "learning_rate": st.floats(0, 10),
            "dropout": st.floats(0, 0.9),
            "average": st.floats(0, 1),
            "epochs": st.integers(0, 1000),
            "cache": st.booleans(),
            "init": st.sampled_from(["auto", "parent", "fresh"]),
            "targets": st.lists(st.sampled_from(["query", "key", "value"]), unique=True),
        },
    )


@given(settings())
def test_a_record_is_canonical_json_from_which_the_very_same_recipe_comes_back(values):
    recipe = Recipe.from_mapping(values)
    record = canonical.loads(canonical.dumps(recipe.to_record()), what="a recipe")
    read = {
        name: float(value) if isinstance(FIELDS[name], float) else value for name, value in record.items()
    }
    assert Recipe.from_mapping(read) == recipe
    assert all(isinstance(record[name], str) for name, value in FIELDS.items() if isinstance(value, float))


@given(
    rows=st.integers(1, 5000),
    batch_size=st.integers(1, 64),
    epochs=st.integers(0, 20),
    max_steps=st.integers(0, 500),
    min_epochs=st.integers(0, 3),
)
def test_steps_are_the_epochs_or_the_limit_but_never_fewer_than_the_least_epochs(
    rows, batch_size, epochs, max_steps, min_epochs
):
    recipe = Recipe(batch_size=batch_size, epochs=epochs, max_steps=max_steps, min_epochs=min_epochs)
    steps = recipe.steps(rows)
    per_epoch = (rows + batch_size - 1) // batch_size
    assert 0 <= steps <= epochs * per_epoch
    if max_steps == 0:
        assert steps == epochs * per_epoch
    else:
        assert steps <= max(max_steps, min_epochs * per_epoch)
        assert steps >= min(epochs * per_epoch, max_steps, min_epochs * per_epoch or max_steps)


@pytest.mark.parametrize(
    ("model", "kind"),
    [("minilm", "encoder"), ("smollm2", "decoder"), ("x", "encoder"), ("x", "decoder")],
)
def test_every_base_has_a_recipe_and_every_preset_fits_on_top(model, kind):
    recipe = default_recipe(model, kind)
    assert recipe.samples_per_class == 48
    for name in preset_names():
        preset = load_preset(name)
        Recipe.from_mapping(preset.encoder if kind == "encoder" else preset.decoder, recipe)


def test_large_language_models_train_as_the_documents_say():
    recipe = default_recipe("any/llm", "decoder")
    assert (recipe.samples_per_class, recipe.max_length, recipe.epochs) == (48, 160, 3)
    assert (recipe.learning_rate, recipe.r, recipe.alpha, recipe.dropout) == (2e-4, 16, 32, 0.05)
    assert (recipe.router_samples, recipe.seed, recipe.targets) == (256, 42, ())

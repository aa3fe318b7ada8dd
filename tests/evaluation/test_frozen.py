"""The baseline on the frozen base is fitted once from the frame's own rows, and kept."""

from dataclasses import replace

import numpy as np
import pytest

from skillstack.data.sources import load_task
from skillstack.errors import InputError
from skillstack.evaluation.baselines import frozen_linear
from skillstack.store.derived import FOLDER, Derived
from skillstack.training.baseline import KIND
from skillstack.training.recipe import Recipe

from ..tiny import meanwhile
from .world import TASKS, no_base


@pytest.fixture
def baseline(stack):
    """Makes the baseline of a frame."""

    def baseline(load=None, precision="fp32", data=None, **recipe):
        content = stack.frame(TASKS[0]).content
        if recipe:
            content = replace(content, recipe={**content.recipe, **recipe})
        return frozen_linear(
            stack.store.root / FOLDER,
            load or (lambda: stack.loaded()),
            content,
            content.skills[0],
            data or load_task(TASKS[0]),
            precision=precision,
        )

    return baseline


def test_its_key_is_known_before_anything_is_fitted(baseline):
    assert len(baseline(no_base).key) == 64
    assert baseline(no_base).key == baseline(no_base).key


def test_it_is_fitted_once_and_then_read(stack, baseline):
    first = baseline()
    head = first.head()
    assert first.head() is head
    again = baseline(no_base).head()
    assert np.array_equal(head.weight, again.weight) and np.array_equal(head.bias, again.bias)


def test_it_is_as_good_on_dev_as_the_training_found_the_frozen_base_to_be(stack, baseline):
    from skillstack.models.encoding import encode
    from skillstack.models.features import features_of
    from skillstack.models.split import SplitModel
    from skillstack.skills.head_training import measure
    from skillstack.training.data import choose_rows, labels_of, rows_of

    content = stack.frame(TASKS[0]).content
    rows = choose_rows(load_task(TASKS[0]), Recipe.from_record(content.recipe))
    head = baseline().head()
    with stack.loaded().alone() as slot:
        encoded = encode(slot.base, rows_of(rows.dev), content.skills[0].rendering)
        dev = measure(head, features_of(SplitModel(slot.base, 0), encoded), labels_of(rows.dev))
    assert dev == content.skills[0].metrics["frozen_linear_dev"]


def test_a_frames_adapter_in_the_slot_does_not_change_it(stack, baseline):
    loaded = stack.loaded()
    clean = baseline().head()
    Derived(stack.store.root / FOLDER, KIND).path(baseline().key).unlink()
    content = stack.frame(TASKS[1]).content
    with loaded.alone(loaded.answerer(content, content.skills[0])):
        pass
    np.testing.assert_allclose(baseline().head().weight, clean.weight, rtol=1e-2, atol=1e-4)


def test_other_threads_that_ask_the_stack_do_not_change_it(stack, baseline):
    clean = baseline().head()
    with meanwhile(lambda: stack.predict("A fine film.", frame=TASKS[1])):
        for _ in range(5):
            Derived(stack.store.root / FOLDER, KIND).path(baseline().key).unlink()
            np.testing.assert_allclose(baseline().head().weight, clean.weight, rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize(
    "change",
    [{"precision": "bf16"}, {"seed": 7}, {"samples_per_class": 8}, {"dev_samples": 16}],
    ids=lambda change: next(iter(change)),
)
def test_what_would_give_another_head_gives_another_key(baseline, change):
    assert baseline(no_base, **change).key != baseline(no_base).key


def test_other_rows_give_another_key_and_what_does_not_matter_gives_the_same(baseline):
    data = load_task(TASKS[2])
    assert baseline(no_base, data=data).key != baseline(no_base).key
    assert baseline(no_base, epochs=9).key == baseline(no_base).key


def test_a_damaged_head_is_fitted_again(stack, baseline):
    head = baseline().head()
    path = Derived(stack.store.root / FOLDER, KIND).path(baseline().key)
    path.write_bytes(path.read_bytes()[:-1])
    np.testing.assert_allclose(baseline().head().weight, head.weight, rtol=1e-2, atol=1e-4)


def test_rows_that_lack_a_label_are_an_error_before_the_base_is_loaded(baseline):
    data = load_task(TASKS[0])
    some = replace(data, train=tuple(one for one in data.train if one.label == 0), validation=())
    with pytest.raises(InputError, match="no training rows of 'positive'"):
        baseline(no_base, data=some, seed=7).head()


def test_rows_of_other_labels_are_an_error_before_the_base_is_loaded(baseline):
    with pytest.raises(InputError, match=r"other labels: .* that they have and the skill lacks"):
        baseline(no_base, data=load_task(TASKS[1])).head()


def test_a_recipe_that_cannot_be_meant_is_an_error_of_the_rows(baseline):
    with pytest.raises(InputError, match=r"recipe of the frame 'imdb_sentences'"):
        baseline(no_base, samples_per_class=-1).head()


def test_settings_that_no_recipe_of_a_training_has_do_not_matter(baseline):
    assert baseline(no_base, merged_by="somebody").head().labels == 2


def test_a_training_keeps_the_head_so_that_an_evaluation_fits_nothing(baseline):
    assert baseline(no_base).head().labels == 2

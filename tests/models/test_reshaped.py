"""An adapter in another shape makes the same update."""

import numpy as np

from skillstack.models.lora import LoraSpec
from skillstack.models.slot import reshaped

NAME = "base_model.model.layer.{}.query.lora_{}.weight"


def adapter(r, layers=(0, 1), seed=0):
    rng = np.random.default_rng(seed)
    found = {}
    for layer in layers:
        found[NAME.format(layer, "A")] = rng.normal(size=(r, 6)).astype(np.float32)
        found[NAME.format(layer, "B")] = rng.normal(size=(5, r)).astype(np.float32)
    return found


def spec(r, alpha):
    return LoraSpec(r, alpha, 0.0, ("query",), 0)


def shapes(tensors):
    return {name: tensor.shape for name, tensor in tensors.items()}


def update(tensors, scaling, layer):
    return scaling * tensors[NAME.format(layer, "B")] @ tensors[NAME.format(layer, "A")]


def test_what_fits_is_taken_as_it_is():
    one = adapter(4)
    assert reshaped(one, 2.0, spec(4, 8), shapes(one)) is one


def test_another_scaling_and_a_lower_rank_give_the_same_update():
    one, wanted = adapter(2), shapes(adapter(4))
    found = reshaped(one, 1.0, spec(4, 8), wanted)
    assert shapes(found) == wanted
    for layer in (0, 1):
        np.testing.assert_allclose(update(found, 2.0, layer), update(one, 1.0, layer), atol=1e-6)
    # What is added can learn: with both factors zero it never would.
    assert found[NAME.format(0, "A")][2:].any() and not found[NAME.format(0, "B")][:, 2:].any()


def test_layers_that_are_added_change_nothing():
    one, wanted = adapter(4, layers=(1,)), shapes(adapter(4))
    found = reshaped(one, 2.0, spec(4, 8), wanted)
    assert not update(found, 2.0, 0).any()
    np.testing.assert_allclose(update(found, 2.0, 1), update(one, 2.0, 1), atol=1e-6)


def test_what_would_be_cut_off_is_not_taken():
    wide = adapter(4)
    assert reshaped(wide, 1.0, spec(2, 2), shapes(adapter(2))) is None
    assert reshaped(wide, 2.0, spec(4, 8), shapes(adapter(4, layers=(1,)))) is None

"""Features come in the rows' order and do not depend on the batches."""

import numpy as np
import pytest

from skillstack.models.encoding import encode
from skillstack.models.features import HiddenCache, features, features_of
from skillstack.models.loading import load_base
from skillstack.models.split import SplitModel
from skillstack.store.records import Rendering

from .tiny import ROWS


@pytest.mark.parametrize("name", ["minilm", "llama"])
def test_one_by_one_or_together_kept_or_not_they_are_the_same(folders, name):
    base = load_base("minilm" if name == "minilm" else str(folders.llama), device="cpu")
    encoded = encode(base, ROWS, Rendering())
    alone = np.concatenate([features_of(SplitModel(base, 0), encoded.select([n])) for n in range(3)])
    cache = HiddenCache(SplitModel(base, 2), encoded)
    cache.fill()
    seen = []
    assert np.allclose(features(cache, progress=seen.append), alone, atol=1e-4)
    assert np.allclose(features_of(SplitModel(base, 2), encoded, batch_size=2), alone, atol=1e-4)
    assert alone.dtype == np.float32
    assert sum(seen) == 3


def test_no_rows_have_no_features(minilm):
    assert features_of(SplitModel(minilm, 3), encode(minilm, [], Rendering())).shape == (0, 384)

"""Router samples come in three forms, each recognised by its bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.errors import IntegrityError, SkillStackError, StoreError
from skillstack.store import canonical
from skillstack.store.rows import Row
from skillstack.store.samples import FeatureSamples, ReferenceSamples, TextSamples, read_samples

from .strategies import EXAMPLES, MANY, digests, texts

lines = texts.filter(lambda text: text.strip() and "\0" not in text)
rows = st.builds(Row, text=lines, text_pair=st.none() | lines)


@EXAMPLES
@given(st.lists(rows, max_size=4).map(tuple))
def test_texts_are_read_back(samples):
    assert read_samples(TextSamples(samples).to_bytes()) == TextSamples(samples)


@EXAMPLES
@given(texts, st.lists(digests, max_size=4).map(tuple))
def test_references_are_read_back(source, samples):
    assert read_samples(ReferenceSamples(source, samples).to_bytes()) == ReferenceSamples(source, samples)


def test_features_are_read_back():
    found = read_samples(FeatureSamples({"rows": np.arange(4, dtype=np.int32)}).to_bytes())
    assert isinstance(found, FeatureSamples)
    assert found.arrays["rows"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {"format": 1},
        {"format": 0, "kind": "text", "rows": []},
        {"format": "1", "kind": "text", "rows": []},
        {"format": 1, "kind": "other", "rows": []},
        {"format": 1, "kind": "text"},
        {"format": 1, "kind": "text", "rows": "ab"},
        {"format": 1, "kind": "text", "rows": ["ab"]},
        {"format": 1, "kind": "text", "rows": [[]]},
        {"format": 1, "kind": "text", "rows": [["a", "b", "c"]]},
        {"format": 1, "kind": "text", "rows": [[""]]},
        {"format": 1, "kind": "text", "rows": [[1]]},
        {"format": 1, "kind": "text", "rows": [{"text": "a"}]},
        {"format": 1, "kind": "reference", "rows": ["../x"], "source": "s"},
        {"format": 1, "kind": "reference", "rows": []},
    ],
)
def test_other_records_are_refused(value):
    with pytest.raises(IntegrityError):
        read_samples(canonical.dumps(value))


def test_a_newer_format_asks_for_an_update():
    with pytest.raises(StoreError, match="Update"):
        read_samples(canonical.dumps({"format": 2, "kind": "text", "rows": []}))


@MANY
@given(st.binary(max_size=60))
def test_random_bytes_are_refused(data):
    with pytest.raises(SkillStackError):
        read_samples(data)

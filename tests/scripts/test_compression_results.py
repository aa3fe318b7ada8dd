"""Measurements of compression are found at any depth, and nothing else is taken for one."""

from __future__ import annotations

import copy
import importlib
import json

import pytest
from compression_results import read_compressions
from hypothesis import given
from hypothesis import strategies as st

from skillstack.errors import InputError

from ..reports.world import SKILL, evaluation
from .measurements import compression, measured, put, refused, stream


def test_they_are_found_at_any_depth_seeds_and_orders_as_numbers(tmp_path):
    measured(tmp_path)
    put(tmp_path, "deep/er/order-10.json", stream() | {"preset": "hard4"})
    put(tmp_path, "compression/mixed8-minilm/table.md", "no JSON")
    put(tmp_path, "methods/ewc.forward.42.json", {"of": "a bench"})
    found = read_compressions(tmp_path)
    assert [one.seed for one in found.seeds] == [42, 123]
    assert [one.order for one in found.streams] == ["1", "2", "10"]


def test_what_a_document_says_is_what_is_read(tmp_path):
    found = measured(tmp_path)
    first, second = found.seeds
    family, whole = first.outcomes
    assert (family.what, family.frames_before, family.frames_after, family.share) == ("family", 4, 3, 0.412)
    assert whole.share == 0.248
    assert family.test.worst.task == "imdb" and family.test.given.difference == 0.0
    assert [one.redundancy for one in first.boundary] == [0.25, None]
    assert (second.outcomes[0].test, second.outcomes[0].verdict) == (None, "cannot tell")
    assert second.boundary == ()
    one, two = found.streams
    assert (one.share, two.share) == (0.75, 0.75)
    assert one.merged[0].routed is None
    assert (one.given.difference, one.given.interval.high) == (-0.004, 0.003)


def test_commands_and_versions_are_kept_each_once_without_folders(tmp_path):
    document = compression() | {"command": "python scripts/measure.py --data-dir /home/jo/rows --seeds 42"}
    put(tmp_path, "seed-42.json", document)
    put(tmp_path, "order-1.json", stream())
    assert read_compressions(tmp_path).source == {
        "seed 42, mixed8": "python scripts/measure.py --data-dir rows --seeds 42",
        "order 1, hard4": "python scripts/measure_auto_compress.py --preset hard4 --orders 1",
        "measured with": "python 3.11.9, numpy 2.0",
    }


def test_a_folder_that_is_none_or_holds_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="There is no folder") as refusal:
        read_compressions(tmp_path / "none")
    assert "measure_compression.py" in refusal.value.hint
    put(tmp_path, "methods/ewc.forward.42.json", {})
    with pytest.raises(InputError, match="holds no measurement") as refusal:
        read_compressions(tmp_path)
    assert "measure_auto_compress.py" in refusal.value.hint


def test_the_same_seed_twice_is_refused(tmp_path):
    put(tmp_path, "a/seed-42.json", compression())
    put(tmp_path, "b/seed-42.json", compression())
    with pytest.raises(InputError, match="seed 42, mixed8 twice"):
        read_compressions(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema": 1}', "[" * 100_000, "\ud800"])
@pytest.mark.parametrize("name", ["seed-1.json", "order-1.json"])
def test_a_file_that_is_no_such_document_is_named(tmp_path, name, text):
    (tmp_path / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(InputError, match=name) as refusal:
        read_compressions(tmp_path)
    assert "out of the folder" in refusal.value.hint


def places(value, path=()):
    """All places of a document."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


DOCUMENTS = {"seed-42.json": compression(), "order-1.json": stream()}
STRANGE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
    st.lists(st.integers(), max_size=2),
    st.just({}),
)


@given(st.sampled_from(sorted(DOCUMENTS)), st.data(), STRANGE)
def test_whatever_stands_in_a_place_it_is_read_or_refused_and_can_be_written(
    tmp_path_factory, name, data, strange
):
    document = copy.deepcopy(DOCUMENTS[name])
    *way, last = data.draw(st.sampled_from(list(places(document))))
    inside = document
    for step in way:
        inside = inside[step]
    inside[last] = strange
    folder = tmp_path_factory.mktemp("measured")
    put(folder, name, document)
    try:
        found = read_compressions(folder)
    except InputError as refusal:
        assert name in refusal.message
    else:
        json.dumps(found.to_json(), allow_nan=False)


def test_what_was_done_without_a_guard_is_refused(tmp_path):
    document = compression()
    document["family"]["guarded"] = None
    put(tmp_path, "seed-42.json", document)
    with pytest.raises(InputError):
        read_compressions(tmp_path)


def test_the_script_that_measures_writes_what_is_read(tmp_path, monkeypatch):
    """Its comparison of two evaluations is read; its own table can be made of the documents used here."""
    for variable in ("OMP_WAIT_POLICY", "HF_HUB_OFFLINE"):  # the script sets them where they are not
        monkeypatch.setenv(variable, "1")
    script = importlib.import_module("measure_compression")
    after = evaluation(skill=SKILL | {"task_aware": 0.85})
    document = compression()
    document["family"]["test"] = script.compared(evaluation(), after)
    document["boundary"]["removals"] = document["boundary"]["removals"][:1]
    put(tmp_path, "seed-42.json", document)
    (one,) = read_compressions(tmp_path).seeds
    test = one.outcomes[0].test
    assert [task.n for task in test.tasks] == [80, 80, 80]
    assert test.given.after == pytest.approx(after.modes["task_aware"].accuracy, abs=1e-6)
    put(tmp_path, "seed-123.json", compression(123, refused()))
    put(tmp_path, "seed-7.json", compression(7, refused(None)))
    table = script.table(read_compressions(tmp_path))
    assert "41.2" in table and "not asked" in table and "too few guard rows for yelp" in table

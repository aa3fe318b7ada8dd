"""What a stack consists of, in an order in which a crash leaves garbage and never a broken record."""

from __future__ import annotations

import pytest

from skillstack.errors import IntegrityError
from skillstack.store.bundle import bundle_contents, content_items, measurements
from skillstack.store.canonical import sha256

from .builders import chain, push


def test_what_a_record_names_comes_before_the_record(full):
    push(full, "main", "alpha-2", version=1)
    bundle = bundle_contents(full, full.tip("main"))
    place = {item.path: number for number, item in enumerate(bundle.items)}
    assert len(place) == len(bundle.items)
    for content_id, content in bundle.chain:
        record = place[f"contents/{content_id}.json"]
        assert all(place[path] < record for path in content.files)
        assert all(record < place[f"nodes/{node}.json"] for node in chain(full, "main"))
    nodes = [item.digest for item in bundle.items if item.path.startswith("nodes/")]
    assert nodes == chain(full, "main")[::-1]


def test_every_file_is_named_with_the_digest_that_it_has(full):
    bundle = bundle_contents(full, full.tip("main"))
    for item in (*bundle.items, *measurements(full, bundle)):
        assert sha256(full.read(item.path)) == item.digest
    _, content = bundle.chain[0]
    assert [item.path for item in content_items(content)] == list(content.files)


def test_texts_are_told_from_what_holds_none(full):
    with_texts = bundle_contents(full, full.tip("main"))
    without = bundle_contents(full, full.tip("main"), with_texts=False)
    assert [texts.rows for texts in with_texts.texts] == [2] and not with_texts.redacted
    assert without.redacted == with_texts.texts and not without.texts
    (gone,) = {item.path for item in with_texts.items} - {item.path for item in without.items}
    assert gone == f"samples/{with_texts.texts[0].digest}"


def test_measurements_of_other_frames_stay_at_home(full):
    full.put_measurement("e" * 64, "test", {"n": 1})
    bundle = bundle_contents(full, full.tip("main"))
    (found,) = measurements(full, bundle)
    assert found.path.partition("/")[2][:64] in bundle.behaviours
    (full.root / found.path).write_bytes(b"{}")
    with pytest.raises(IntegrityError):
        measurements(full, bundle)


def test_its_stages_are_all_items_with_what_a_record_names_in_an_earlier_one(full):
    bundle = bundle_contents(full, full.tip("main"))
    files, contents, nodes = bundle.stages
    assert (*files, *contents, *nodes) == bundle.items
    assert {item.path.partition("/")[0] for item in contents} == {"contents"}
    assert {item.path.partition("/")[0] for item in nodes} == {"nodes"}
    assert not {item.path.partition("/")[0] for item in files} & {"contents", "nodes"}

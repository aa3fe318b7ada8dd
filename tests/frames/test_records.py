"""Contents and nodes: canonical bytes, ids that sha256sum checks, and readers that accept nothing else."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.errors import IntegrityError, StoreError
from skillstack.store import canonical
from skillstack.store.canonical import sha256
from skillstack.store.records import Count, FrameRecord, Node

from .builders import make_content, with_field, without_field
from .strategies import EXAMPLES, contents, names, nodes


@EXAMPLES
@given(contents)
def test_a_content_is_read_back_from_its_bytes(content):
    found = FrameRecord.from_bytes(content.to_bytes())
    assert found == content
    assert found.id == content.id == sha256(content.to_bytes())


@EXAMPLES
@given(nodes)
def test_a_node_is_read_back_from_its_bytes(node):
    assert Node.from_bytes(node.to_bytes()) == node
    assert node.id == sha256(node.to_bytes())


def test_sha256sum_gives_a_node_and_a_content_their_ids(full):
    if shutil.which("sha256sum") is None:
        pytest.skip("needs sha256sum")
    for folder in ("nodes", "contents"):
        for path in (full.root / folder).iterdir():
            out = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout
            assert out.split()[0] == path.stem


@pytest.fixture
def data(store) -> bytes:
    return make_content(store, init_from=None).to_bytes()


def _paths(value: object, prefix: tuple = ()) -> list[tuple]:
    found = []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if isinstance(value, dict) and not (prefix and prefix[-1] in ("metrics", "source", "recipe")):
            found.append((*prefix, key))
        found += _paths(item, (*prefix, key))
    return found


def test_every_missing_field_is_refused(data):
    paths = _paths(json.loads(data))
    assert len(paths) > 30
    for path in paths:
        with pytest.raises(IntegrityError):
            FrameRecord.from_bytes(without_field(data, *path))


def test_every_unknown_field_is_refused(data):
    for holder in (
        (),
        ("base",),
        ("adapter",),
        ("skills", 0),
        ("skills", 0, "rendering"),
        ("skills", 0, "metrics", "dev"),
    ):
        with pytest.raises(IntegrityError):
            FrameRecord.from_bytes(with_field(data, 1, *holder, "unknown"))
    with pytest.raises(IntegrityError):
        Node.from_bytes(with_field(Node("a" * 64, None).to_bytes(), 1, "unknown"))


@pytest.mark.parametrize("wrong", [None, True, -1, 3, "x", "../x", [], {}, [1], {"a": 1}])
def test_a_field_of_another_type_is_refused_or_a_valid_content(data, wrong):
    for path in _paths(json.loads(data)):
        altered = with_field(data, wrong, *path)
        try:
            found = FrameRecord.from_bytes(altered)
        except StoreError:
            continue
        assert found.to_bytes() == altered


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("name",), "../up"),
        (("name",), "con"),
        (("adapter", "name"), "a/b"),
        (("adapter", "model"), "../../etc/passwd"),
        (("skills",), []),
        (("skills", 0, "head"), "../x"),
        (("skills", 0, "labels"), ["one"]),
        (("skills", 0, "labels"), ["a", "a"]),
        (("skills", 0, "kind"), "generation"),
        (("skills", 0, "metrics", "dev"), {"correct": 11, "n": 10}),
        (("skills", 0, "rendering", "truncation"), "middle"),
        (("skills", 0, "rendering", "prompt"), "x" * 70_000),
        (("precision",), "fp8"),
        (("pooling",), "cls"),
        (("plan",), "short"),
        (("init_from",), "short"),
        (("format",), 0),
        (("format",), True),
        (("format",), "1"),
    ],
)
def test_an_impossible_value_is_refused(data, path, wrong):
    with pytest.raises(IntegrityError):
        FrameRecord.from_bytes(with_field(data, wrong, *path))


def test_a_newer_format_asks_for_an_update(data):
    node = Node("a" * 64, None).to_bytes()
    for read, record, newer in ((FrameRecord.from_bytes, data, 3), (Node.from_bytes, node, 2)):
        with pytest.raises(StoreError) as caught:
            read(with_field(record, newer, "format"))
        assert not isinstance(caught.value, IntegrityError)
        assert "Update" in caught.value.hint


@pytest.mark.parametrize("parent", ["", "x", "../a", "A" * 64, 3, []])
def test_a_parent_that_is_no_id_is_refused(parent):
    record = canonical.dumps({"content": "a" * 64, "format": 1, "parent": parent})
    with pytest.raises(IntegrityError):
        Node.from_bytes(record)


@EXAMPLES
@given(contents, st.data())
def test_an_id_depends_on_every_field(content, data):
    field = data.draw(st.sampled_from(["name", "precision", "pooling", "plan", "canaries", "init_from"]))
    other = data.draw(contents)
    changed = dataclasses.replace(content, **{field: getattr(other, field)})
    assert (changed.id == content.id) == (getattr(other, field) == getattr(content, field))


@EXAMPLES
@given(contents, names)
def test_behaviour_ignores_names_metrics_recipe_and_lineage(content, name):
    skill = content.skills[0]
    renamed = dataclasses.replace(
        skill, name=name, task=name, family=name, samples=None, metrics={}, source={}
    )
    moved = dataclasses.replace(
        content, name=name, recipe={}, plan="", init_from=None, canaries=None, skills=(renamed,)
    )
    assert moved.behaviour(renamed) == content.behaviour(skill)


def test_behaviour_depends_on_all_that_decides_an_answer(store):
    content = make_content(store)
    skill = content.skills[0]
    digest = "f" * 64
    changed = [
        content.behaviour(dataclasses.replace(skill, head=digest)),
        content.behaviour(dataclasses.replace(skill, labels=("good", "bad"))),
        content.behaviour(
            dataclasses.replace(skill, rendering=dataclasses.replace(skill.rendering, max_length=17))
        ),
    ]
    for field, value in (
        ("precision", "nf4"),
        ("pooling", "last"),
        ("adapter", None),
        ("adapter", dataclasses.replace(content.adapter, model=digest)),
        ("adapter", dataclasses.replace(content.adapter, config=digest)),
        ("base", dataclasses.replace(content.base, weights=digest)),
        ("base", dataclasses.replace(content.base, tokenizer=digest)),
    ):
        changed.append(dataclasses.replace(content, **{field: value}).behaviour(skill))
    assert len({content.behaviour(skill), *changed}) == len(changed) + 1


def test_a_base_is_told_by_weights_and_tokenizer_and_not_by_its_name(store):
    base = make_content(store).base
    assert base.same_as(dataclasses.replace(base, name="other", revision="2"))
    assert not base.same_as(dataclasses.replace(base, weights="f" * 64))
    assert not base.same_as(dataclasses.replace(base, tokenizer="f" * 64))


def test_an_accuracy_without_rows_is_zero():
    assert Count(0, 0).accuracy == 0.0
    assert Count(3, 4).accuracy == 0.75


def test_a_content_names_each_file_once(store):
    content = make_content(store)
    twice = dataclasses.replace(content, skills=(content.skills[0], content.skills[0]))
    assert twice.files == content.files
    assert len(content.files) == 6

"""The store: a folder of files that their digests name."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from skillstack.errors import IntegrityError, StoreError, UsageError
from skillstack.store import canonical, tensors
from skillstack.store import canonical as sealed
from skillstack.store import files as atomic
from skillstack.store.canonical import sha256
from skillstack.store.records import Node
from skillstack.store.store import Store

from .builders import chain, files, make_content, numbers, push, rebase, with_field


def test_a_new_store_is_empty_and_opened_again(tmp_path):
    store = Store.create(tmp_path / "a" / "frames")
    assert store.stacks() == () and store.head_stack() is None and store.tip("main") is None
    assert Store.create(store.root) == Store.open(store.root) == store
    assert files(store.root) == ["store.json"]


def test_router_states_lie_beside_a_folder_called_frames_and_else_inside(tmp_path):
    assert Store.create(tmp_path / "frames").routers.resolve() == (tmp_path / "routers").resolve()
    assert Store.create(tmp_path / "mine").routers == tmp_path / "mine" / "routers"


def test_a_folder_with_other_things_is_never_taken(tmp_path):
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "picture.png").write_bytes(b"x")
    (tmp_path / "file").write_bytes(b"x")
    for root in (tmp_path / "frames", tmp_path / "file"):
        with pytest.raises(StoreError, match="exists and is no store"):
            Store.create(root)
    assert files(tmp_path) == ["file", "frames/picture.png"]


def test_a_folder_in_which_making_a_store_was_killed_is_taken(tmp_path):
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / f"{atomic.TEMPORARY}1").write_bytes(b'{"for')
    assert Store.create(tmp_path / "frames").stacks() == ()


def test_there_is_no_store_where_none_was_made(tmp_path):
    with pytest.raises(StoreError, match="There is no store in"):
        Store.open(tmp_path)


def test_a_store_of_a_newer_format_asks_for_an_update(store):
    marker = store.root / "store.json"
    marker.write_bytes(with_field(marker.read_bytes(), 3, "format"))
    with pytest.raises(StoreError, match=r"format 3; this version reads up to 2\. Update") as caught:
        Store.open(store.root)
    assert not isinstance(caught.value, IntegrityError)


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {"format": 1},
        {"format": 0, "routers": "routers"},
        {"format": "1", "routers": "routers"},
        {"format": 1, "routers": "/etc"},
        {"format": 1, "routers": "../../routers"},
        {"format": 1, "routers": "routers", "more": 1},
    ],
)
def test_a_damaged_marker_is_refused(store, value):
    (store.root / "store.json").write_bytes(canonical.dumps(value))
    with pytest.raises(IntegrityError, match=r"store\.json"):
        Store.open(store.root)


def test_every_kind_of_file_is_read_back(store):
    content = make_content(store)
    content_id = store.put_content(content)
    assert store.content(content_id) == content
    node = Node(content_id, None)
    assert store.node(store.put_node(node)) == node
    skill = content.skills[0]
    assert store.head(skill.head)["weight"].tolist() == numbers("head alpha 0", 2, 4).tolist()
    assert [row.text for row in store.samples(skill.samples).rows] == ["alpha is fine", "a pair"]
    assert store.canaries(content.canaries)["name"] == "alpha 0"
    assert set(store.adapter_tensors(content.adapter)) == {"a.lora_A.weight", "a.lora_B.weight"}
    assert json.loads(store.adapter_config(content.adapter)) == {"peft_type": "LORA", "r": 1}
    store.put_measurement("a" * 64, "test", {"n": 3})
    assert store.measurement("a" * 64, "test") == {"n": 3}
    assert store.measurement("a" * 64, "other") is None


def test_a_file_is_named_by_its_digest(full):
    for folder in ("nodes", "contents", "heads", "samples", "canaries"):
        for path in (full.root / folder).iterdir():
            assert path.name.split(".")[0] == sha256(path.read_bytes())


def test_the_same_content_is_kept_once_and_at_another_place_is_another_node(store):
    one = push(store, "one", "alpha")
    push(store, "two", "beta")
    two = push(store, "two", "alpha")
    assert one != two
    assert store.node(one).content == store.node(two).content
    assert push(store, "three", "alpha") == one
    assert len(list((store.root / "contents").iterdir())) == 2


def test_rebasing_changes_nodes_and_keeps_contents(store):
    for name in ("alpha", "beta", "gamma"):
        push(store, "main", name)
    before = [store.node(node) for node in chain(store, "main")]
    rebase(store, "main", [node.content for node in reversed(before)][1:])
    after = [store.node(node) for node in chain(store, "main")]
    assert [node.content for node in after] == [node.content for node in before[:2]]
    assert not set(chain(store, "main")) & {node.id for node in before}


def test_a_content_without_its_files_is_not_kept(store):
    content = make_content(store)
    for relative in content.files:
        data = (store.root / relative).read_bytes()
        (store.root / relative).unlink()
        with pytest.raises(IntegrityError, match="is missing"):
            store.put_content(content)
        (store.root / relative).write_bytes(data)
    store.put_content(content)


@pytest.mark.parametrize("change", [{"precision": "fp8"}, {"name": "../x"}, {"plan": "x"}, {"skills": ()}])
def test_a_content_that_no_reader_accepts_is_not_kept(store, change):
    with pytest.raises(IntegrityError):
        store.put_content(dataclasses.replace(make_content(store), **change))
    assert not (store.root / "contents").exists()


def test_a_node_of_something_else_than_ids_is_not_kept(store):
    with pytest.raises(IntegrityError):
        store.put_node(Node("x", None))


@pytest.mark.parametrize("kind", ["node", "content", "head", "samples", "canaries"])
def test_a_reference_with_path_parts_reaches_no_file(store, kind):
    for reference in ("../store", "../../etc/passwd", "", "A" * 64):
        with pytest.raises(IntegrityError, match="digest"):
            getattr(store, kind)(reference)


@pytest.mark.parametrize("name", ["../x", "a/b", "", "A", "con"])
def test_a_stack_with_path_parts_reaches_no_file(store, name):
    for run in (
        store.tip,
        store.check_stack,
        store.set_head_stack,
        lambda n: store.put_adapter(n, b"", b"", b""),
    ):
        with pytest.raises(UsageError):
            run(name)
    with pytest.raises(UsageError):
        store.put_measurement("a" * 64, f"x/{name}", {})


def test_an_unknown_stack_suggests_a_known_one(full):
    with pytest.raises(UsageError, match="Did you mean 'main'"):
        full.check_stack("mian")


def test_a_missing_and_an_altered_file_are_named(full):
    node = full.tip("main")
    path = full.root / "nodes" / f"{node}.json"
    data = path.read_bytes()
    path.write_bytes(data[:-2] + b"x}")
    with pytest.raises(IntegrityError, match=rf"{node}.json was altered"):
        list(full.chain("main"))
    path.unlink()
    with pytest.raises(IntegrityError, match=rf"{node}.json is missing"):
        list(full.chain("main"))


def test_a_head_of_impossible_shape_is_refused(store):
    bad = [
        ({"weight": numbers("w", 4)}, "is no head"),
        ({"weight": numbers("w", 2, 4), "bias": numbers("b", 3)}, "bias of another size"),
        ({"weight": numbers("w", 2, 4), "more": numbers("b", 3)}, "is no head"),
        ({"bias": numbers("b", 3)}, "is no head"),
    ]
    for named, reason in bad:
        digest = store._put("heads", tensors.dump(named), ".safetensors")
        with pytest.raises(IntegrityError, match=reason):
            store.head(digest)
    assert store.head(store.put_head(np.ones((2, 3), dtype=np.float32), None)).keys() == {"weight"}


def test_an_implausibly_large_file_is_refused_before_it_is_read(store):
    path = store.root / "heads" / f"{'a' * 64}.safetensors"
    path.parent.mkdir()
    with path.open("wb") as file:
        file.truncate(5 << 30)  # sparse
    with pytest.raises(IntegrityError, match="implausibly large"):
        store.head("a" * 64)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"x 1\n",
        b"- 01\n",
        b"a" * 64,
        b"a" * 64 + b"\n",
        b"a" * 64 + b" 0\n",
        b"a" * 64 + b" 1",
        b"A" * 64 + b" 1\n",
        b"\xff" * 64 + b" 1\n",
    ],
)
def test_a_damaged_tip_is_refused(store, data):
    (store.root / "stacks").mkdir()
    (store.root / "stacks" / "main").write_bytes(data)
    with pytest.raises(IntegrityError, match="stacks/main holds no id"):
        store.tip("main")


def test_the_current_stack_is_remembered(full):
    assert full.head_stack() == "main"
    full.set_head_stack("other")
    assert full.head_stack() == "other"


def test_a_store_for_reading_only_refuses_every_change(full):
    store = Store.open(full.root, read_only=True)
    before = files(full.root)
    content = next(iter(full.content(node.content) for _, node in full.chain("main")))
    for change in (
        lambda: store.put_content(content),
        lambda: store.put_node(Node("a" * 64, None)),
        lambda: store.put_head(numbers("x", 2, 2), None),
        lambda: store.put_canaries({"a": 1}),
        lambda: store.put_adapter("x", b"1", b"2", b"3"),
        lambda: store.put_measurement("a" * 64, "test", {}),
        lambda: store.set_head_stack("other"),
        lambda: push(store, "main", "omega"),
    ):
        with pytest.raises(StoreError, match="for reading only"):
            change()
    assert files(full.root) == before
    assert len(chain(store, "main")) == 2


def test_what_cannot_be_read_is_a_clear_error(full):
    (full.root / "HEAD").unlink()
    tip = full.root / "stacks" / "main"
    for path, read in (
        (full.root / "HEAD", full.head_stack),
        (tip, lambda: full.tip("main")),
        (full.root / "nodes" / f"{'a' * 64}.json", lambda: full.node("a" * 64)),
    ):
        path.unlink(missing_ok=True)
        path.mkdir()
        with pytest.raises(StoreError, match=r"Cannot read .*: Is a directory"):
            read()


def test_a_current_stack_that_is_no_name_is_refused(full):
    (full.root / "HEAD").write_bytes(sealed.seal({"stack": "../x"}))
    with pytest.raises(IntegrityError, match="names no stack"):
        full.head_stack()


def test_a_canary_record_is_an_object(store):
    digest = store._put("canaries", b"[]", ".json")
    with pytest.raises(IntegrityError, match="no canary record"):
        store.canaries(digest)

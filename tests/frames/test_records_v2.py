"""Frame records of format 2: kinds, states and prompts; and a store that older programs refuse for them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given

from skillstack.errors import IntegrityError, MismatchError, StoreError
from skillstack.results import frames_from
from skillstack.store import canonical, marker
from skillstack.store.canonical import sha256
from skillstack.store.records import FrameRecord
from skillstack.store.states import StateFile, StateRef
from skillstack.store.store import Store
from skillstack.store.verify import verify

from .builders import generative, make_content, push, push_content, stateful, with_field, without_field
from .strategies import EXAMPLES, contents, later_contents


@EXAMPLES
@given(later_contents)
def test_a_content_is_read_back_from_its_bytes(content):
    data = content.to_bytes()
    assert json.loads(data)["format"] == 2
    found = FrameRecord.from_bytes(data)
    assert found == content
    assert found.to_bytes() == data and found.id == sha256(data)


@EXAMPLES
@given(contents)
def test_what_needs_nothing_new_has_the_bytes_of_format_1_and_no_others(content):
    value = json.loads(content.to_bytes())
    assert value["format"] == 1
    assert all("state" not in skill and "prompt" not in skill for skill in value["skills"])
    later = {
        **value,
        "format": 2,
        "skills": [{**skill, "state": None, "prompt": None, "learned": None} for skill in value["skills"]],
    }
    with pytest.raises(IntegrityError, match="format 1"):
        FrameRecord.from_bytes(canonical.dumps(later))


def test_a_record_has_these_bytes_for_ever(store):
    assert stateful(store).id == "6a14ba0c7ad5c434a1f03f3655772bf6f9c3b6ff07895d524d3e8367dc0821db"
    assert generative(store).id == "40fb6e98982dcbd3716298564bad2885b81e80d93d45742256bf5f482779e31e"


def test_format_1_holds_no_state_no_prompt_and_no_other_kind(store):
    for content in (stateful(store), generative(store)):
        with pytest.raises(IntegrityError):
            FrameRecord.from_bytes(with_field(content.to_bytes(), 1, "format"))


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("state",), None),
        (("state",), "a" * 64),
        (("state", "files"), []),
        (("state", "files", 0, "name"), "manifest.json"),
        (("state", "files", 0, "name"), "../up.safetensors"),
        (("state", "files", 0, "name"), "code.pickle"),
        (("state", "files", 0, "sha256"), "short"),
        (("state", "files", 0, "bytes"), -1),
        (("state", "files", 1, "bytes"), 1 << 40),
        (("labels",), ["one"]),
        (("labels",), []),
        (("kind",), "../x"),
        (("kind",), "generation"),
        (("kind",), "document"),
        (("prompt",), {}),
    ],
)
def test_an_impossible_state_is_refused(store, path, wrong):
    data = stateful(store).to_bytes()
    with pytest.raises(IntegrityError):
        FrameRecord.from_bytes(with_field(data, wrong, "skills", 0, *path))


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("prompt",), None),
        (("prompt", "style"), "../x"),
        (("prompt", "template"), "short"),
        (("prompt", "answer"), "no place for one"),
        (("prompt", "choices"), ["only"]),
        (("prompt", "choices"), ["a", "a"]),
        (("prompt", "stop"), [""]),
        (("prompt", "max_new_tokens"), 0),
        (("prompt", "max_new_tokens"), 1 << 40),
        (("labels",), ["a", "b"]),
        (("kind",), "classification"),
        (("kind",), "document"),
    ],
)
def test_an_impossible_prompt_is_refused(store, path, wrong):
    data = generative(store).to_bytes()
    with pytest.raises(IntegrityError):
        FrameRecord.from_bytes(with_field(data, wrong, "skills", 0, *path))


def test_a_missing_field_and_one_too_many_are_refused(store):
    for content, inner in ((stateful(store), "state"), (generative(store), "prompt")):
        data = content.to_bytes()
        skill = json.loads(data)["skills"][0]
        for name in (*((key,) for key in skill), *((inner, key) for key in skill[inner])):
            with pytest.raises(IntegrityError):
                FrameRecord.from_bytes(without_field(data, "skills", 0, *name))
        for holder in ((), (inner,)):
            with pytest.raises(IntegrityError):
                FrameRecord.from_bytes(with_field(data, 1, "skills", 0, *holder, "unknown"))


def test_a_document_skill_has_a_state(store):
    content = stateful(store, kind="document", labels=())
    assert FrameRecord.from_bytes(content.to_bytes()) == content
    with pytest.raises(IntegrityError, match="state"):
        FrameRecord.from_bytes(with_field(content.to_bytes(), None, "skills", 0, "state"))


def test_what_needs_a_head_says_which_skill_has_none(store):
    skill = stateful(store).skills[0]
    with pytest.raises(MismatchError, match=r"'sigma'.*no head"):
        skill.head_digest  # noqa: B018
    assert make_content(store).skills[0].head_digest == make_content(store).skills[0].head


def test_behaviour_depends_on_kind_state_and_prompt(store):
    content = stateful(store)
    skill = content.skills[0]
    other = StateRef((*skill.state.files[:-1], replace(skill.state.files[-1], sha256="f" * 64)))
    told = generative(store)
    prompt = told.skills[0].prompt
    found = [
        content.behaviour(skill),
        content.behaviour(replace(skill, state=other)),
        content.behaviour(replace(skill, kind="document", labels=())),
    ]
    for field, value in (
        ("style", "plain"),
        ("template", None),
        ("answer", "= {answer}"),
        ("choices", ("no", "yes")),
        ("stop", ()),
        ("max_new_tokens", 17),
    ):
        changed = replace(told.skills[0], prompt=replace(prompt, **{field: value}))
        found.append(told.behaviour(changed))
    found.append(told.behaviour(told.skills[0]))
    assert len(set(found)) == len(found)
    renamed = replace(skill, name="other", metrics={}, samples=None)
    assert content.behaviour(renamed) == found[0]


def test_a_store_takes_on_format_2_with_its_first_record_of_it(store):
    push(store, "main", "alpha")
    assert marker.read(store.root).format == 1
    content = stateful(store)
    assert marker.read(store.root).format == 1
    store.put_content(content)
    assert marker.read(store.root).format == 2
    push(store, "main", "beta")
    assert marker.read(store.root).format == 2
    assert verify(store).ok


def test_a_version_that_reads_format_1_refuses_the_whole_store(store, monkeypatch):
    push(store, "main", "alpha")
    push_content(store, "main", generative(store))
    monkeypatch.setattr(marker, "FORMAT", 1)
    with pytest.raises(StoreError, match=r"format 2; this version reads up to 1\. Update") as caught:
        Store.open(store.root)
    assert not isinstance(caught.value, IntegrityError)


def test_the_store_is_marked_before_the_record_is_written(store, monkeypatch):
    content = generative(store)

    def fail(root: object, found: object) -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(marker, "write", fail)
    with pytest.raises(StoreError, match="full"):
        store.put_content(content)
    assert not (store.root / "contents").exists()


def test_a_record_that_the_store_does_not_announce_is_found(store):
    push_content(store, "main", stateful(store))
    path = store.root / marker.MARKER
    path.write_bytes(with_field(path.read_bytes(), 1, "format"))
    (problem,) = verify(store).problems
    assert problem.path == "store.json" and "format 2" in problem.message


def test_a_stack_with_a_kind_of_tomorrow_can_be_listed(store):
    push(store, "main", "alpha")
    push_content(store, "main", stateful(store, kind="telepathy", labels=()))
    newest, oldest = frames_from(store, store.tip("main"))
    assert [frame.to_json()["skills"][0]["labels"] for frame in (newest, oldest)] == [[], ["bad", "good"]]
    assert newest.skills[0].kind == "telepathy"
    assert verify(store).ok


def test_a_state_is_named_by_its_manifest():
    ref = StateRef((StateFile("state.json", "a" * 64, 2),))
    assert ref.digest == sha256(ref.manifest) and ref.bytes == 2
    assert set(ref.digests()) == {f"states/{ref.digest}/{name}" for name in ("state.json", "manifest.json")}

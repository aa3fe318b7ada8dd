"""A stack carried from one machine to another: it routes and answers there as it did here."""

import os
import shutil
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from skillstack.data.sources import load_task
from skillstack.errors import IntegrityError, StoreError, UsageError
from skillstack.library import Library
from skillstack.routers import hybrid_svm
from skillstack.routers.stack_router import StackRouter
from skillstack.routers.state import OLDER_FITS
from skillstack.stack import Stack
from skillstack.store import transactions
from skillstack.store.gc import GRACE
from skillstack.store.records import BaseIdentity, FrameRecord, Rendering, Skill
from skillstack.store.samples import TextSamples
from skillstack.store.store import Store

ROOT = Path(__file__).resolve().parents[1]
TEXTS = [
    "please block my card",
    "the soup was cold and nobody cared",
    "can i bring a pair of scissors on the plane",
]
BASE = BaseIdentity("a" * 64, "b" * 64, "bert", 4, 2, "a-base", "1")


@pytest.fixture(scope="module")
def reference() -> Stack:
    return Stack.open(ROOT / "frames", "reference")


@pytest.fixture(scope="module")
def archive(reference: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "reference.zip"
    reference.export(path)
    return path


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    for name in ("SKILLSTACK_STORE", "SKILLSTACK_STACK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def own_stack(folder: Path) -> Stack:
    """Two frames whose samples are texts: sentences on films and questions to a bank."""
    store = Store.create(folder / "frames")
    for number, task in enumerate(("imdb_sentences", "banking")):
        rows = tuple(example.row for example in load_task(task).train[:60])
        skill = Skill(
            name=task,
            task=task,
            family="intent",
            labels=("no", "yes"),
            pair=False,
            head=store.put_head(np.eye(2, 4, number).astype(np.float32), None),
            samples=store.put_samples(TextSamples(rows)),
            rendering=Rendering(),
        )
        content = FrameRecord(task, None, (skill,), BASE, "fp32", "mean", {})
        transactions.push(
            store, "own", content, transaction=task, note=f"train {task}", expected=store.tip("own")
        )
    store.set_head_stack("own")
    stack = Stack.open(folder / "frames", "own")
    stack.route("fit the router")
    return stack


def ids(stack: Stack) -> list[str]:
    return [frame.id for frame in stack]


def test_the_reference_stack_has_the_same_ids_routes_and_answers_elsewhere(reference, archive, elsewhere):
    done = Library().import_stack(archive, name="mine")
    assert (done.stack, done.new, done.router, done.frames) == ("mine", True, True, len(reference))
    there = Stack.open()
    assert (there.name, there.store.root.parent.resolve()) == ("mine", elsewhere.resolve())
    assert ids(there) == ids(reference)
    assert [route.ranking for route in there.route(TEXTS)] == [r.ranking for r in reference.route(TEXTS)]
    assert [a.probabilities for a in there.predict(TEXTS)] == [
        a.probabilities for a in reference.predict(TEXTS)
    ]
    checked, canaries = there.verify(deep=True)
    assert checked.ok and not checked.strays and canaries and all(check.ok for check in canaries)


def test_the_archive_of_a_stack_is_the_same_each_time_also_from_the_other_side(archive, elsewhere, reference):
    Library().import_stack(archive, name="mine")
    here, there = elsewhere / "here.zip", elsewhere / "there.zip"
    assert reference.export(here).sha256 == reference.export(here).sha256
    assert here.read_bytes() == archive.read_bytes()
    first = Stack.open().export(there)
    with zipfile.ZipFile(archive) as one, zipfile.ZipFile(there) as other:
        assert one.namelist() == other.namelist()
        for name in one.namelist()[1:]:  # the manifest has the stack's name
            assert one.read(name) == other.read(name)
    assert first.texts == first.redacted == 0


def test_the_reference_stacks_name_is_kept(archive, elsewhere):
    with pytest.raises(UsageError, match=r"'reference' is kept.*--as"):
        Library().import_stack(archive)
    assert list(elsewhere.iterdir()) == []


def test_a_hostile_archive_does_not_even_make_a_store(archive, elsewhere):
    shutil.copyfile(archive, "evil.zip")
    with zipfile.ZipFile("evil.zip", "a") as changed:
        changed.writestr("../evil.json", b"{}")
    with pytest.raises(IntegrityError):
        Library().import_stack("evil.zip", name="mine")
    assert [path.name for path in elsewhere.iterdir()] == ["evil.zip"]


def test_without_its_texts_a_stack_routes_as_before_and_is_never_fitted_anew(elsewhere):
    here = own_stack(elsewhere / "here")
    done = here.export("own.zip")
    assert (done.texts, done.redacted, done.router) == (0, 120, True)
    with zipfile.ZipFile("own.zip") as archive:
        held = b"".join(archive.read(name) for name in archive.namelist())
    text = load_task("banking").train[0].row.text
    assert text.encode() not in held
    assert Library("there").import_stack("own.zip").redacted == 120
    there = Stack.open("there")
    assert [route.ranking for route in there.route(TEXTS)] == [r.ranking for r in here.route(TEXTS)]
    assert there.verify()[0].ok
    shutil.rmtree(there.router_folder())
    with pytest.raises(StoreError, match=r"left out.*Import the same bundle again.*--with-texts"):
        Stack.open("there").route(TEXTS)
    Library("there").import_stack("own.zip")
    assert [route.ranking for route in Stack.open("there").route(TEXTS)] == [
        route.ranking for route in here.route(TEXTS)
    ]
    shutil.rmtree(there.router_folder())
    here.export("full.zip", with_texts=True)
    again = Library("there").import_stack("full.zip")
    assert (again.new, again.texts, again.redacted) == (False, 120, 0)
    shutil.rmtree(there.router_folder(), ignore_errors=True)
    found = Stack.open("there").route(TEXTS)
    assert [route.task for route in found] == [route.task for route in here.route(TEXTS)]


def test_a_router_state_that_cannot_be_fitted_again_is_no_garbage_while_an_undo_needs_it(elsewhere):
    own_stack(elsewhere / "here").export("own.zip")
    Library("there").import_stack("own.zip")
    there = Stack.open("there")
    before = [route.ranking for route in there.route(TEXTS)]
    there.undo()
    old = time.time() - 2 * GRACE
    for path in (*there.store.routers.rglob("*"), *there.store.root.rglob("*")):
        os.utime(path, (old, old))
    assert Library(there.store.root).gc(dry_run=False).files == ()
    there.redo()
    assert [route.ranking for route in Stack.open("there").route(TEXTS)] == before


def test_a_router_state_that_does_not_fit_is_not_taken(elsewhere, reference):
    from skillstack.store.bundle_writer import export

    here = own_stack(elsewhere / "here")
    chain = [(f.content_id, f.content) for f in reversed(reference.frames())]
    files = StackRouter(reference.store, "reference").files(chain)
    foreign = {path.name: data for path, data in files.items()}
    export(here.store, "own", Path("own.zip"), with_texts=True, router=foreign)
    assert not Library("there").import_stack("own.zip").router
    there = Stack.open("there")
    assert not there.router_folder().exists()
    assert [route.task for route in there.route(TEXTS)] == [route.task for route in here.route(TEXTS)]


def test_a_stack_without_texts_goes_on_with_the_router_of_an_older_version(elsewhere, monkeypatch):
    with monkeypatch.context() as older:
        older.setattr(hybrid_svm, "FIT", OLDER_FITS[0])
        here = own_stack(elsewhere / "here")
        before = [route.task for route in here.route(TEXTS)]
        here.export("old.zip")
    assert Library("there").import_stack("old.zip").router
    there = Stack.open("there")
    assert [route.task for route in there.route(TEXTS)] == before
    assert there.verify()[0].ok
    Library(there.store.root).gc(dry_run=False, expire_now=True)
    assert [route.task for route in Stack.open("there").route(TEXTS)] == before
    there.export("again.zip")
    assert Library("elsewhere").import_stack("again.zip").router


def test_a_stack_that_kept_no_samples_is_carried_too(elsewhere):
    here = own_stack(elsewhere / "here")
    content = here.frame("banking").content
    import dataclasses

    bare = dataclasses.replace(content, skills=(dataclasses.replace(content.skills[0], samples=None),))
    transactions.push(here.store, "bare", bare, transaction="t", note="", expected=None)
    assert not Stack.open("here", "bare").export("bare.zip").router
    assert Library("there").import_stack("bare.zip").frames == 1


def test_a_renamed_or_copied_stack_routes_without_a_new_fit(elsewhere, monkeypatch):
    here = own_stack(elsewhere / "here")
    before = [route.ranking for route in here.route(TEXTS)]
    monkeypatch.setattr(StackRouter, "fit", lambda *_: pytest.fail("the router was fitted anew"))
    Library("here").copy("own", "twin")
    Library("here").rename("own", "tickets")
    assert [info.name for info in Library("here").list()] == ["tickets", "twin"]
    for name in ("twin", "tickets"):
        assert [route.ranking for route in Stack.open("here", name).route(TEXTS)] == before
    assert Stack.open("here").name == "tickets"
    Stack.open("here", "tickets").undo()
    assert [route.ranking for route in Stack.open("here").route(TEXTS)] == before


def test_a_deleted_stack_leaves_the_list_and_comes_back(elsewhere):
    own_stack(elsewhere / "here")
    tip = Library("here").delete("own")
    assert Library("here").list() == []
    (info,) = Library("here").list(deleted=True)
    assert (info.name, info.deleted, info.frames) == ("own", True, 0)
    Stack.open("here", "own").undo()
    assert [(i.tip, i.deleted) for i in Library("here").list()] == [(tip, False)]


def test_the_packaged_stack_is_copied_into_a_store_of_ones_own(elsewhere, reference):
    tip = Library().copy("reference", "mine")
    there = Stack.open()
    assert (there.name, there.packaged, ids(there)[0]) == ("mine", False, tip)
    assert ids(there) == ids(reference)
    assert there.router_folder().is_dir() and there.verify()[0].ok
    assert there.route("please block my card").task == "banking"
    there.undo()
    assert len(there) == 0


def test_it_is_there_by_its_name_beside_a_store_of_ones_own(elsewhere, reference):
    own_stack(elsewhere)
    assert Stack.open().name == "own"
    by_name = Stack.open(stack="reference")
    assert by_name.packaged and ids(by_name) == ids(reference)
    assert by_name.route("please block my card").task == "banking"
    Library().copy("reference", "mine")
    assert {info.name for info in Library().list()} == {"own", "mine"} and Stack.open().name == "own"
    assert ids(Stack.open(stack="mine")) == ids(reference)
    with pytest.raises(UsageError, match="There is no stack 'referense'"):
        Stack.open(stack="referense")


def test_plain_peft_folders_of_the_reference_stack(reference, elsewhere):
    rows = reference.export_peft("out")
    assert [row.frame for row in rows] == [frame.name for frame in reversed(reference.frames())]
    assert all((elsewhere / "out" / str(row.adapter) / "adapter_config.json").is_file() for row in rows)

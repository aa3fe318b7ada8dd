"""A stack brought in: the same ids, all of it or nothing, and a second time nothing new."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from skillstack.errors import BusyError, IntegrityError, StoreError, UsageError
from skillstack.store import transactions
from skillstack.store.bundle_reader import check_room, open_bundle, place
from skillstack.store.files import training_lock
from skillstack.store.history import read_history
from skillstack.store.store import Store
from skillstack.store.verify import verify

from .builders import chain, files, full_store, push
from .bundles import bring_in, write_bundle
from .faults import ROOM, Killed, faults


@pytest.fixture(scope="module")
def good(ram):
    store = full_store(ram / "source" / "frames")
    return write_bundle(store, "main", ram / "main.zip", with_texts=False)


def test_ids_and_measurements_are_the_same_on_the_other_side(good, full, store):
    done = bring_in(good, store)
    assert (done.stack, done.tip, done.frames, done.new) == ("main", full.tip("main"), 2, True)
    assert chain(store, "main") == chain(full, "main")
    content = full.contents("main")[1][1]
    behaviour = content.behaviour(content.skills[0])
    assert store.measurement(behaviour, "test") == full.measurement(behaviour, "test")
    found = verify(store)
    assert found.ok and not found.strays
    (transaction,) = read_history(store, "main").done
    assert (transaction.before, transaction.after) == (None, done.tip)


def test_a_second_import_changes_nothing(good, store):
    bring_in(good, store)
    before = {name: (store.root / name).read_bytes() for name in files(store.root)}
    again = bring_in(good, store)
    assert (again.new, again.written) == (False, 0)
    assert {name: (store.root / name).read_bytes() for name in files(store.root)} == before


def test_measurements_that_are_here_stay_and_are_not_searched_for_file_by_file(good, store):
    class Sealed(tuple):
        def __contains__(self, _):
            pytest.fail("all measurements were searched for one file")

    bring_in(good, store)
    (path,) = (store.root / "evaluations").iterdir()
    path.write_bytes(b"another one")
    with open_bundle(good) as (packed, contents):
        measured = Sealed(packed.measured())
        place(packed, contents, measured, store, "main", router={}, note="import", hint="")
    assert path.read_bytes() == b"another one"


def test_undo_takes_an_import_back_and_redo_brings_it_again(good, store):
    done = bring_in(good, store)
    transactions.undo(store, "main")
    assert chain(store, "main") == []
    transactions.redo(store, "main")
    assert store.tip("main") == done.tip
    transactions.undo(store, "main")
    assert bring_in(good, store).new and verify(store).ok


def test_a_name_that_another_stack_has_is_refused_with_a_way_out(good, store):
    push(store, "main", "zeta")
    before = files(store.root)
    with pytest.raises(UsageError, match=r"'main' .*already.*--as"):
        bring_in(good, store)
    assert files(store.root) == before
    assert bring_in(good, store, "main-2").stack == "main-2"
    for name, match in (("reference", "ships with the package"), ("../up", "no valid name")):
        with pytest.raises(UsageError, match=match):
            bring_in(good, store, name)


def test_a_newer_frame_on_an_imported_stack_makes_it_another_stack(good, store):
    bring_in(good, store)
    push(store, "main", "zeta")
    with pytest.raises(UsageError, match="another one"):
        bring_in(good, store)


def test_what_is_here_and_altered_is_put_right(good, store):
    bring_in(good, store)
    path = next((store.root / "heads").iterdir())
    path.write_bytes(b"rust")
    assert not verify(store).ok
    assert not bring_in(good, store).new
    assert verify(store).ok


def test_a_newer_measurement_here_stays(good, full, store):
    content = full.contents("main")[1][1]
    behaviour = content.behaviour(content.skills[0])
    store.put_measurement(behaviour, "test", {"correct": 9, "n": 10})
    bring_in(good, store)
    assert store.measurement(behaviour, "test") == {"correct": 9, "n": 10}


def test_a_read_only_store_and_a_stack_in_training_are_left_alone(good, store):
    with pytest.raises(StoreError, match="reading only"):
        bring_in(good, Store.open(store.root, read_only=True))
    with training_lock(store.root, "main"), pytest.raises(BusyError, match="training"):
        bring_in(good, store)
    assert store.stacks() == ()


def test_a_disk_without_room_is_named_before_anything_is_written(store):
    check_room(store, 1)
    with pytest.raises(StoreError, match="disk is full"):
        check_room(store, 1 << 60)


def state(root):
    """Frames, and whether a history tells of them."""
    if not (root / "store.json").exists():
        return 0, 0
    store = Store.open(root)
    return len(chain(store, "main")), len(read_history(store, "main").done)


def attempt(good, root, at, how):
    with faults(at, how):
        bring_in(good, Store.create(root))


def counted(good, root):
    with faults() as state:
        bring_in(good, Store.create(root))
    shutil.rmtree(root)
    return state.calls


def old_or_new(good, root, where):
    """Whole in either state, and a second command goes on to the end."""
    with faults():
        assert state(root) in ((0, 0), (2, 1)), where
        if (root / "store.json").exists():
            assert verify(Store.open(root)).ok, where
        bring_in(good, Store.create(root))
        assert state(root) == (2, 1), where
        assert verify(Store.open(root)).ok, where
    shutil.rmtree(root)


def test_killed_at_any_call_an_import_is_whole_or_has_not_happened(good, place):
    root = place / "frames"
    for at, name in enumerate(counted(good, root)):
        with pytest.raises(Killed):
            attempt(good, root, at, "kill")
        old_or_new(good, root, f"killed at {at}, {name}")


@pytest.mark.parametrize("how", ["error", "full"])
def test_a_system_error_at_any_call_is_told_and_leaves_a_whole_store(good, place, how):
    root = place / "frames"
    for at, name in enumerate(counted(good, root)):
        if how == "full" and name not in ROOM:
            continue
        try:
            attempt(good, root, at, how)
        except StoreError as error:
            assert error.hint
        else:
            assert name in ("utime", "mkdir", "unlink"), name
        old_or_new(good, root, f"{how} at {at}, {name}")


class PowerCut:
    """Notes what is on disk: a name counts once its folder was synced, and bytes once the file was."""

    def __init__(self, root, monkeypatch):
        self.root, self.names, self.durable = root, {}, set()
        self.bytes: set[int] = set()
        self.moments: list[tuple[str, set[str]]] = []
        self.waited_for = 0
        real = os.fsync, os.replace

        def fsync(descriptor):
            status = os.fstat(descriptor)
            if not stat.S_ISDIR(status.st_mode):
                self.bytes.add(status.st_ino)
                return
            for path in [path for path, inode in self.names.items() if inode == status.st_ino]:
                self.durable.add(path)

        def replaced(source, target, **kw):
            inode = Path(source).stat().st_ino
            assert inode in self.bytes, f"{target} has its name before its bytes are on disk"
            name = Path(target).relative_to(root).as_posix()
            self.waited_for = self.waited_for or len(self.bytes)
            self.moments.append((name, set(self.durable)))
            real[1](source, target, **kw)
            self.names[name] = Path(target).parent.stat().st_ino

        monkeypatch.setattr(os, "fsync", fsync)
        monkeypatch.setattr(os, "replace", replaced)


@pytest.mark.skipif(os.name == "nt", reason="folders cannot be synced")
def test_what_a_record_names_is_on_disk_before_the_record_and_all_of_it_before_the_tip(
    good, store, monkeypatch
):
    cut = PowerCut(store.root, monkeypatch)
    done = bring_in(good, store)
    ranks = {"contents": 1, "nodes": 2, "stacks": 3}
    for name, durable in cut.moments:
        rank = ranks.get(name.partition("/")[0], 0)
        before = {
            path
            for path in files(store.root)
            if ranks.get(path.partition("/")[0], 0) < rank
            and not path.startswith(("evaluations/", "history/"))
            and path != "store.json"
        }
        assert before <= durable, name
    assert [name for name, _ in cut.moments][-1] == "stacks/main"
    assert done.new
    # The disk was waited for by all files of the contents together.
    of_contents = [name for name, _ in cut.moments if ranks.get(name.partition("/")[0], 0) == 0]
    assert cut.waited_for >= len(of_contents) - 2 > 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_really_killed_at_every_fourth_call(good, place):
    root = place / "frames"
    for at in range(0, len(counted(good, root)), 4):
        child = os.fork()
        if child == 0:  # pragma: no cover
            try:
                attempt(good, root, at, "exit")
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == 9
        old_or_new(good, root, f"SIGKILL at {at}")


def test_a_stack_copied_from_one_store_to_another_needs_no_archive(full, store):
    from skillstack.store.bundle import bundle_contents, measurements
    from skillstack.store.bundle_reader import place

    contents = bundle_contents(full, full.tip("main"))
    measured = measurements(full, contents)
    place(full, contents, measured, store, "mine", router={}, note="copy", hint="")
    assert chain(store, "mine") == chain(full, "main")
    assert verify(store).ok


def test_a_source_that_is_damaged_meanwhile_moves_no_tip(full, store, good):
    with open_bundle(good) as (packed, contents):
        from skillstack.store.bundle_reader import place

        (full.root / contents.items[0].path).write_bytes(b"rust")
        with pytest.raises(IntegrityError):
            place(full, contents, (), store, "mine", router={}, note="", hint="")
        assert packed.read(contents.items[0].path) != b"rust"
    assert store.stacks() == () and verify(store).ok

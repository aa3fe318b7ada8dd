"""Writing a file: the old bytes or the new ones, on disk before anything points at them."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager

import pytest

from skillstack.errors import StoreError
from skillstack.store import files

from .faults import ROOM, Killed, faults


def test_a_file_and_its_folders_are_made(tmp_path):
    files.write_file(tmp_path / "a" / "b" / "file", b"1")
    files.write_file(tmp_path / "a" / "b" / "file", b"22")
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"22"
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["file"]


def test_bytes_are_synced_before_the_rename_and_the_folder_after_it(tmp_path):
    with faults() as counted:
        files.write_file(tmp_path / "file", b"x")
    assert counted.calls == ["create", "write", "fsync", "replace", "open", "fsync"]


def test_a_new_folder_is_synced_into_its_parent(tmp_path):
    with faults() as counted:
        files.make_folder(tmp_path / "a" / "b")
    assert counted.calls == ["mkdir", "open", "fsync"] * 2


def test_a_log_line_is_synced_and_its_first_line_the_folder_too(tmp_path):
    with faults() as counted:
        files.append_line(tmp_path / "log", b"1")
    assert counted.calls == ["create", "ftruncate", "write", "fsync", "open", "fsync"]
    with faults() as counted:
        files.append_line(tmp_path / "log", b"2")
    assert counted.calls == ["create", "ftruncate", "write", "fsync"]
    assert (tmp_path / "log").read_bytes() == b"1\n2\n"


def test_what_a_crash_left_behind_the_last_newline_is_cut_off(tmp_path):
    (tmp_path / "log").write_bytes(b"1\n{torn")
    files.append_line(tmp_path / "log", b"2")
    assert (tmp_path / "log").read_bytes() == b"1\n2\n"


@pytest.mark.parametrize("how", ["error", "full"])
def test_a_line_that_could_not_be_written_leaves_the_log_as_it_was(tmp_path, how):
    (tmp_path / "log").write_bytes(b"1\n")
    for at in range(4):
        with faults(at, how) as counted:
            try:
                files.append_line(tmp_path / "log", b"2" * 1000)
            except StoreError:
                assert (tmp_path / "log").read_bytes() == b"1\n"
            else:
                assert how == "full" and "write" not in counted.calls[at:]
        (tmp_path / "log").write_bytes(b"1\n")


def test_no_temporary_file_is_left_by_an_error(tmp_path):
    for at in range(4):
        with faults(at, "error"), pytest.raises(StoreError, match="Cannot write"):
            files.write_file(tmp_path / "file", b"x" * 100)
        assert list(tmp_path.iterdir()) == []


def test_a_short_write_is_continued(tmp_path, monkeypatch):
    class Slow:
        def __init__(self, file: object) -> None:
            self.file = file

        def write(self, data: memoryview) -> int:
            return self.file.write(data[:3])

    real = files._write_all
    monkeypatch.setattr(files, "_write_all", lambda file, data: real(Slow(file), data))
    files.write_file(tmp_path / "file", b"0123456789")
    files.append_line(tmp_path / "log", b"0123456789")
    assert (tmp_path / "file").read_bytes() == b"0123456789"
    assert (tmp_path / "log").read_bytes() == b"0123456789\n"


def test_a_failed_sync_is_reported_and_never_tried_again(tmp_path, monkeypatch):
    calls = []

    def fail(descriptor: int) -> None:
        calls.append(descriptor)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreError, match="Cannot write"):
        files.write_file(tmp_path / "file", b"x")
    assert len(calls) == 1
    assert not (tmp_path / "file").exists()


def test_a_mount_that_does_not_sync_is_warned_of_once(tmp_path, monkeypatch, recwarn):
    def refuse(descriptor: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    monkeypatch.setattr(files, "_warned", False)
    files.write_file(tmp_path / "one", b"x")
    files.write_file(tmp_path / "two", b"x")
    assert (tmp_path / "two").read_bytes() == b"x"
    assert len([warning for warning in recwarn if "does not sync" in str(warning.message)]) == 1


def test_an_equal_file_is_left_and_only_touched(tmp_path):
    files.write_new(tmp_path / "file", b"x")
    os.utime(tmp_path / "file", (1, 1))
    inode = (tmp_path / "file").stat().st_ino
    files.write_new(tmp_path / "file", b"x")
    assert (tmp_path / "file").stat().st_ino == inode
    assert (tmp_path / "file").stat().st_mtime > 1
    files.write_new(tmp_path / "file", b"y")
    assert (tmp_path / "file").read_bytes() == b"y"


def test_a_file_where_a_folder_should_be_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for write in (files.write_file, files.write_new, files.append_line):
        with pytest.raises(StoreError, match="Cannot"):
            write(tmp_path / "file" / "x", b"1")


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EDQUOT, "disk is full"),
        (errno.EACCES, "No permission to read"),
        (errno.EROFS, "No permission to read"),
        (errno.EIO, "Cannot read"),
    ],
)
def test_a_system_error_says_what_to_do(tmp_path, number, reason):
    error = files.as_store_error(OSError(number, os.strerror(number)), tmp_path / "x", "read")
    assert reason in error.message and (str(tmp_path / "x") in error.message) and error.hint


@contextmanager
def batch_of(folder, count=3):
    with files.FileBatch() as batch:
        for number in range(count):
            batch.add(folder / f"{number % 2}" / f"file{number}", b"x" * number)
        yield batch


def found(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_files_of_a_batch_appear_together_and_each_is_on_disk_before_its_rename(tmp_path):
    with faults() as counted, batch_of(tmp_path) as batch:
        assert all(name.startswith(files.TEMPORARY) for name in found(tmp_path))
        added = len(counted.calls)
        batch.settle()
    assert found(tmp_path) == ["file0", "file1", "file2"]
    assert "fsync" not in counted.calls[:added]
    settled = counted.calls[added:]
    first, last = settled.index("replace"), len(settled) - settled[::-1].index("replace")
    assert settled[:first].count("fsync") == settled[first:last].count("replace") == 3
    assert settled[last:].count("fsync") == 3  # both folders, and the one that they were made in
    assert (tmp_path / "0" / "file2").read_bytes() == b"xx"


def test_what_is_settled_first_is_on_disk_before_anything_later_has_its_name(tmp_path):
    with faults() as counted, files.FileBatch() as batch:
        for name in ("named", "naming"):
            batch.add(tmp_path / name, b"x")
            batch.settle()
    steps = [call for call in counted.calls if call in ("fsync", "replace")]
    assert steps == ["fsync", "replace", "fsync"] * 2


def test_a_batch_that_is_left_early_leaves_no_file(tmp_path):
    with pytest.raises(KeyboardInterrupt), batch_of(tmp_path):
        raise KeyboardInterrupt
    assert found(tmp_path) == []


def test_a_batch_leaves_an_equal_file_but_not_an_altered_one(tmp_path):
    for name in ("equal", "altered"):
        (tmp_path / name).write_bytes(name.encode())
    os.utime(tmp_path / "equal", (1, 1))
    inode = (tmp_path / "equal").stat().st_ino
    with faults() as counted, files.FileBatch() as batch:
        batch.add(tmp_path / "equal", b"equal")
        # Who wrote it may have been killed before its folder was on disk.
        batch.settle()
    assert (tmp_path / "equal").stat().st_ino == inode and (tmp_path / "equal").stat().st_mtime > 1
    assert counted.calls == ["utime", "open", "fsync"]
    with files.FileBatch() as batch:
        batch.add(tmp_path / "altered", b"right")
        batch.settle()
    assert (tmp_path / "altered").read_bytes() == b"right"


@pytest.mark.parametrize("how", ["error", "full", "kill"])
def test_whatever_call_of_a_batch_fails_no_file_is_there_in_part(tmp_path, how):
    def run(folder):
        with batch_of(folder) as batch:
            batch.settle()

    with faults() as counted:
        run(tmp_path / "counted")
    for at, name in enumerate(counted.calls):
        folder = tmp_path / f"{at}"
        try:
            with faults(at, how):
                run(folder)
        except StoreError as error:
            assert error.hint
            assert not any(file.startswith(files.TEMPORARY) for file in found(folder))
        except Killed:
            pass
        else:
            assert how == "full" and name not in ROOM
        for path in folder.rglob("file*"):
            assert path.read_bytes() == b"x" * int(path.name[-1])
        with batch_of(folder) as batch:
            batch.settle()
        assert [file for file in found(folder) if file.startswith("file")] == ["file0", "file1", "file2"]


def test_a_failed_sync_of_a_batch_is_reported_no_file_gets_its_name_and_none_is_synced_twice(
    tmp_path, monkeypatch
):
    synced = []

    def fail(descriptor):
        synced.append(os.fstat(descriptor).st_ino)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreError, match="Cannot write"), batch_of(tmp_path, 40) as batch:
        batch.settle()
    assert found(tmp_path) == []
    assert 1 <= len(synced) == len(set(synced))


def test_a_mount_that_does_not_sync_takes_a_batch(tmp_path, monkeypatch, recwarn):
    def refuse(descriptor):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    monkeypatch.setattr(files, "_warned", False)
    with batch_of(tmp_path) as batch:
        batch.settle()
    assert len(found(tmp_path)) == 3
    assert any("does not sync" in str(warning.message) for warning in recwarn)

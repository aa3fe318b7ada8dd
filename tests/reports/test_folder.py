"""A report's folder: it appears whole, and takes nobody else's place."""

from __future__ import annotations

import json

import pytest

from skillstack.errors import StoreError, UsageError
from skillstack.reports.folder import check_folder, write_folder
from skillstack.store import files

FILES = {
    "report.html": b"<p>",
    "report.json": json.dumps({"report": {"format": 1}}).encode(),
    "tables/accuracy.csv": b"a\n",
    "plots/stack.svg": b"<svg/>",
}


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_it_is_made_and_an_older_report_makes_room(tmp_path):
    folder = tmp_path / "out" / "report"
    write_folder(folder, FILES | {"tables/old.csv": b"b\n"})
    write_folder(folder, FILES)
    assert names(folder) == sorted(FILES)
    assert [path.name for path in folder.parent.iterdir()] == ["report"]


def test_what_a_file_manager_left_is_no_stranger(tmp_path):
    write_folder(tmp_path / "report", FILES)
    (tmp_path / "report" / ".DS_Store").write_bytes(b"x")
    write_folder(tmp_path / "report", FILES)
    assert names(tmp_path / "report") == sorted(FILES)


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "report").mkdir()
    write_folder(tmp_path / "report", FILES)
    assert names(tmp_path / "report") == sorted(FILES)


@pytest.mark.parametrize("stranger", ["notes.txt", "tables/mine.xlsx", "plots/photo.png", "src/a.csv"])
def test_a_folder_with_something_else_is_refused_and_left_as_it_is(tmp_path, stranger):
    write_folder(tmp_path / "report", FILES)
    path = tmp_path / "report" / stranger
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    with pytest.raises(UsageError, match=stranger.split("/")[0]) as refused:
        write_folder(tmp_path / "report", FILES | {"report.html": b"new"})
    assert "--output" in refused.value.hint
    assert path.read_text() == "mine"
    assert (tmp_path / "report" / "report.html").read_bytes() == b"<p>"


def test_files_of_a_reports_names_that_no_report_wrote_are_refused(tmp_path):
    (tmp_path / "report.html").write_text("mine")
    (tmp_path / "tables").mkdir()
    for other in (None, "[]", '{"schema": 1}', "{", "[" * 100_000):
        if other is not None:
            (tmp_path / "report.json").write_text(other)
        with pytest.raises(UsageError):
            check_folder(tmp_path)


def test_a_file_and_the_folder_where_one_stands_are_refused(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="no folder"):
        check_folder(tmp_path / "file")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").unlink()
    with pytest.raises(UsageError, match="folder of its own"):
        check_folder(tmp_path / ".")


def test_a_disk_that_refuses_leaves_the_old_report(tmp_path, monkeypatch):
    folder = tmp_path / "report"
    write_folder(folder, FILES)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "sync", full)
    with pytest.raises(StoreError, match="full"):
        write_folder(folder, FILES | {"report.html": b"new"})
    assert (folder / "report.html").read_bytes() == b"<p>"
    assert [path.name for path in tmp_path.iterdir()] == ["report"]

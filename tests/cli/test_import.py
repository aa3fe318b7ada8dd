"""skillstack import: a stack comes in, once, under a name of its own."""

from __future__ import annotations

import pytest

from skillstack.store.store import Store
from skillstack.store.verify import verify


@pytest.fixture
def archive(command, made, tmp_path):
    assert command("export", "mine", "mine.zip").status == 0
    return tmp_path / "mine.zip"


def test_it_makes_a_store_where_there_is_none_and_is_the_current_stack_there(
    command, made, archive, tmp_path
):
    other = str(tmp_path / "other")
    ran = command("import", "mine.zip", "--store", other)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("mine: 3 frames, tip ")
    found = command("log", "--json", "--store", other).json
    assert (found["stack"], [frame["id"] for frame in found["frames"]]) == ("mine", list(made.nodes[::-1]))
    assert command("verify", "--store", other).status == 0
    ran = command("import", "mine.zip", "--store", other)
    assert "is here already" in ran.out
    assert command("undo", "--store", other).status == 0
    assert command("stacks", "--store", other).out.startswith("There are no stacks")


def test_a_clash_of_names_is_refused_with_a_way_out(command, made, archive):
    command("undo")
    ran = command("import", "mine.zip")
    assert (ran.status, ran.err.splitlines()[1]) == (2, "Give it another name with --as.")
    found = command("import", "mine.zip", "--as", "twin", "--json").json
    assert (found["stack"], found["new"], found["written"], found["tip"]) == ("twin", True, 0, made.nodes[-1])
    assert command("import", "mine.zip", "--as", "a", "--stack", "b").status == 2
    assert [row["name"] for row in command("stacks", "--json").json["stacks"]] == ["mine", "twin"]
    assert verify(Store.open(made.store.root)).ok


def test_a_damaged_archive_leaves_no_store_behind(command, made, archive, tmp_path):
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.write_bytes(data)
    ran = command("import", "mine.zip", "--store", "other")
    assert ran.status == 3
    assert ran.err.startswith("error: ") and "nothing was written" in ran.err
    assert not (tmp_path / "other").exists()
    assert command("import", "missing.zip", "--json").json["error"]["type"] == "StoreError"

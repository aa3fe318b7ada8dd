"""The files of a router state are checked together, and read once."""

import shutil
from pathlib import Path

import pytest

from skillstack.errors import IntegrityError
from skillstack.routers import state
from skillstack.stack_router import router_file_check

REFERENCE = Path(__file__).resolve().parents[1] / "routers" / "reference"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a real state."""
    real = next(REFERENCE.iterdir())
    return Path(shutil.copytree(real, tmp_path / real.name))


def test_a_state_is_read_once_for_both_its_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Path] = []
    read = state.read

    def counting(place: Path) -> dict[str, bytes]:
        reads.append(place)
        return read(place)

    monkeypatch.setattr(state, "read", counting)
    check = router_file_check()
    assert [check(folder / name) for name in (state.RECORD, state.TENSORS, "notes.txt")] == [
        True,
        True,
        False,
    ]
    assert reads == [folder]


@pytest.mark.parametrize("name", [state.RECORD, state.TENSORS])
def test_damage_in_one_file_is_told_of_both_and_seen_by_the_next_check(folder: Path, name: str) -> None:
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    check = router_file_check()
    for file in (state.RECORD, state.TENSORS):
        with pytest.raises(IntegrityError):
            check(folder / file)
    (folder / name).write_bytes(whole)
    assert router_file_check()(folder / name)

"""Large coefficients are read in parts, and every part is proved before it counts."""

import random
from pathlib import Path

import numpy as np
import pytest

from skillstack.errors import IntegrityError
from skillstack.routers import state as states
from skillstack.routers.base import TENSORS, read_state
from skillstack.routers.blocks import BLOCK_BYTES, BlockFile, StoredCoefficients, block_digests, combine
from skillstack.routers.hybrid_svm import HybridSVM
from skillstack.routers.state import RouterState
from skillstack.store.rows import Row


@pytest.fixture
def folder(state: RouterState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(states, "_LARGE", 0)
    HybridSVM(state).save(tmp_path / state.inputs)
    return tmp_path / state.inputs


def test_a_state_read_in_parts_scores_as_one_in_memory(
    state: RouterState, folder: Path, held_rows: dict[str, list[Row]]
) -> None:
    loaded = states.load(folder, state.inputs)
    assert isinstance(loaded.model.coefficients, StoredCoefficients)
    rows = [row for rows in held_rows.values() for row in rows]
    assert (HybridSVM(loaded).scores(rows) == HybridSVM(state).scores(rows)).all()
    assert (np.asarray(loaded.model.coefficients) == np.asarray(state.model.coefficients)).all()


def test_no_altered_byte_gets_into_a_score(
    state: RouterState, folder: Path, held_rows: dict[str, list[Row]]
) -> None:
    rows = [row for rows in held_rows.values() for row in rows][:3]
    expected = HybridSVM(state).scores(rows)
    path = folder / TENSORS
    whole = path.read_bytes()
    chosen = random.Random(0)
    refused = 0
    for _ in range(40):
        data = bytearray(whole)
        data[chosen.randrange(len(data))] ^= 1 << chosen.randrange(8)
        path.write_bytes(data)
        try:
            found = HybridSVM(states.load(folder, state.inputs)).scores(rows)
        except IntegrityError:
            refused += 1
        else:
            assert (found == expected).all()
        with pytest.raises(IntegrityError):
            HybridSVM.decode(read_state(folder), folder.name, what="it")
    assert refused


@pytest.mark.parametrize("size", [0, 1, 1000])
def test_a_file_of_another_size_is_refused(state: RouterState, folder: Path, size: int) -> None:
    path = folder / TENSORS
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(IntegrityError):
        states.load(folder, state.inputs)
    path.unlink()
    with pytest.raises(IntegrityError, match="missing"):
        states.load(folder, state.inputs)


def test_spans_across_blocks_are_proved_whole(tmp_path: Path) -> None:
    width = BLOCK_BYTES // 2 * 3  # numbers of a row: three blocks
    whole = np.arange(4 * width, dtype=np.int16).reshape(4, width)
    exponents = np.array([1, 2, 3, 4], np.int8)
    data = bytearray(whole.tobytes())
    digests = block_digests(bytes(data))
    data[2 * width + BLOCK_BYTES + 5] ^= 1  # in the middle of the second row
    path = tmp_path / "file"
    path.write_bytes(data)
    stored = StoredCoefficients(BlockFile(path, digests), 0, (4, width), exponents)
    rows = np.array([0, 3], np.int32)
    assert (stored.take(rows) == combine(whole[rows], exponents[rows])).all()
    with pytest.raises(IntegrityError, match="altered"):
        stored.take(np.array([1], np.int32))

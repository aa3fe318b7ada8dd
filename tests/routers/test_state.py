"""A state on disk gives the same scores, and is refused when a bit of it changed."""

import random
from pathlib import Path

import numpy as np
import pytest

from skillstack.errors import IntegrityError, StoreError
from skillstack.routers.base import RECORD, TENSORS
from skillstack.routers.hybrid_svm import HybridSVM
from skillstack.routers.state import RouterState, load
from skillstack.store import canonical
from skillstack.store.rows import Row


@pytest.fixture
def folder(state: RouterState, tmp_path: Path) -> Path:
    HybridSVM(state).save(tmp_path / "state")
    return tmp_path / "state"


def test_a_loaded_state_scores_bit_for_bit_as_the_fitted_one(
    state: RouterState, folder: Path, held_rows: dict[str, list[Row]]
) -> None:
    rows = [row for rows in held_rows.values() for row in rows]
    loaded = load(folder, state.inputs)
    assert (loaded.skills, loaded.frames, loaded.calibration) == (
        state.skills,
        state.frames,
        state.calibration,
    )
    assert (HybridSVM(loaded).scores(rows) == HybridSVM(state).scores(rows)).all()


def test_equal_states_are_equal_files(state: RouterState, folder: Path, tmp_path: Path) -> None:
    HybridSVM(load(folder, state.inputs)).save(tmp_path / "again")
    for name in (RECORD, TENSORS):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_any_flipped_bit_is_found(state: RouterState, folder: Path) -> None:
    chosen = random.Random(0)
    for name in (RECORD, TENSORS):
        whole = (folder / name).read_bytes()
        for _ in range(60):
            data = bytearray(whole)
            data[chosen.randrange(len(data))] ^= 1 << chosen.randrange(8)
            (folder / name).write_bytes(data)
            with pytest.raises(IntegrityError):
                load(folder, state.inputs)
        (folder / name).write_bytes(whole)
    load(folder, state.inputs)


@pytest.mark.parametrize("name", [RECORD, TENSORS])
def test_a_missing_or_short_file_is_found(state: RouterState, folder: Path, name: str) -> None:
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[:-1])
    with pytest.raises(IntegrityError):
        load(folder, state.inputs)
    (folder / name).unlink()
    with pytest.raises(IntegrityError, match="missing"):
        load(folder, state.inputs)


def test_the_state_of_another_stack_is_refused(folder: Path) -> None:
    with pytest.raises(IntegrityError, match="another stack"):
        load(folder, "0" * 64)


def test_a_newer_format_is_refused(state: RouterState, folder: Path) -> None:
    record = canonical.unseal((folder / RECORD).read_bytes(), what="it")
    (folder / RECORD).write_bytes(canonical.seal({**record, "format": 2}))
    with pytest.raises(StoreError, match="newer"):
        load(folder, state.inputs)


@pytest.mark.parametrize(
    "change",
    [{"skills": []}, {"skills": [{"name": "a", "frame": 0}]}, {"rows": "many"}, {"words": None},
     {"features": "other"}, {"temperature": "warm"}, {"out_of_fold": {}}, {"format": 0}],
)  # fmt: skip
def test_a_record_that_does_not_fit_its_tensors_is_refused(
    state: RouterState, folder: Path, change: dict[str, object]
) -> None:
    record = canonical.unseal((folder / RECORD).read_bytes(), what="it")
    (folder / RECORD).write_bytes(canonical.seal({**record, **change}))
    with pytest.raises(IntegrityError):
        load(folder, state.inputs)


def test_states_are_small(state: RouterState, folder: Path) -> None:
    features = len(state.model.weighting.buckets)
    size = sum(path.stat().st_size for path in folder.iterdir())
    assert size < 40_000 + features * (3 + 2 * len(state.skills))
    assert np.isfinite(state.model.coefficients).all()


def test_a_state_that_is_lost_says_what_to_do_with_samples_and_without(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match=r"missing.*fitted again.*left out, import the same bundle"):
        load(tmp_path, "a" * 64)


def test_a_state_of_before_usual_values_were_kept_is_read(
    state: RouterState, folder: Path, held_rows: dict[str, list[Row]]
) -> None:
    record = canonical.unseal((folder / RECORD).read_bytes(), what="it")
    del record["usual"]
    (folder / RECORD).write_bytes(canonical.seal(record))
    older = HybridSVM(load(folder, state.inputs))
    assert (older.state.calibration.score, older.state.calibration.familiarity) == (None, None)
    rows = held_rows["banking"]
    assert [route.skill for route in older.route(rows)] == [r.skill for r in HybridSVM(state).route(rows)]


@pytest.mark.parametrize("values", [{"lowest": "2.0", "median": "1.0"}, {"lowest": "nan", "median": "1.0"}])
def test_usual_values_that_are_no_numbers_in_order_are_refused(
    state: RouterState, folder: Path, values: dict[str, str]
) -> None:
    record = canonical.unseal((folder / RECORD).read_bytes(), what="it")
    record["usual"]["score"] = values
    (folder / RECORD).write_bytes(canonical.seal(record))
    with pytest.raises(IntegrityError):
        load(folder, state.inputs)

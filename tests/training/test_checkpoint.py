"""A checkpoint is the old one or the new one, whole; damage is found before anything is used."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.errors import IntegrityError, StoreError
from skillstack.store import files, removal
from skillstack.training import checkpoint
from skillstack.training.checkpoint import Checkpoint


def some(step: int) -> Checkpoint:
    chance = np.random.default_rng(step)
    tensors = {"weight/a": chance.normal(size=(3, 4)).astype(np.float32), "best/b": np.zeros(2, np.float32)}
    return Checkpoint(step, tensors, {"best": f"step {step}", "correct": step, "n": 9, "adapted": True})


def same(one: Checkpoint | None, two: Checkpoint) -> bool:
    return (
        one is not None
        and (one.step, one.state) == (two.step, two.state)
        and one.tensors.keys() == two.tensors.keys()
        and all(np.array_equal(one.tensors[name], two.tensors[name]) for name in two.tensors)
    )


def tensor_file(folder):
    (path,) = folder.glob("*.safetensors")
    return path


def test_where_there_is_none_there_is_none(tmp_path):
    assert checkpoint.load(tmp_path / "nowhere") is None


def test_what_is_saved_comes_back_and_the_one_before_is_dropped(tmp_path):
    for step in (1, 2, 3):
        checkpoint.save(tmp_path, some(step))
        assert same(checkpoint.load(tmp_path), some(step))
    assert len(list(tmp_path.iterdir())) == 2


def test_an_equal_checkpoint_can_be_saved_twice(tmp_path):
    checkpoint.save(tmp_path, some(1))
    checkpoint.save(tmp_path, some(1))
    assert same(checkpoint.load(tmp_path), some(1))


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), manifest=st.booleans())
def test_one_flipped_bit_anywhere_is_found(tmp_path_factory, place, bit, manifest):
    folder = tmp_path_factory.mktemp("checkpoint")
    checkpoint.save(folder, some(5))
    path = folder / "checkpoint.json" if manifest else tensor_file(folder)
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 1 << bit
    path.write_bytes(data)
    with pytest.raises(IntegrityError):
        checkpoint.load(folder)


@pytest.mark.parametrize("keep", [0, 10, -1])
def test_a_file_cut_short_is_found(tmp_path, keep):
    checkpoint.save(tmp_path, some(5))
    for path in (tensor_file(tmp_path), tmp_path / "checkpoint.json"):
        data = path.read_bytes()
        path.write_bytes(data[:keep])
        with pytest.raises(IntegrityError):
            checkpoint.load(tmp_path)
        path.write_bytes(data)
    assert same(checkpoint.load(tmp_path), some(5))


def test_missing_tensors_are_damage_and_the_hint_says_what_to_delete(tmp_path):
    checkpoint.save(tmp_path, some(5))
    tensor_file(tmp_path).unlink()
    with pytest.raises(IntegrityError) as caught:
        checkpoint.load(tmp_path)
    assert str(tmp_path) in caught.value.hint


def test_a_crash_between_the_two_writes_leaves_the_old_one(tmp_path, monkeypatch):
    checkpoint.save(tmp_path, some(1))
    write = files.write_file

    def dying(path, data):
        if path.suffix == ".json":
            raise StoreError("The disk is full.", "")
        write(path, data)

    monkeypatch.setattr(files, "write_file", dying)
    with pytest.raises(StoreError):
        checkpoint.save(tmp_path, some(2))
    assert same(checkpoint.load(tmp_path), some(1))
    monkeypatch.undo()
    checkpoint.save(tmp_path, some(3))
    assert same(checkpoint.load(tmp_path), some(3))
    assert len(list(tmp_path.iterdir())) == 2


def test_a_crash_while_the_old_one_is_dropped_leaves_the_new_one(tmp_path, monkeypatch):
    checkpoint.save(tmp_path, some(1))

    def dying(base, path):
        raise StoreError("The disk went away.", "")

    monkeypatch.setattr(removal, "remove_file", dying)
    with pytest.raises(StoreError):
        checkpoint.save(tmp_path, some(2))
    assert same(checkpoint.load(tmp_path), some(2))


def test_it_is_cleared_wholly_and_clearing_nothing_is_no_error(tmp_path):
    folder = tmp_path / "work"
    checkpoint.clear(folder)
    checkpoint.save(folder, some(1))
    (folder / f"{files.TEMPORARY}{'1' * 32}").write_bytes(b"left by a kill")
    checkpoint.clear(folder)
    assert not folder.exists()
    assert checkpoint.load(folder) is None


def test_files_of_other_names_beside_a_checkpoint_stay(tmp_path):
    folder = tmp_path / "work"
    (folder / "mine").mkdir(parents=True)
    for name in ("notes.txt", "mine/a.safetensors", "model.safetensors"):
        (folder / name).write_bytes(b"somebody's own")
    checkpoint.save(folder, some(1))
    checkpoint.save(folder, some(2))
    checkpoint.clear(folder)
    assert checkpoint.load(folder) is None
    assert sorted(path.name for path in folder.iterdir()) == ["mine", "model.safetensors", "notes.txt"]


@pytest.mark.parametrize("linked", ["work", "work/plan"])
def test_behind_a_link_a_training_keeps_checkpoints_and_deletes_nothing(tmp_path, linked):
    foreign, store = tmp_path / "foreign", tmp_path / "store"
    folder = store / "work" / "plan"
    (store / linked).parent.mkdir(parents=True)
    own = foreign / "plan" if linked == "work" else foreign
    own.mkdir(parents=True)
    (own / f"{'a' * 64}.safetensors").write_bytes(b"somebody's own")
    (store / linked).symlink_to(foreign, target_is_directory=True)
    checkpoint.save(folder, some(1))
    checkpoint.save(folder, some(2))
    assert same(checkpoint.load(folder), some(2))
    before = sorted(own.iterdir())
    checkpoint.clear(folder)
    assert sorted(own.iterdir()) == before
    assert (own / f"{'a' * 64}.safetensors").read_bytes() == b"somebody's own"


def test_half_cleared_there_is_no_checkpoint(tmp_path, monkeypatch):
    checkpoint.save(tmp_path, some(1))
    remove = removal.remove_file

    def dying(base, path):
        if path.suffix == ".safetensors":
            raise StoreError("The disk went away.", "")
        return remove(base, path)

    monkeypatch.setattr(removal, "remove_file", dying)
    with pytest.raises(StoreError):
        checkpoint.clear(tmp_path)
    assert checkpoint.load(tmp_path) is None

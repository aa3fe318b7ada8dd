"""Verification finds every damaged file and names it, and finds nothing in a store that is whole."""

from __future__ import annotations

import random
import shutil

import numpy as np
import pytest

from skillstack.errors import IntegrityError, StoreError
from skillstack.store import transactions
from skillstack.store.derived import FOLDER, Derived
from skillstack.store.files import TEMPORARY
from skillstack.store.store import Store
from skillstack.store.verify import Verification, verify

from .builders import chain, files, full_store, push


def named(verification: Verification) -> set[str]:
    return {problem.path for problem in verification.problems}


def flipped(data: bytes, bit: int) -> bytes:
    altered = bytearray(data)
    altered[bit // 8] ^= 1 << bit % 8
    return bytes(altered)


def test_a_whole_store_has_no_problems_and_no_strays(full):
    found = verify(full)
    assert found == Verification(len(files(full.root)), 2, (), ())
    assert found.ok


def test_an_empty_store_is_whole(store):
    assert verify(store) == Verification(1, 0, (), ())


def test_one_flipped_bit_in_any_file_is_found_and_the_file_named(full):
    rng = random.Random(7)
    for name in files(full.root):
        path = full.root / name
        data = path.read_bytes()
        for bit in [*rng.sample(range(8 * len(data)), 10), 0, 8 * len(data) - 1]:
            path.write_bytes(flipped(data, bit))
            assert name in named(verify(full)), (name, bit)
        path.write_bytes(data)
    assert verify(full).ok


def test_the_bits_of_the_files_that_no_digest_names(store):
    push(store, "main", "alpha", adapter=False, samples=None, canaries=False)
    transactions.undo(store, "main")
    store.set_head_stack("main")
    store.put_measurement("a" * 64, "test", {"n": 1})
    history = (store.root / "history" / "main.jsonl").read_bytes()
    newlines = [8 * i + b for i, byte in enumerate(history) if byte == ord("\n") for b in range(8)]
    for name in (
        "HEAD",
        "store.json",
        "stacks/main",
        f"evaluations/{'a' * 64}-test.json",
        "history/main.jsonl",
    ):
        path = store.root / name
        data = path.read_bytes()
        # The seal of a record is tested bit by bit on its own.
        every = {"HEAD": 3, "evaluations": 3, "history": 11}.get(name.split("/")[0], 1)
        bits = range(0, 8 * len(data), every)
        for bit in [*bits, *newlines] if name.startswith("history") else bits:
            path.write_bytes(flipped(data, bit))
            assert name in named(verify(store)), (name, bit)
        path.write_bytes(data)
    assert verify(store).ok


def test_any_file_cut_short_is_found_and_named(full):
    rng = random.Random(11)
    for name in files(full.root):
        path = full.root / name
        data = path.read_bytes()
        for length in {0, len(data) // 2, len(data) - 1, rng.randrange(len(data))}:
            path.write_bytes(data[:length])
            assert name in named(verify(full)), (name, length)
        path.write_bytes(data + b"\0")
        # Bytes behind the last newline of a log are what a crash leaves.
        assert (name in named(verify(full))) != name.startswith("history"), name
        path.write_bytes(data)
    assert verify(full).ok


def test_any_missing_file_that_something_needs_is_found(full):
    # HEAD and measurements may be absent, an undone frame may have been collected, and a stack with one step
    # and no tip is what a crash of that step leaves.
    live = {
        i for stack in full.stacks() for node_id, node in full.chain(stack) for i in (node_id, node.content)
    }
    for name in files(full.root):
        path = full.root / name
        folder = name.split("/")[0]
        if folder in ("HEAD", "evaluations") or name == "stacks/other":
            continue
        if folder in ("nodes", "contents") and path.stem not in live:
            continue
        data = path.read_bytes()
        path.unlink()
        found = named(verify(full))
        assert name in found or (
            folder in ("nodes", "contents") and found & {"stacks/main", "stacks/other"}
        ), name
        path.write_bytes(data)


def test_a_chain_with_a_missing_link_is_reported_under_its_stack(full):
    newest, oldest = chain(full, "main")
    for node_id in (newest, oldest):
        for relative in (f"nodes/{node_id}.json", f"contents/{full.node(node_id).content}.json"):
            path = full.root / relative
            data = path.read_bytes()
            path.unlink()
            assert "stacks/main" in named(verify(full))
            path.write_bytes(data)


def test_a_tip_that_was_moved_by_hand_is_found(full):
    path = full.root / "stacks" / "main"
    older = chain(full, "main")[1]
    path.write_text(f"{older} {path.read_text().split()[1]}\n")
    assert "stacks/main" in named(verify(full))


def test_a_lost_tip_is_found(full):
    (full.root / "stacks" / "main").unlink()
    assert "stacks/main" in named(verify(full))


def test_two_swapped_files_are_found(full):
    one, two = sorted((full.root / "heads").iterdir())[:2]
    data = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(data)
    assert len(named(verify(full))) == 2


def test_several_damaged_files_are_all_named(full):
    damaged = {name for name in files(full.root) if name.startswith(("heads", "samples", "canaries"))}
    for name in damaged:
        (full.root / name).write_bytes(b"x")
    assert named(verify(full)) == damaged


def test_a_head_that_does_not_fit_its_labels_is_found(store):
    push(store, "main", "alpha")
    content = store.content(store.node(store.tip("main")).content)
    import dataclasses

    skill = dataclasses.replace(content.skills[0], name="x", labels=("a", "b", "c"))
    wrong = store.put_content(dataclasses.replace(content, name="x", skills=(skill,)))
    (problem,) = verify(store).problems
    assert problem.path == f"contents/{wrong}.json" and "3 labels" in problem.message


def test_the_current_stack_must_exist(full):
    full.set_head_stack("gone")
    (problem,) = verify(full).problems
    assert problem.path == "HEAD" and "gone" in problem.message


def test_remains_of_a_crash_are_strays_and_no_problems(full):
    names = [
        f"{TEMPORARY}a",
        f"nodes/{TEMPORARY}b",
        "stacks/.DS_Store",
        "history/Notes.txt",
        "adapters/old/x",
        "note.txt",
    ]
    for name in names:
        (full.root / name).parent.mkdir(exist_ok=True)
        (full.root / name).write_bytes(b"x")
    found = verify(full)
    assert found.ok and found.strays == tuple(sorted(names))


def test_a_file_of_a_higher_layer_is_checked_by_it(full):
    state = full.routers / "main" / "state.json"
    state.parent.mkdir(parents=True)
    state.write_bytes(b"x")
    assert verify(full).strays == ("../routers/main/state.json",)

    def known(path: object) -> bool:
        return True

    def damaged(path: object) -> bool:
        raise IntegrityError("It is damaged.")

    assert verify(full, other_files=known).strays == () and verify(full, other_files=known).ok
    (problem,) = verify(full, other_files=damaged).problems
    assert problem.path == "../routers/main/state.json"


def test_a_store_without_its_marker_cannot_be_opened(full):
    (full.root / "store.json").unlink()
    with pytest.raises(StoreError):
        Store.open(full.root)
    assert "store.json" in named(verify(full))


def test_a_copied_store_is_as_whole_as_the_first(full, place):
    shutil.copytree(full.root, place / "copy" / "frames")
    assert verify(Store.open(place / "copy" / "frames")).ok


def test_a_store_whose_stacks_were_all_undone_is_whole(place):
    store = full_store(place / "frames")
    for stack in store.stacks():
        while store.tip(stack):
            transactions.undo(store, stack)
    assert verify(store).ok


def test_derived_files_are_checked_and_a_damaged_one_is_a_stray(full):
    before = verify(full).files
    files_of = Derived(full.root / FOLDER, "predictions-1")
    for key in ("a" * 64, "b" * 64):
        files_of.write(key, {"logits": np.ones((1, 2), dtype=np.float32)})
    found = verify(full)
    assert found.ok and found.strays == () and found.files == before + 2
    files_of.path("a" * 64).write_bytes(flipped(files_of.path("a" * 64).read_bytes(), 1000))
    (full.root / FOLDER / "note.txt").write_bytes(b"x")
    found = verify(full)
    assert found.ok and found.files == before + 1
    assert found.strays == ("derived/note.txt", f"derived/predictions-1/{'a' * 64}.safetensors")

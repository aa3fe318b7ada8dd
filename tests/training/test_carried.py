"""A stack trained in four bits, carried to a machine that holds the base at full precision."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from skillstack.errors import MismatchError, StoreError
from skillstack.library import Library
from skillstack.models.loading import load_base
from skillstack.stack import Stack
from skillstack.store.bundle_writer import export
from skillstack.store.store import Store
from skillstack.training.progress import StepDone
from skillstack.training.run import train_stack

from .world import RECIPE, Ear, World, job, own_tasks, tiny_llama

TEXTS = ["The soup was cold, and nobody cared.", "Wonderful!", "A film to remember."]


@pytest.mark.usefixtures("last_candidate_wins")
def test_a_stack_trained_in_four_bits_opens_where_the_base_fits(tmp_path: Path, llama: Path):
    pytest.importorskip("bitsandbytes")
    here = Store.create(tmp_path / "here")
    train_stack(
        here,
        job(("imdb_sentences",), dataclasses.replace(RECIPE, init="fresh", epochs=1), precision="nf4"),
        lambda: load_base(str(llama), precision="nf4", device="cpu"),
        lambda chain: None,
        lambda event: None,
    )
    where = {"model": str(llama), "device": "cpu"}  # the frames remember its name, not where it lay
    stack = Stack.open(here.root, "main", **where)
    exported = stack.export(tmp_path / "main.zip", with_texts=True)
    Library(tmp_path / "there").import_stack(tmp_path / "main.zip")
    there = Stack.open(tmp_path / "there", **where)
    assert [frame.id for frame in there] == [frame.id for frame in stack] and exported.frames == 1
    content = there.frames()[0].content
    assert (content.precision, content.adapter is not None) == ("nf4", True)
    as_trained = there.predict(TEXTS)
    assert [a.precision_change for a in as_trained] == [None] * 3
    assert as_trained == stack.predict(TEXTS)
    rougher = Stack.open(tmp_path / "there", **where, precision="fp32")
    changed = rougher.predict(TEXTS)
    assert {answer.precision_change for answer in changed} == {"fp32"}
    agreement = rougher.agreement()
    assert agreement is not None
    assert (agreement.trained, agreement.held) == ("nf4", "fp32")
    # Another place, the same weights; and the same place with other weights.
    elsewhere = {**where, "precision": "fp32", "model": str(tiny_llama(tmp_path / "moved"))}
    assert Stack.open(tmp_path / "there", **elsewhere).predict(TEXTS) == changed
    with pytest.raises(MismatchError):
        Stack.open(tmp_path / "there", **{**elsewhere, "model": "minilm"}).predict(TEXTS)


def test_a_stack_that_came_without_its_texts_refuses_a_new_frame_before_it_is_trained(
    tmp_path: Path, make_world: Callable[..., World]
):
    world, tasks = make_world(), own_tasks(tmp_path / "data")
    first, both = (dataclasses.replace(job(()), tasks=tasks[:number]) for number in (1, 2))
    world.train(first)
    export(world.store, "main", tmp_path / "main.zip", with_texts=False, router={})
    Library(tmp_path / "there").import_stack(tmp_path / "main.zip")
    there = World(Store.open(tmp_path / "there"), world.folder)
    heard = Ear()
    with pytest.raises(StoreError, match="--with-texts"):
        there.train(both, heard)
    assert not heard.of(StepDone) and there.ids() == world.ids()
    assert there.train(first).kept == ("my-reviews",)

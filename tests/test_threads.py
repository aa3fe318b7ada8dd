"""One stack asked by many threads and processes: each gets the answers that it would get alone."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from skillstack.compression.deltas import stored
from skillstack.compression.trial import Trial
from skillstack.errors import UsageError
from skillstack.library import Library
from skillstack.results import Predicted
from skillstack.stack import Stack
from skillstack.store.rows import Row
from skillstack.store.transactions import rebuild

from .tiny import meanwhile

ROOT = Path(__file__).resolve().parents[1]
TEXTS = (
    "please block my card",
    "the soup was cold and nobody cared",
    "can i bring a pair of scissors on the plane",
    "play that song again",
    "how many vacation days do i have left",
    "a wonderful film",
)
#: Seconds after which a process is taken to hang.
PATIENCE = 60

needs_fork = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")


@pytest.fixture(scope="module")
def two_threads() -> Iterator[None]:
    """Torch computes with several threads, as it does wherever there are several cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def reference_in(folder: Path) -> Path:
    """A copy of the reference stack's store; its folder."""
    for name in (ROOT / "scripts" / "reference_files.txt").read_text(encoding="utf-8").split():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    return folder / "frames"


@pytest.fixture(scope="module")
def stack(two_threads: None, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """It has been asked, so its base is in memory."""
    opened = Stack.open(reference_in(tmp_path_factory.mktemp("threads")), device="cpu")
    opened.predict(TEXTS * 4)
    return opened


def same(one: Predicted, other: Predicted) -> bool:
    probabilities = [[found.probabilities[label] for label in other.probabilities] for found in (one, other)]
    return one.routed == other.routed and one.label == other.label and np.allclose(*probabilities, atol=1e-5)


def together(threads: int, work: Callable[[int], Any], count: int) -> list[Any]:
    """What work gives for each number, all threads started at once."""
    start = threading.Barrier(threads)

    def run(place: int) -> list[tuple[int, Any]]:
        start.wait()
        return [(number, work(number)) for number in range(place, count, threads)]

    with ThreadPoolExecutor(threads) as pool:
        found = dict(pair for pairs in pool.map(run, range(threads)) for pair in pairs)
    return [found[number] for number in range(count)]


@pytest.mark.parametrize("threads", [2, 8])
def test_threads_get_the_answers_that_one_thread_gets(stack, threads):
    named = [None, *(frame.name for frame in stack)]
    expected = {(text, name): stack.predict(text, frame=name) for text in TEXTS[:3] for name in named}
    chance = random.Random(threads)
    questions = [chance.choice(list(expected)) for _ in range(48)]

    def ask(number: int) -> bool:
        text, name = questions[number]
        if number % 5 == 0:
            return stack.route(text) == expected[text, None].routed
        return same(stack.predict(text, frame=name), expected[text, name])

    assert together(threads, ask, len(questions)).count(False) == 0


def test_batches_of_several_frames_do_not_mix_either(stack):
    expected = stack.predict(TEXTS)

    def ask(number: int) -> bool:
        return all(map(same, stack.predict(TEXTS), expected))

    assert together(4, ask, 8).count(False) == 0


def test_however_many_threads_ask_first_the_base_is_loaded_once(stack):
    fresh = Stack.open(stack.store.root, device="cpu")
    found = together(8, lambda number: fresh.loaded(), 8)
    assert all(one is found[0] for one in found)


def test_several_stacks_are_loaded_at_once(stack):
    expected = stack.predict(TEXTS[0])
    found = together(3, lambda number: Stack.open(stack.store.root, device="cpu").predict(TEXTS[0]), 3)
    assert all(same(one, expected) for one in found)


def test_canaries_hold_while_other_threads_ask(stack):
    names, chance = [frame.name for frame in stack], random.Random(0)
    with meanwhile(lambda: stack.predict(TEXTS[0], frame=chance.choice(names))):
        checks = stack.loaded().check_canaries(stack.frames())
    assert all(check.ok for check in checks)


def test_compression_reads_the_same_features_while_other_threads_ask(stack, tmp_path):
    rows = [Row(text) for text in TEXTS]

    def features(folder: Path) -> list[np.ndarray]:
        trial = Trial(stack.loaded(), 0, folder)
        adapted = [frame for frame in stack if frame.content.adapter is not None]
        return [
            trial.features(rows, frame.skills[0].rendering, stored(stack.store, frame.content))
            for frame in adapted
        ]

    alone = features(tmp_path / "alone")
    with meanwhile(lambda: stack.predict(TEXTS[0], frame="travel")):
        disturbed = features(tmp_path / "disturbed")
    for one, other in zip(alone, disturbed, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_stack_that_changes_while_it_is_asked_answers_as_before_or_as_after(stack, tmp_path):
    Library(reference_in(tmp_path)).copy("reference", "main")
    opened = Stack.open(tmp_path / "frames", "main", device="cpu")
    before, text = opened.frames(), "what is it about"
    expected = [opened.predict(text)]
    contents = [frame.content_id for frame in reversed(before)][1:]
    rebuild(opened.store, "main", contents, transaction="0" * 64, note="less", expected=before[0].id)
    expected.append(opened.predict(text))
    with meanwhile(lambda: (opened.undo(), opened.redo()), threads=1):
        found = together(4, lambda number: opened.predict(text), 8)
    for one in found:
        assert any(same(one, other) for other in expected)
    assert len(opened.frames()) == len(contents)


@pytest.mark.parametrize(
    "again", [lambda stack: pickle.loads(pickle.dumps(stack)), copy.copy, copy.deepcopy],
    ids=["pickled", "copied", "copied deeply"],
)  # fmt: skip
def test_a_copy_opens_the_same_stack_without_its_models(stack, again):
    made = again(stack)
    assert (made.store.root, made.name, made.packaged) == (stack.store.root, stack.name, stack.packaged)
    assert made.route(TEXTS) == stack.route(TEXTS)
    made = again(made)
    assert len(pickle.dumps(stack)) < 2000


def test_a_pickled_stack_answers_the_same_from_any_folder(stack, monkeypatch, tmp_path):
    monkeypatch.chdir(stack.store.root.parent)
    data = pickle.dumps(Stack.open("frames", device="cpu"))
    monkeypatch.chdir(tmp_path)
    assert all(map(same, pickle.loads(data).predict(TEXTS), stack.predict(TEXTS)))


def test_a_spawned_process_answers_the_same(stack):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.apply_async(stack.predict, (TEXTS,)).get(PATIENCE)
    assert all(map(same, found, stack.predict(TEXTS)))


@contextmanager
def forked(work: Callable[[], Any]) -> Iterator[Callable[[], Any]]:
    """A process that works on what it took over; gives what asks for the outcome."""
    context = multiprocessing.get_context("fork")
    found = context.Queue()
    process = context.Process(target=lambda: found.put(work()), daemon=True)
    process.start()
    try:
        yield lambda: found.get(timeout=PATIENCE)
    finally:
        process.kill()
        process.join()


@needs_fork
def test_a_forked_process_answers_the_same(stack):
    expected = stack.predict(TEXTS)

    def ask() -> list[list[Predicted]]:
        of_threads = together(2, lambda number: stack.predict(TEXTS), 4)
        return [*of_threads, stack.predict(TEXTS)]

    with forked(ask) as outcome:
        for found in outcome():
            assert all(map(same, found, expected))


@needs_fork
def test_a_process_that_is_forked_in_the_middle_of_an_answer_gets_its_own(stack):
    expected = stack.predict(TEXTS)
    with (
        meanwhile(lambda: stack.predict(TEXTS)),
        forked(lambda: stack.predict(TEXTS)) as outcome,
    ):
        assert all(map(same, outcome(), expected))


@needs_fork
def test_a_predictor_that_was_taken_over_is_refused(stack):
    predictor = stack.loaded()

    def ask() -> str:
        with pytest.raises(UsageError) as caught:
            predictor.check_canaries(stack.frames())
        return str(caught.value)

    with forked(ask) as outcome:
        assert "spawn" in outcome()

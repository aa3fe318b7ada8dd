"""fp16: adapters learn in fp32 behind a scaler whose state survives a stop."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from skillstack.errors import IntegrityError
from skillstack.models.loading import load_base
from skillstack.training import checkpoint, loop
from skillstack.training.candidates import FrameCandidate
from skillstack.training.checkpoint import Checkpoint

from .test_loop import Bench, bits, dying_at
from .world import RECIPE, Killed

LONG = dataclasses.replace(RECIPE, epochs=4, average=0.8)


@pytest.fixture
def half(llama: Path):
    """A decoder in fp16, as a T4 holds it."""
    return load_base(str(llama), device="cpu", precision="fp16")


class Overflowing:
    """Makes the gradient of the head overflow at some steps, as an fp16 gradient may."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, steps: set[int]) -> None:
        take = loop.Steps.take

        def taking(inner, step, rows, factor):
            handle = None
            if step in steps:
                weight = inner.optimizer.param_groups[1]["params"][0]
                handle = weight.register_hook(lambda gradient: gradient * float("inf"))
            try:
                return take(inner, step, rows, factor)
            finally:
                if handle is not None:
                    handle.remove()

        monkeypatch.setattr(loop.Steps, "take", taking)


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_adapter_and_head_learn_in_fp32_on_a_base_of_half_the_bits(llama, tmp_path, precision):
    bench = Bench(load_base(str(llama), device="cpu", precision=precision))
    assert bench.base.dtype in (torch.float16, torch.bfloat16)
    candidates: list[FrameCandidate] = []
    trainer = bench.trainer(tmp_path, tell_candidate=candidates.append)
    start = bench.slot.read_out()
    assert {parameter.dtype for parameter in bench.slot.named_parameters().values()} == {torch.float32}
    trainer.run([bench.frozen], bench.frozen.head)
    trained = next(candidate for candidate in candidates if candidate.name == "average")
    assert all(np.isfinite(array).all() for array in trained.adapter.values())
    assert all(not np.array_equal(trained.adapter[name], start[name]) for name in start)


def test_a_step_whose_gradient_overflows_is_skipped_and_not_averaged(half, tmp_path, monkeypatch):
    bench = Bench(half, dataclasses.replace(RECIPE, average=1.0))
    Overflowing(monkeypatch, {1, 4})
    seen: list[tuple[int, int, float]] = []
    weights: list[np.ndarray] = []
    trainer = bench.trainer(tmp_path)

    means: dict[str, torch.Tensor] = {}
    advance = loop.Loop.advance

    def watched(running):
        taken = advance(running)
        means.update(running.average)
        seen.append((running.updates, running.averaged, taken.loss))
        weights.append(
            np.concatenate([p.detach().numpy().ravel() for p in bench.slot.named_parameters().values()])
        )
        return taken

    monkeypatch.setattr(loop.Loop, "advance", watched)
    trainer.run([bench.frozen], bench.frozen.head)
    assert [(updates, averaged) for updates, averaged, _ in seen] == [
        (0, 0), (1, 1), (2, 2), (2, 2), (3, 3), (4, 4),
    ]  # fmt: skip
    assert np.array_equal(weights[2], weights[3])  # nothing moved
    assert not np.array_equal(weights[3], weights[4])
    mean = np.mean([weights[step] for step in (1, 2, 4, 5)], axis=0)
    names = bench.slot.named_parameters()
    averaged = np.concatenate([means[name].numpy().ravel() for name in names])
    assert np.allclose(averaged, mean, atol=1e-6)


def test_stopped_and_resumed_in_fp16_it_ends_with_the_same_bits(half, tmp_path, monkeypatch):
    bench = Bench(half, LONG)
    Overflowing(monkeypatch, {1, 2, 6})
    expected = bits(bench.run(tmp_path / "whole"))
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    for step in (2, 3, 7, 11):
        folder = tmp_path / str(step)
        with pytest.raises(Killed):
            bench.run(folder, tell_step=dying_at(step))
        found = checkpoint.load(folder)
        assert found.state["updates"] == found.step - sum(skipped <= found.step for skipped in (1, 2, 6))
        halved = sum(skipped <= found.step for skipped in (1, 2, 6))
        assert float(found.state["scaler"]["scale"]) == 65536.0 / 2**halved
        assert bits(bench.run(folder)) == expected


def test_without_fp16_a_checkpoint_says_nothing_of_a_scaler(encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    bench = Bench(encoder)
    with pytest.raises(Killed):
        bench.run(tmp_path, tell_step=dying_at(3))
    assert set(checkpoint.load(tmp_path).state) == {"best", "correct", "n", "adapted"}


@pytest.mark.parametrize("scale", ["0.0", "nan", "inf", "-2", "much"])
def test_a_scale_that_cannot_be_is_damage(half, tmp_path, monkeypatch, scale):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    bench = Bench(half)
    with pytest.raises(Killed):
        bench.run(tmp_path, tell_step=dying_at(3))
    found = checkpoint.load(tmp_path)
    scaler = {"scale": scale, "steps_since": 0}
    checkpoint.save(tmp_path, Checkpoint(found.step, found.tensors, {**found.state, "scaler": scaler}))
    with pytest.raises(IntegrityError, match="scale"):
        bench.run(tmp_path)

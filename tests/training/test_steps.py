"""A step learns from all of its rows, however few of them fit into memory at once."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from skillstack.errors import MissingError, UsageError
from skillstack.models.loading import load_base
from skillstack.models.slot import Slot
from skillstack.models.split import SplitModel
from skillstack.skills.head_training import HeadLoss
from skillstack.training.encoded import EncodedDataset
from skillstack.training.execution import Processes, RunState
from skillstack.training.fit import lora_spec
from skillstack.training.progress import Deadline
from skillstack.training.steps import StepResult, Steps

from .world import RECIPE, plan_of

STILL = dataclasses.replace(RECIPE, dropout=0.0)
TEN = list(range(10))


class Bench:
    """An adapter and a head before their first step."""

    def __init__(self, base, recipe=STILL):
        plan = plan_of(base, recipe=recipe)
        self.spec = lora_spec(plan)
        self.slot = Slot(base)
        self.slot.start_fresh(self.spec, recipe.seed)
        self.slot.copy_in({k: v + np.float32(0.01) for k, v in self.slot.read_out().items()}, self.spec)
        self.slot.trainable()
        torch.manual_seed(0)
        self.head = torch.nn.Linear(base.hidden_size, 2)
        self.told: list[int] = []
        self.train, self.recipe = (
            EncodedDataset.of(SplitModel(base, self.spec.first_layer), plan.data.train, plan.rendering),
            recipe,
        )

    def steps(self, execution) -> Steps:
        """Steps that lower the head's loss."""
        return Steps(
            self.slot.base,
            HeadLoss(self.slot.base, self.train, {0: self.head}, self.recipe.label_smoothing),
            list(self.slot.named_parameters().values()),
            list(self.head.parameters()),
            self.recipe,
            execution,
            tell_memory=self.told.append,
        )

    def gradients(self, step=1, rows=TEN, **settings) -> tuple[float, list[torch.Tensor]]:
        """Loss and gradients, the weights as they are."""
        parameters = self.slot.named_parameters()
        steps = self.steps(RunState(**settings))
        loss = steps._gradients(step, rows, len(rows))
        learning = [*parameters.values(), *self.head.parameters()]
        return loss, [parameter.grad.clone() for parameter in learning]


def close(one, two) -> bool:
    return one[0] == pytest.approx(two[0], abs=1e-5) and all(
        torch.allclose(a, b, rtol=1e-3, atol=1e-5) for a, b in zip(one[1], two[1], strict=True)
    )


class Silent(Processes):
    """One of two processes; the other one adds nothing."""

    def sum(self, tensor):
        pass


def test_in_fp16_a_process_without_rows_in_its_first_step_takes_it_all_the_same(bert):
    bench = Bench(load_base(str(bert), precision="fp16", device="cpu"))
    execution = RunState(processes=Silent(1, 2))
    steps = bench.steps(execution)
    assert steps.take(1, [0], 1.0) == StepResult(0.0, 1, True)
    assert steps.take(2, [0, 1], 1.0).loss > 0


class Narrow:
    """Makes a base run out of memory above a number of rows, and counts what passes."""

    def __init__(self, base, most: int, error=torch.OutOfMemoryError) -> None:
        self.seen: list[int] = []

        def hook(module, inputs, names):
            rows = (inputs[0] if inputs else names["hidden_states"]).shape[0]
            self.seen.append(rows)
            if rows > most:
                raise error("CUDA out of memory. Tried to allocate 2.00 GiB.")

        layers = base.model.layers if base.kind == "decoder" else base.model.encoder.layer
        layers[-1].register_forward_pre_hook(hook, with_kwargs=True)


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
@pytest.mark.parametrize("settings", [{"micro_batch": 3}, {"accumulate": 4}, {"micro_batch": 1}])
def test_a_batch_in_parts_has_the_gradient_of_the_whole(kind, settings, request):
    base = request.getfixturevalue(kind)
    bench = Bench(base)
    whole = bench.gradients()
    narrow = Narrow(base, 10)
    assert close(bench.gradients(**settings), whole)
    assert narrow.seen == {3: [2, 3, 2, 3], 1: [1] * 10, None: [2, 3, 2, 3]}[settings.get("micro_batch")]


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, MemoryError])
def test_where_memory_runs_out_half_as_many_pass_and_the_gradient_stays(encoder, error):
    bench = Bench(encoder)
    whole = bench.gradients()
    narrow = Narrow(encoder, 3, error)
    assert close(bench.gradients(), whole)
    assert narrow.seen == [10, 5, 2, 2, 2, 2, 2]
    assert bench.told == [5, 2]
    narrow.seen.clear()
    bench.gradients(step=2)
    assert narrow.seen == [2] * 5  # what was learnt is kept
    assert bench.told == [5, 2]


def test_memory_that_runs_out_in_the_middle_of_a_step_leaves_no_gradient_twice(encoder):
    bench = Bench(encoder)
    whole = bench.gradients()
    calls = []

    def hook(gradient):
        calls.append(1)
        if len(calls) == 2:  # the first part has its gradient already
            raise torch.OutOfMemoryError("CUDA out of memory.")

    bench.head.weight.register_hook(hook)
    assert close(bench.gradients(micro_batch=5), whole)
    assert bench.told == [2]


def test_a_row_that_does_not_fit_alone_is_an_error(encoder):
    bench = Bench(encoder)
    Narrow(encoder, 0)
    with pytest.raises(MissingError, match="single row") as caught:
        bench.gradients()
    assert "--gradient-checkpointing" in caught.value.hint


def test_the_shares_of_several_processes_add_up_to_the_gradient_of_one(encoder):
    bench = Bench(encoder)
    loss, whole = bench.gradients()
    shares = [Processes(place, 3).share(TEN) for place in range(3)]
    assert sorted(row for mine in shares for row in mine) == TEN
    found = [bench.gradients(rows=mine) for mine in shares]
    weights = [len(mine) / 10 for mine in shares]
    assert sum(w * part for w, (part, _) in zip(weights, found, strict=True)) == pytest.approx(loss, abs=1e-5)
    for place, expected in enumerate(whole):
        summed = sum(w * gradients[place] for w, (_, gradients) in zip(weights, found, strict=True))
        assert torch.allclose(summed, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.thorough
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's limit of address space")
def test_a_system_that_gives_no_memory_is_survived_with_the_same_gradient(tmp_path):
    tests = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, str(tests / "training" / "narrow.py"), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tests.parent), str(tests)])},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["told"][0] == 256  # of 512 rows
    assert found["rows"] < 512
    assert found["gradient"] < 1e-4
    assert found["features"] < 1e-4


@pytest.mark.parametrize(
    "wrong",
    [
        {"micro_batch": -1},
        {"accumulate": 0},
        {"deadline": Deadline(-1.0)},
        {"deadline": Deadline(float("nan"))},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(UsageError):
        RunState(**wrong)


def test_on_a_cpu_states_are_kept_unless_somebody_asks(encoder):
    assert not RunState().checkpoints_layers(encoder)
    assert RunState(layer_checkpoints=True).checkpoints_layers(encoder)
    assert not RunState(layer_checkpoints=False).checkpoints_layers(encoder)

"""What a training takes, beside what is there and what trainings do."""

from dataclasses import replace
from pathlib import Path

import pytest

from skillstack.errors import SkillStackError, UsageError
from skillstack.forecast.estimate import (
    ROUTER_STATE,
    Span,
    activation_bytes,
    adapter_bytes,
    base_bytes,
    estimate,
    seconds_per_weight,
    training_seconds,
)
from skillstack.forecast.facts import KNOWN, BaseFacts, base_facts, task_facts
from skillstack.forecast.plan import TrainingRequest, dry_run, planned_frame
from skillstack.models.devices import Device, rules
from skillstack.training.recipe import Recipe, default_recipe

REFERENCE = Path(__file__).resolve().parents[2] / "frames"
QWEN = KNOWN["Qwen/Qwen2.5-1.5B-Instruct"]
RECIPE = default_recipe("minilm", "encoder")
A100 = Device("cuda", "A100", (8, 0), 80 * 10**9)


def test_an_adapter_has_the_size_that_was_told():
    (real,) = {file.stat().st_size for file in REFERENCE.glob("adapters/*/adapter_model.safetensors")}
    assert adapter_bytes(base_facts(None), RECIPE) == pytest.approx(real, rel=0.02)


def test_a_router_of_the_reference_stack_has_about_the_size_that_was_told():
    folder = REFERENCE.parent / "routers" / "reference"
    last = max(sum(file.stat().st_size for file in state.iterdir()) for state in folder.iterdir())
    # Each of the eight pushes left a state, as many skills large.
    assert pytest.approx(last * (8 + 1) / 2, rel=0.3) == 8 * ROUTER_STATE


def test_a_base_takes_its_parameters_by_precision():
    assert base_bytes(QWEN, "fp32") == pytest.approx(6.17e9, rel=0.01)
    assert base_bytes(QWEN, "fp16") == pytest.approx(3.09e9, rel=0.01)
    # Its model card gives 1.31 thousand million parameters besides the embeddings.
    assert base_bytes(QWEN, "nf4") == pytest.approx(1.31e9 * 0.516 + 0.233e9 * 2, rel=0.02)


def test_fewer_rows_pass_where_there_is_less_room():
    chosen = rules(A100, "decoder", precision="bf16")
    found = [
        estimate(QWEN, Recipe(batch_size=16), (), A100, chosen, free, timed=False)
        for free in (100 * 10**9, 8 * 10**9, 4 * 10**9, 1)
    ]
    rows = [one.rows_at_once for one in found]
    assert rows[0] == 16
    assert rows == sorted(rows, reverse=True)
    assert 0 < rows[1] < 16
    assert rows[-1] == 0
    assert found[0].memory > found[1].memory


def test_nothing_is_said_of_the_memory_of_an_unknown_base():
    found = estimate(BaseFacts("x", "x"), RECIPE, (), A100, rules(A100, "decoder"), 10**9)
    assert (found.rows_at_once, found.memory, found.seconds) == (None, 0, None)


def test_states_computed_again_take_less_memory():
    kept = activation_bytes(QWEN, Recipe(), 8, "bf16", checkpointing=False)
    assert activation_bytes(QWEN, Recipe(), 8, "bf16", checkpointing=True) < kept / 5


def test_a_layer_is_timed_here():
    assert 0 < seconds_per_weight(base_facts(None), "cpu", "fp32") < 1e-6
    assert seconds_per_weight(BaseFacts("x", "x"), "cpu", "fp32") is None


def test_more_frames_longer_texts_and_more_rows_take_longer():
    (banking,) = task_facts(["banking"], None, ask_hub=False)
    frame = planned_frame(base_facts(None), RECIPE, banking)

    def high(*frames, recipe=RECIPE, precision="fp32"):
        return training_seconds(base_facts(None), recipe, frames, 3e-11, precision).high

    assert high(frame) < high(frame, frame) < high(frame, frame, frame)
    assert high(frame) < high(replace(frame, characters=600.0))
    assert high(frame) < high(replace(frame, train=4000))
    assert high(frame, recipe=replace(RECIPE, method="frozen-linear")) < high(frame)
    assert high(frame) < high(frame, precision="nf4")


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (3, 20, "3 to 20 seconds"),
        (40, 150, "1 to 2 minutes"),
        (50, 80, "1 minute"),
        (600, 5000, "10 to 83 minutes"),
        (7200, 20000, "2 to 6 hours"),
    ],
)
def test_ranges_of_time(low, high, said):
    assert Span(low, high).words == said


def test_rows_are_counted_as_the_training_takes_them(tmp_path):
    planned = dry_run(TrainingRequest(tasks=("imdb_sentences", "banking"), store=tmp_path / "frames"))
    first, second = planned.frames
    assert (first.train, first.state) == (96, "train")
    assert second.train == 48 * second.facts.labels
    assert (planned.stack, planned.precision, planned.exists) == ("main", "fp32", False)
    assert planned.estimate.download == 0
    assert planned.estimate.store > first.adapter_bytes
    assert not list(tmp_path.iterdir())


def test_a_task_of_the_hub_that_is_not_here_is_not_fetched(tmp_path, monkeypatch):
    monkeypatch.setenv("SKILLSTACK_CACHE", str(tmp_path / "cache"))
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    planned = dry_run(TrainingRequest(tasks=("banking", "agnews"), store=tmp_path / "frames"))
    banking, agnews = planned.frames
    assert banking.facts.data is not None
    assert agnews.facts.data is None
    assert agnews.train == 48 * 4
    assert planned.estimate.download == agnews.facts.download > 0
    every = TrainingRequest(tasks=("agnews",), store=tmp_path / "frames", overrides={"samples_per_class": 0})
    assert dry_run(every).frames[0].train > 48 * 4
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("fields", "stack", "kind"),
    [
        ({"preset": "starter8"}, "reference", UsageError),
        ({"preset": "starter8", "model": "someone/unheard-of"}, None, SkillStackError),
        ({"tasks": ("banking", "banking")}, None, UsageError),
    ],
)
def test_what_train_refuses_is_refused(fields, stack, kind, tmp_path):
    with pytest.raises(kind):
        dry_run(TrainingRequest(**fields, store=Path(tmp_path)), stack=stack)

"""What merging tools do with adapters that differ, tried for real on a small encoder."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "bench_merge.py"


@pytest.fixture(scope="module")
def bench():
    """The script as a module."""
    pytest.importorskip("peft")
    spec = importlib.util.spec_from_file_location("bench_merge", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench_merge"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["bench_merge"]


@pytest.fixture(scope="module")
def cases(bench):
    """By the name of the case, what each tool and method does; mergekit is left out."""
    return {found["case"]: found for found in bench.refusals(None)}


def test_ours_is_the_dense_sum_wherever_there_is_one(bench, cases):
    answered = [case.name for case in bench.CASES if not case.why_none]
    assert len(answered) == 7
    for name in answered:
        assert cases[name]["tools"]["ours"] == {"task-arithmetic": "right", "linear": "right"}, name


@pytest.mark.parametrize(
    ("name", "error"),
    [("a non-finite adapter", "IntegrityError: "), ("heads in modules_to_save", "MismatchError: ")],
)
def test_ours_refuses_by_a_typed_error_where_there_is_none(cases, name, error):
    assert cases[name]["why_none"]
    for said in cases[name]["tools"]["ours"].values():
        assert said.startswith(f"refuses: {error}")


def test_one_head_in_two_adapters_is_refused_by_peft_too(cases):
    for said in cases["heads in modules_to_save"]["tools"]["PEFT"].values():
        assert said.startswith("refuses: ValueError: Cannot add weighted adapters")


def test_a_control_of_equal_shapes_tells_a_right_merge_from_a_wrong_one(cases):
    found = cases["equal shapes"]["tools"]["PEFT"]
    assert found["svd"] == found["cat"] == "right"
    assert found["linear"].startswith("wrong by 0.")


def test_every_case_has_a_verdict_of_every_tool_and_no_path_of_this_machine(bench, cases):
    assert list(cases) == [case.name for case in bench.CASES]
    for found in cases.values():
        assert {tool: tuple(said) for tool, said in found["tools"].items()} == {
            tool: tuple(method for method, _ in methods) for tool, methods in bench.SUMS.items()
        }
        assert set(found["tools"]["mergekit"].values()) == {"not tried"}
    assert "/tmp" not in json.dumps(cases) and str(Path.home()) not in json.dumps(cases)


def test_without_mergekit_it_says_so(bench, tmp_path):
    # An interpreter without site-packages has none.
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    assert bench.Mergekit(str(python)).run([]) == (None, [])


def test_an_adapter_as_wide_as_its_layers_makes_any_update(bench):
    chance = np.random.default_rng(0)
    wanted = {
        f"{bench.PREFIX}encoder.layer.0.{name}": chance.normal(size=shape)
        for name, shape in {"query": (6, 6), "up": (9, 6), "down": (6, 9)}.items()
    }
    adapter = bench.wide_adapter(wanted)
    found = bench.updates_of(adapter.tensors, adapter.spec.scaling)
    assert bench.relative_error(found, wanted) < 1e-6
    assert bench.largest_error({}, wanted) == max(np.abs(update).max() for update in wanted.values())


def test_likeness_is_the_mean_cosine_between_members(bench):
    one, other = {"a": np.eye(2)}, {"a": np.array([[0.0, 1.0], [0.0, 0.0]])}
    assert bench.likeness([one, one]) == pytest.approx(1.0)
    assert bench.likeness([one, one, other]) == pytest.approx(1 / 3)

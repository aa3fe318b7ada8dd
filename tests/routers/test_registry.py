"""Routers are found by name, loaded late, and load nothing heavy to answer."""

import subprocess
import sys
from pathlib import Path

import pytest

from skillstack.errors import UsageError
from skillstack.routers.base import Router
from skillstack.routers.hybrid_svm import HybridSVM
from skillstack.routers.registry import DEFAULT, create, names, router_class
from skillstack.routers.state import RouterState


def test_every_name_leads_to_a_router_of_that_name(state: RouterState) -> None:
    assert DEFAULT in names()
    for name in names():
        router: Router = create(name, HybridSVM(state))
        assert router.name == name == router_class(name).name
        assert router.skills == state.skills


def test_a_mistyped_name_gets_a_suggestion(state: RouterState) -> None:
    with pytest.raises(UsageError, match="hybrid_chain"):
        create("hybrid_chian", HybridSVM(state))


def test_an_option_of_another_router_is_refused(state: RouterState) -> None:
    assert create("hybrid_chain", HybridSVM(state), threshold=0.5, depth=2)
    with pytest.raises(UsageError, match="threshold"):
        create("hybrid_svm", HybridSVM(state), threshold=0.5)


def test_routing_loads_neither_scikit_learn_nor_torch(state: RouterState, tmp_path: Path) -> None:
    HybridSVM(state).save(tmp_path / state.inputs)
    code = """
import sys
from pathlib import Path
from skillstack.store.rows import Row
from skillstack.routers.registry import router_class
router = router_class("hybrid_chain").load(Path(sys.argv[1]))
print(router.route([Row("block my card")])[0].skill)
print(sorted({"sklearn", "scipy", "torch", "transformers", "safetensors"} & set(sys.modules)))
"""
    arguments = [sys.executable, "-c", code, str(tmp_path / state.inputs)]
    done = subprocess.run(
        arguments, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.split() == ["banking", "[]"]

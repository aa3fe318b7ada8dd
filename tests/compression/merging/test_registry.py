"""Ways of merging are found by name, and every one says what it is."""

import subprocess
import sys

import pytest

from skillstack.compression.merging import registry
from skillstack.errors import UsageError


def test_every_name_leads_to_the_way_of_that_name():
    for name in registry.names():
        way = registry.merging(name)
        assert way.name == name
        assert way.title
        assert "https://arxiv.org/abs/" in way.paper
        assert all(len(set(values)) == len(values) > 1 for values in way.grid.values())
        assert way.defaults == {setting: values[0] for setting, values in way.grid.items()}


def test_names_may_be_written_either_way_and_an_unknown_one_gets_the_nearest():
    assert registry.merging("Task_Arithmetic").name == "task-arithmetic"
    with pytest.raises(UsageError, match="'ties'"):
        registry.merging("tise")


def test_unknown_and_senseless_settings_are_refused():
    way = registry.merging("ties")
    assert way.settled({"density": 0.3}) == {"density": 0.3, "lambda": 1.0}
    assert way.settled(None) == way.defaults
    with pytest.raises(UsageError, match="density"):
        way.settled({"denisty": 0.3})
    with pytest.raises(UsageError, match="finite"):
        way.settled({"lambda": float("nan")})


def test_merging_loads_no_model_library():
    code = (
        "import sys; from skillstack.compression.merging import merged, registry; "
        "[registry.merging(name) for name in registry.names()]; "
        "print({'torch', 'transformers', 'peft', 'sklearn', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

"""Methods are found by name, and every one says what it is."""

import subprocess
import sys

import pytest

from skillstack.continual import registry
from skillstack.errors import UsageError


def test_every_name_leads_to_the_method_of_that_name():
    for name in registry.names():
        method = registry.method(name)
        assert method.name == name
        assert method.title
        assert all(len(set(values)) == len(values) > 1 for values in method.grid.values())


def test_names_may_be_written_either_way_and_all_means_all():
    assert registry.check_names(["exact_ridge", "exact-ridge"]) == ("exact-ridge",)
    assert registry.check_names(["all"]) == registry.names()


def test_a_name_that_nobody_knows_is_an_error_with_the_nearest_one():
    with pytest.raises(UsageError, match="sequential"):
        registry.check_names(["sequentiel"])
    with pytest.raises(UsageError, match="No method"):
        registry.check_names([])


def test_listing_names_loads_no_model_library():
    code = (
        "import sys; from skillstack.continual import registry; registry.names(); "
        "print({'torch', 'transformers', 'sklearn', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

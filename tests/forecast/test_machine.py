"""What this machine is."""

import os

from skillstack.forecast.machine import notebook, this_machine


def test_this_machine_has_cores_and_more_memory_than_is_free():
    machine = this_machine()
    assert 1 <= machine.cores <= (os.cpu_count() or 1)
    assert 0 < machine.memory_free <= machine.memory_total
    assert machine.python.startswith("3.")


def test_services_that_end_sessions_are_told_by_their_environment():
    assert notebook({"KAGGLE_KERNEL_RUN_TYPE": "Interactive"}) == "kaggle"
    assert notebook({"COLAB_RELEASE_TAG": "release"}) == "colab"
    assert notebook({}) == ""

"""What is recorded of the machine says what equal ids depend on, and nothing about its owner."""

import os
from pathlib import Path

import torch

from skillstack.training.execution import environment


def test_versions_machine_and_threads_are_named():
    found = environment()
    assert found["torch"] == torch.__version__
    assert found["threads"] == str(torch.get_num_threads())
    assert {"python", "machine", "transformers", "peft", "numpy", "tokenizers"} <= set(found)
    assert all(isinstance(value, str) and value for value in found.values())


def test_no_path_and_no_name_of_a_person_is_in_it():
    found = " ".join(environment().values())
    assert str(Path.home()) not in found
    assert os.uname().nodename not in found

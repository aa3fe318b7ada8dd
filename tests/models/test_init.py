"""Importing the package is cheap and sets what must come before torch."""

import os
import subprocess
import sys

CODE = """
import os, sys
os.environ.pop("OMP_WAIT_POLICY", None)
import skillstack.models
import skillstack.models.lora, skillstack.models.adapter_config, skillstack.models.sources
heavy = {"torch", "transformers", "peft", "sklearn", "scipy"} & set(sys.modules)
print(os.environ["OMP_WAIT_POLICY"], sorted(heavy))
"""


def run(code: str, **changes: str) -> str:
    environment = os.environ | changes
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_idle_threads_sleep_and_nothing_heavy_is_loaded():
    assert run(CODE) == "PASSIVE []"


def test_the_user_may_choose_another_policy():
    code = "import os, skillstack.models; print(os.environ['OMP_WAIT_POLICY'])"
    assert run(code, OMP_WAIT_POLICY="ACTIVE") == "ACTIVE"

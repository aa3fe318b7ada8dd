import subprocess
import sys

HEAVY = ("torch", "transformers", "sklearn", "scipy", "peft", "accelerate", "datasets", "numpy")


def test_tasks_load_nothing_heavy() -> None:
    code = (
        "import sys, skillstack.data.presets as p, skillstack.data.sources as s;"
        "p.load_preset('starter8'); s.load_task('travel').test;"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"

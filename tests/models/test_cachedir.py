"""Where the user's cache is."""

import sys
from pathlib import Path

import pytest

from skillstack.hub import cache_dir


def test_the_own_variable_comes_first(monkeypatch, tmp_path):
    monkeypatch.setenv("SKILLSTACK_CACHE", str(tmp_path / "own"))
    assert cache_dir() == tmp_path / "own"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have folders of their own")
def test_then_xdg_then_home(monkeypatch, tmp_path):
    monkeypatch.delenv("SKILLSTACK_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "skillstack"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_dir() == Path.home() / ".cache" / "skillstack"

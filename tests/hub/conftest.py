"""A stand-in hub with two data sets and a model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from skillstack.data.hub_rows import hub_sets

from .world import StandIn, make_set, serving

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, str]]:
    """The repositories of the stand-in hub."""
    root = tmp_path_factory.mktemp("hub")
    repos = {}
    for name in ("rotten_tomatoes", "boolq"):
        known = hub_sets()[name]
        repos[f"datasets/{known.repo}"] = (make_set(root / name, known), known.revision)
    model = root / "model"
    model.mkdir()
    (model / "config.json").write_text(json.dumps({"model_type": "bert"}))
    (model / "README.md").write_text("---\nlicense: apache-2.0\n---\n\n# A model\n")
    (model / "pytorch_model.bin").write_bytes(b"a pickle that nobody asked for")
    (model / "code.py").write_text("raise SystemExit")
    save_file({"a": np.arange(1_000, dtype=np.float32)}, model / "model.safetensors")
    repos["some/model"] = (model, COMMIT)
    return repos


@pytest.fixture
def hub(folders: dict[str, tuple[Path, str]]) -> Iterator[StandIn]:
    """The stand-in hub, serving."""
    with serving(StandIn(repos=dict(folders))) as served:
        yield served

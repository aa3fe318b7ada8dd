"""The reference stack that comes with an installation."""

from __future__ import annotations

from pathlib import Path

import skillstack
from skillstack.store.locate import packaged_store


def test_the_store_of_the_installation_is_for_reading_only():
    found = packaged_store()
    package = Path(skillstack.__file__).resolve().parent
    assert found is not None
    assert found.read_only
    assert found.root in (package / "reference" / "frames", package.parent / "frames")

"""The copy of the reference stack inside the package."""

from __future__ import annotations

from pathlib import Path

import skillstack
from skillstack.frames.locate import packaged_store


def test_the_packaged_store_is_for_reading_only_or_was_left_out():
    found = packaged_store()
    marker = Path(skillstack.__file__).parent / "reference" / "frames" / "store.json"
    assert (found is None) == (not marker.is_file())
    assert found is None or found.read_only

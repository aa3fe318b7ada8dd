"""Tests of the store. `builders` makes small real stores; other test packages may import it."""

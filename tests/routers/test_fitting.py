"""A state's digest names what it follows from."""

from skillstack.routers.base import Parameters
from skillstack.routers.state import state_digest

CONTENTS = [("a", "0" * 64, 0), ("b", "1" * 64, 1)]


def test_everything_that_decides_a_state_changes_its_digest() -> None:
    digests = {
        state_digest(CONTENTS),
        state_digest(CONTENTS[:1]),
        state_digest(CONTENTS[::-1]),
        state_digest([("a", "0" * 64, 0), ("b", "1" * 64, 0)]),
        state_digest([("a", "0" * 64, 0), ("c", "1" * 64, 1)]),
        state_digest([("a", "0" * 64, 0), ("b", "2" * 64, 1)]),
        state_digest(CONTENTS, Parameters(c="7")),
    }
    assert len(digests) == 7
    assert state_digest(CONTENTS, Parameters()) == state_digest(iter(CONTENTS))

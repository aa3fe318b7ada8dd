"""Samples must be those of a stack."""

import pytest

from skillstack.errors import UsageError
from skillstack.routers.base import SkillSamples, check_samples
from skillstack.routers.features import hash_rows
from skillstack.store.rows import Row

ROWS = hash_rows([Row("some text")])


def test_skills_of_one_frame_share_its_position() -> None:
    given = [SkillSamples("a", 0, ROWS), SkillSamples("b", 1, ROWS), SkillSamples("c", 1, ROWS)]
    assert check_samples(given) == tuple(given)


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        [SkillSamples("a", 0, ROWS), SkillSamples("a", 1, ROWS)],
        [SkillSamples("a", 1, ROWS), SkillSamples("b", 0, ROWS)],
        [SkillSamples("a", -1, ROWS)],
        [SkillSamples("a", 0, hash_rows([]))],
    ],
)
def test_what_is_no_stack_is_refused(wrong: list[SkillSamples]) -> None:
    with pytest.raises(UsageError):
        check_samples(wrong)

import pytest

from skillstack.data.sources import is_referable, load_task, resolve
from skillstack.data.splits import router_rows
from skillstack.errors import IntegrityError


def test_references_become_the_rows_again() -> None:
    data = load_task("travel")
    rows = router_rows(data.train, 256, 42, "travel")
    assert is_referable(data.source.name)
    assert resolve(data.source.name, [row.digest() for row in rows]) == rows


@pytest.mark.parametrize(
    "source", ["folder/imdb", "starter/imdb", "starter/../travel", "starter/out_of_scope", ""]
)
def test_only_starter_tasks_can_be_referred_to(source: str) -> None:
    assert not is_referable(source)
    with pytest.raises(IntegrityError, match="does not ship"):
        resolve(source, [])


def test_a_row_that_is_not_there_is_named() -> None:
    with pytest.raises(IntegrityError, match="the row 000000000000 of starter/travel"):
        resolve("starter/travel", ["0" * 64])


def test_test_rows_cannot_be_referred_to() -> None:
    with pytest.raises(IntegrityError):
        resolve("starter/travel", [load_task("travel").test[0].row.digest()])

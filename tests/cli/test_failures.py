import click
import pytest

from skillstack.cli.failures import Interrupted, explain
from skillstack.errors import BusyError, IntegrityError, UsageError


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UsageError("A.", "B."), 2),
        (IntegrityError("A.", "B."), 3),
        (BusyError("A.", "B."), 3),
        (click.UsageError("no such thing"), 2),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (MemoryError(), 3),
        (FileNotFoundError(2, "No such file", "x"), 3),
        (ZeroDivisionError("division by zero\nmore"), 3),
    ],
)
def test_every_error_has_a_status_and_whole_sentences(error, status):
    failure = explain(error)
    assert failure.status == status
    assert failure.message.endswith(".")
    assert "\n" not in failure.message


def test_an_interrupted_training_says_how_to_go_on():
    assert explain(Interrupted("Run it again.")).hint == "Run it again."


def test_the_unexpected_asks_for_a_report():
    assert "--debug" in explain(ZeroDivisionError()).hint

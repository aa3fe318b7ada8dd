"""Times and numbers of rows as people write them."""

import click
import pytest

from skillstack.cli.execution import duration, launched_place, rows_or_auto


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("8h", 28800.0),
        ("30m", 1800.0),
        ("1h30m", 5400.0),
        ("90s", 90.0),
        ("90", 90.0),
        ("1h30m5s", 5405.0),
        ("1.5h", 5400.0),
        (" 8H ", 28800.0),
        ("0s", 0.0),
    ],
)
def test_a_time_limit_in_hours_minutes_and_seconds(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "8x", "-5m", "30m1h", "nan", "inf", "1e3s", "8 hours"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(click.BadParameter, match="1h30m"):
        duration(text)


def test_rows_are_a_number_or_auto():
    assert (rows_or_auto("16"), rows_or_auto("auto"), rows_or_auto("AUTO")) == (16, 0, 0)


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "many", "9" * 99])
def test_what_is_no_number_of_rows_is_refused(text):
    with pytest.raises(click.BadParameter, match="auto"):
        rows_or_auto(text)


def test_only_the_first_of_several_processes_speaks(monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert launched_place() == 0
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert launched_place() == 1

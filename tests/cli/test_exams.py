"""Which test rows are asked is said in one way by all commands that ask some."""

from pathlib import Path

import click
import pytest

from skillstack.cli.exams import rows_per_class, tables
from skillstack.errors import UsageError

CONTEXT, OPTION = click.Context(click.Command("eval")), click.Option(["--test"])


def test_rows_are_a_number_or_all():
    assert rows_per_class(CONTEXT, OPTION, "64") == 64
    assert rows_per_class(CONTEXT, OPTION, "all") is None


@pytest.mark.parametrize("value", ["", "0", "-1", "1.5", "ALL", "²", "٣", "9" * 5000])
def test_what_is_no_number_of_rows_is_refused(value):
    with pytest.raises(UsageError, match="is no number of rows"):
        rows_per_class(CONTEXT, OPTION, value)


def test_tables_stand_under_the_skill_that_they_are_of():
    found = tables(CONTEXT, OPTION, ("tickets=a.csv", "mail=b=c.tsv"))
    assert found == {"tickets": Path("a.csv"), "mail": Path("b=c.tsv")}


@pytest.mark.parametrize("value", ["tickets", "tickets=", "=a.csv", "="])
def test_a_table_without_a_name_or_a_file_is_refused(value):
    with pytest.raises(UsageError, match="takes NAME=FILE"):
        tables(CONTEXT, OPTION, (value,))


def test_two_tables_for_one_skill_are_refused():
    with pytest.raises(UsageError, match="twice for 'tickets'"):
        tables(CONTEXT, OPTION, ("tickets=a.csv", "tickets=b.csv"))

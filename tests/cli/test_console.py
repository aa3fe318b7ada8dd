"""An interrupt that a library swallows is raised at the next event."""

import io
import json
import os
import signal
import sys

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.cli import console
from skillstack.cli.console import Interrupted, explain, remembered_interrupts
from skillstack.errors import BusyError, IntegrityError, UsageError
from skillstack.store.records import Count


@given(
    st.dictionaries(st.text(st.characters(), max_size=9), st.text(st.characters(), max_size=9), max_size=3)
)
def test_json_is_ascii_without_control_characters_and_reads_back(value):
    value.pop("schema", None)
    written = console.to_json(value)
    assert all(" " <= c <= "~" for c in written)
    assert json.loads(written) == {"schema": 1, **value}


def test_json_refuses_what_is_no_number():
    with pytest.raises(ValueError):
        console.to_json({"score": float("nan")})


def test_answers_go_to_standard_output_and_notes_to_standard_error(capsys):
    console.out("an\x1banswer")
    console.note("a note")
    console.report_failure(UsageError("It is wrong.", "Do this."), as_json=False)
    out, err = capsys.readouterr()
    assert out == "an\\x1banswer\n"
    assert err == "a note\nerror: It is wrong.\nDo this.\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_moving_display_needs_a_terminal_that_nobody_wants_plain(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert not console.shows_progress()
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert console.shows_progress()
    monkeypatch.setenv("CI", "true")
    assert not console.shows_progress()
    monkeypatch.delenv("CI")
    monkeypatch.setenv("TERM", "dumb")
    assert not console.shows_progress()


def test_nothing_moves_in_a_notebook_whose_commands_have_a_terminal(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm-color")
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    assert not console.shows_progress()


def test_without_a_terminal_lines_have_eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert console.width() == 80


def test_what_an_encoding_lacks_is_known():
    assert console.can_show("┌", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    assert not console.can_show("┌", io.TextIOWrapper(io.BytesIO(), encoding="latin-1"))


def test_an_accuracy_names_its_number_of_rows():
    assert console.accuracy(Count(191, 200)) == "95.5 % of 200"
    assert console.accuracy(None) == console.accuracy(Count(0, 0)) == "-"


@given(st.text(max_size=300), st.integers(4, 60))
def test_a_shortened_text_is_one_line_of_the_width(text, width):
    line = console.shorten(text, width)
    assert len(line) <= width
    assert "\n" not in line


def test_a_table_keeps_its_columns_whatever_stands_in_them():
    rows = [["a\nb", "1"], ["c\x1b", "10"], ["[b]:smile:", "2"]]
    assert console.table([], rows, indent=0) == ["a b          1", "c\\x1b       10", "[b]:smile:   2"]
    assert console.table(["NAME", "N"], [], indent=1) == [" NAME  N"]


def test_a_table_is_as_wide_as_the_screen_at_most_and_loses_nothing(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    name, figure = "long-" * 30, "95.5 % of 200"
    lines = console.table(["NAME", "ACCURACY"], [[name, figure]])
    assert all(len(line) <= 80 and "\x1b" not in line for line in lines)
    assert figure in lines[1] and "".join(line.split()[0] for line in lines[1:]) == name


@given(st.lists(st.text(max_size=12), min_size=1, max_size=4))
def test_a_command_to_copy_is_read_as_the_same_words(words):
    import shlex

    assert shlex.split(console.quoted(words)) == words


def test_a_command_to_copy_has_the_quotes_that_every_shell_knows():
    assert console.quoted(["skillstack", "route", "please block"]) == 'skillstack route "please block"'


def test_a_long_value_goes_on_below_where_it_began():
    lines = console.pairs([("id", "ab" * 50), ("labels", "one label, " * 20), ("note", "")])
    assert lines[0] == "  id      " + "ab" * 50
    assert all(line.startswith(" " * 10) and len(line) <= 80 for line in lines[2:-1])
    assert lines[-1] == "  note    -"


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


def test_a_swallowed_interrupt_is_raised_again():
    before = signal.getsignal(signal.SIGINT)
    with remembered_interrupts() as check:
        check()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            check()
    assert signal.getsignal(signal.SIGINT) is before

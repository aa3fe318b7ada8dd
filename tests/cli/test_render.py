import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.cli import render


@given(
    st.dictionaries(st.text(st.characters(), max_size=9), st.text(st.characters(), max_size=9), max_size=3)
)
def test_json_is_ascii_without_control_characters_and_reads_back(value):
    value.pop("schema", None)
    written = render.to_json(value)
    assert all(" " <= c <= "~" for c in written)
    assert json.loads(written) == {"schema": 1, **value}


def test_json_refuses_what_is_no_number():
    with pytest.raises(ValueError):
        render.to_json({"score": float("nan")})


def test_answers_go_to_standard_output_and_notes_to_standard_error(capsys):
    render.out("an\x1banswer")
    render.note("a note")
    render.failure("It is wrong.", "Do this.")
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
    assert not render.shows_progress()
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert render.shows_progress()
    monkeypatch.setenv("CI", "true")
    assert not render.shows_progress()
    monkeypatch.delenv("CI")
    monkeypatch.setenv("TERM", "dumb")
    assert not render.shows_progress()


def test_nothing_moves_in_a_notebook_whose_commands_have_a_terminal(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm-color")
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    assert not render.shows_progress()


def test_without_a_terminal_lines_have_eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert render.width() == 80


def test_what_an_encoding_lacks_is_known():
    assert render.can_show("┌", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    assert not render.can_show("┌", io.TextIOWrapper(io.BytesIO(), encoding="latin-1"))

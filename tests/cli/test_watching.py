"""A training is shown, and Ctrl-C says how to go on."""

import io
import os
import signal
import sys

import pytest

from skillstack.cli.console import Interrupted
from skillstack.cli.watching import GO_ON, event_line, watched_training
from skillstack.store.records import Count
from skillstack.training.progress import (
    DevMeasured,
    FamilySettled,
    FrameDone,
    FrameKept,
    FrameStarted,
    MemoryShort,
    StepDone,
    Waiting,
)

EVENTS = (
    Waiting("main"),
    FrameKept(1, 2, "films"),
    FrameStarted(2, 2, "banking", 96, 12, 4),
    DevMeasured("banking", "frozen-linear", Count(160, 200)),
    StepDone("banking", 5, 12, 0.7),
    MemoryShort("banking", 8),
    StepDone("banking", 12, 12, 0.3),
    FrameDone(2, 2, "banking", "ab" * 32, Count(191, 200), Count(160, 200), "epoch 2", 12.34),
)


def test_without_a_terminal_a_frame_has_a_line_at_its_start_and_its_end(capsys):
    with watched_training() as listen:
        for event in EVENTS:
            listen(event)
    assert capsys.readouterr().err.splitlines() == [
        "another training of the stack main is under way; this one waits until it has ended",
        "frame 1 of 2, films, is there already",
        "frame 2 of 2, banking: 96 rows, 12 steps, continuing from step 4",
        "banking: out of memory; 8 rows at once from now on",
        "frame 2 of 2, banking: dev 95.5 % of 200 (epoch 2; frozen linear 80.0 %), 12.3 s",
    ]


def test_what_became_of_a_family_is_said():
    frames = ("films", "food")
    assert event_line(
        FamilySettled("sentiment", frames, "sentiment", "no task loses 2.0 points or more")
    ) == ("sentiment: films and food are one frame now, sentiment: no task loses 2.0 points or more")
    assert event_line(FamilySettled("sentiment", frames, None, "food would lose about 3.0 points")) == (
        "sentiment: films and food stay separate: food would lose about 3.0 points"
    )


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_in_a_terminal_it_moves_and_leaves_the_same_lines_behind(monkeypatch):
    terminal = Terminal()
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "stderr", terminal)
    with watched_training() as listen:
        for event in EVENTS:
            listen(event)
    shown = terminal.getvalue()
    assert "2 of 2 frames" in shown
    assert event_line(EVENTS[-1]) in shown
    assert "\x1b[3" not in shown  # no colour


def test_a_long_frame_says_now_and_then_how_far_it_is(capsys):
    now = [0.0]
    with watched_training(clock=lambda: now[0]) as listen:
        listen(FrameStarted(2, 8, "banking", 96, 100, 0))
        listen(DevMeasured("banking", "frozen-linear", Count(160, 200)))
        for step in range(1, 101):
            now[0] += 2.0
            listen(StepDone("banking", step, 100, 0.5))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 + 6
    assert lines[1] == ("frame 2 of 8, banking: step 15 of 100, 2 min 50 s left, loss 0.500, dev 80.0 %")


def test_another_process_says_nothing(capsys):
    with watched_training(silent=True) as listen:
        for event in EVENTS:
            listen(event)
    assert capsys.readouterr() == ("", "")


def test_frame_loss_dev_and_the_time_that_is_left_fit_into_80_columns():
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    from skillstack.cli.watching import _Display

    now = [0.0]
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=6), TextColumn("{task.fields[words]}"))
    progress = Progress(*columns, console=Console(file=io.StringIO(), width=80))
    show = _Display(progress, lambda: now[0])
    show(FrameDone(1, 8, "wiki_topics", "ab" * 32, Count(191, 200), Count(160, 200), "average", 312.0))
    show(FrameStarted(2, 8, "amazon_sentences", 96, 1000, 0))
    show(DevMeasured("amazon_sentences", "frozen-linear", Count(160, 200)))
    now[0] = 30.0
    show(StepDone("amazon_sentences", 1, 1000, 0.7))
    now[0] += 99 * 0.3
    show(StepDone("amazon_sentences", 100, 1000, 0.4567))
    screen = Console(file=io.StringIO(), width=80)
    screen.print(progress.get_renderable())
    shown = screen.file.getvalue()
    assert "frame 2 of 8, amazon_sentences" in shown
    assert "about 36 min 24 s left" in shown
    assert "step 100 of 1000" in shown
    assert "4 min 30 s left, loss 0.457, dev 80.0 %" in shown
    assert max(len(line) for line in shown.splitlines()) <= 80


KEPT = FrameKept(1, 2, "films")


def test_every_event_is_shown_and_heard(capsys):
    heard = []
    with watched_training(heard.append) as listen:
        listen(KEPT)
    assert heard == [KEPT]
    assert capsys.readouterr().err == "frame 1 of 2, films, is there already\n"


def test_a_silent_one_is_heard_alone(capsys):
    heard = []
    with watched_training(heard.append, silent=True) as listen:
        listen(KEPT)
    assert heard == [KEPT]
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
def test_an_interrupt_that_a_library_swallows_ends_it_at_the_next_event():
    heard = []
    with pytest.raises(Interrupted) as interrupted, watched_training(heard.append) as listen:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        listen(KEPT)
    assert interrupted.value.hint == GO_ON
    assert not heard

import io
import sys

from skillstack.cli.training import event_line, training_progress
from skillstack.frames.records import Count
from skillstack.training.events import DevMeasured, FrameDone, FrameKept, FrameStarted, StepDone

EVENTS = (
    FrameKept(1, 2, "films"),
    FrameStarted(2, 2, "banking", 96, 12, 4),
    DevMeasured("banking", "frozen-linear", Count(160, 200)),
    StepDone("banking", 5, 12, 0.7),
    StepDone("banking", 12, 12, 0.3),
    FrameDone(2, 2, "banking", "ab" * 32, Count(191, 200), Count(160, 200), "epoch 2", 12.34),
)


def test_without_a_terminal_a_frame_has_a_line_at_its_start_and_its_end(capsys):
    with training_progress() as listen:
        for event in EVENTS:
            listen(event)
    assert capsys.readouterr().err.splitlines() == [
        "frame 1 of 2, films: there already",
        "frame 2 of 2, banking: 96 rows, 12 steps, going on from step 4",
        "frame 2 of 2, banking: dev 95.5 % of 200 (epoch 2; frozen linear 80.0 %), 12.3 s",
    ]


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
    with training_progress() as listen:
        for event in EVENTS:
            listen(event)
    shown = terminal.getvalue()
    assert "2/2 frames" in shown
    assert event_line(EVENTS[-1]) in shown
    assert "\x1b[3" not in shown  # no colour

"""A training is shown, and Ctrl-C says how to go on."""

import os
import signal
import sys

import pytest

from skillstack.cli.failures import Interrupted
from skillstack.cli.watching import GO_ON, watched_training
from skillstack.training.progress import FrameKept

KEPT = FrameKept(1, 2, "films")


def test_every_event_is_shown_and_heard(capsys):
    heard = []
    with watched_training(heard.append) as listen:
        listen(KEPT)
    assert heard == [KEPT]
    assert capsys.readouterr().err == "frame 1 of 2, films: there already\n"


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

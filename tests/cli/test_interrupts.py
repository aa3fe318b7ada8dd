"""An interrupt that a library swallows is raised at the next event."""

import os
import signal

import pytest

from skillstack.cli.interrupts import remembered_interrupts


def test_a_swallowed_interrupt_is_raised_again():
    before = signal.getsignal(signal.SIGINT)
    with remembered_interrupts() as check:
        check()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            check()
    assert signal.getsignal(signal.SIGINT) is before

"""A training that somebody watches: its progress is shown, and an interrupt is not lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from skillstack.cli.failures import Interrupted
from skillstack.cli.interrupts import remembered_interrupts
from skillstack.cli.training import training_progress
from skillstack.training.progress import Event, Listener, nobody

GO_ON = "Run the same command again to go on where it stopped."
#: What is said where the time limit came first.
UNFINISHED = ("The time limit is reached, and what was done is kept.", GO_ON)


@contextmanager
def watched_training(also: Listener = nobody, *, silent: bool = False) -> Iterator[Listener]:
    """Show a training while the block runs; yields who listens to it.

    :param also: hears every event as well.
    :param silent: show nothing, as another process speaks.
    :raises Interrupted: at Ctrl-C, saying how to go on.
    """
    try:
        with training_progress(silent=silent) as show, remembered_interrupts() as check_interrupt:

            def listen(event: Event) -> None:
                check_interrupt()
                also(event)
                show(event)

            yield listen
    except KeyboardInterrupt:
        raise Interrupted(GO_ON) from None

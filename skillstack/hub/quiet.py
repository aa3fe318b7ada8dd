"""The hub's libraries on their best behaviour: silent, and not trying one read for minutes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

#: Times that `datasets` repeats a read, five seconds apart; each was tried five times below it already.
READ_RETRIES = 2


@contextmanager
def quiet_hub() -> Iterator[None]:
    """No progress bars (a dozen for one task) and no messages: what matters comes back as an error."""
    from datasets import config
    from datasets.utils import logging as of_datasets
    from huggingface_hub import utils
    from huggingface_hub.utils import logging as of_hub

    levels = of_datasets.get_verbosity(), of_hub.get_verbosity()
    hidden = utils.are_progress_bars_disabled()  # type: ignore[attr-defined]
    retries = config.STREAMING_READ_MAX_RETRIES
    utils.disable_progress_bars()  # type: ignore[attr-defined]
    of_datasets.set_verbosity(logging.CRITICAL)
    of_hub.set_verbosity(logging.CRITICAL)
    config.STREAMING_READ_MAX_RETRIES = min(READ_RETRIES, retries)
    try:
        yield
    finally:
        config.STREAMING_READ_MAX_RETRIES = retries
        of_datasets.set_verbosity(levels[0])
        of_hub.set_verbosity(levels[1])
        if not hidden:
            utils.enable_progress_bars()  # type: ignore[attr-defined]

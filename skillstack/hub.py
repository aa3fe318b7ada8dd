"""What tasks and models share about the model hub: its cache, its failures in words, its libraries silent.

Errors of `huggingface_hub`, of `datasets` and of the network come wrapped in each other; the innermost one
that says something decides. Messages of other libraries are not passed on: they hold addresses and headers.
"""

from __future__ import annotations

import errno
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_path

from skillstack.errors import MissingError, SkillStackError, StoreError
from skillstack.process_lock import ProcessLock


def cache_dir() -> Path:
    """``$SKILLSTACK_CACHE``, else ``skillstack`` in the user's cache folder; it need not exist yet."""
    own = os.environ.get("SKILLSTACK_CACHE")
    return Path(own).expanduser() if own else user_cache_path("skillstack", appauthor=False)


#: Names of errors that mean: nobody answered.
_SILENT = {
    "ConnectError",
    "ConnectTimeout",
    "ReadTimeout",
    "PoolTimeout",
    "ConnectionError",
    "ConnectionRefusedError",
    "ProxyError",
    "gaierror",
}

#: Names of errors that mean: the answer ended too early, or is not what it should be.
_BROKEN = {
    "RemoteProtocolError",
    "ReadError",
    "ChunkedEncodingError",
    "IncompleteRead",
    "ArrowInvalid",
    "DecodingError",
    "XetDownloadError",
}


def is_offline() -> bool:
    """Whether HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) forbids asking the hub."""
    from huggingface_hub.constants import HF_HUB_OFFLINE

    return bool(HF_HUB_OFFLINE)


def explain(error: BaseException, what: str, page: str, otherwise: str) -> SkillStackError:
    """The error to raise instead of this one.

    :param what: what was wanted, as a sentence begins: ``The model x/y``.
    :param page: its name on the hub, as in its address: ``x/y`` or ``datasets/x/y``.
    :param otherwise: a sentence on how to do without the hub.
    """
    chain = list(_chain(error))
    names = {name for one in chain for name in _names(one)}
    full = next((one for one in chain if isinstance(one, OSError) and one.errno in _FULL), None)
    if full is not None:
        return StoreError(
            f"The disk is full: {what[0].lower()}{what[1:]} was not fetched.",
            "Free some space, or set HF_HOME and SKILLSTACK_CACHE to folders that have it.",
        )
    known = _by_name(names, _status(chain), what, page, otherwise)
    if known is not None:
        return known
    reason = type(error).__name__
    return MissingError(f"{what} is not in the local cache and cannot be downloaded ({reason}).", otherwise)


_FULL = (errno.ENOSPC, errno.EDQUOT)


def _by_name(
    names: set[str], status: int | None, what: str, page: str, otherwise: str
) -> MissingError | None:
    address = f"https://huggingface.co/{page}"
    if "GatedRepoError" in names:
        if _has_token():
            return MissingError(
                f"{what} is gated, and the account of this machine's token has no access.",
                f"Ask for access at {address}, or log in with another account: `hf auth login`.",
            )
        return MissingError(
            f"{what} is gated.", f"Accept its terms at {address} and log in with `hf auth login`."
        )
    if "RevisionNotFoundError" in names:
        return MissingError(
            f"{what} has no such revision on the hub.", f"{address} lists its commits. {otherwise}"
        )
    if "RepositoryNotFoundError" in names and status in (401, 403) and _has_token():
        return MissingError(
            f"{what} is not on the hub, or the token of this machine is not valid for it.",
            "Check the name, and log in again with `hf auth login`.",
        )
    if "RepositoryNotFoundError" in names:
        return MissingError(
            f"{what} is not on the hub, or it is private.",
            f"Check the name; a private one needs `hf auth login`. {otherwise}",
        )
    if status in (401, 403):
        return MissingError(
            f"The hub refuses to give {what[0].lower()}{what[1:]} (status {status}).",
            "Check HF_TOKEN, or log in again with `hf auth login`.",
        )
    if status == 429 or (status is not None and status >= 500):
        return MissingError(
            f"{what} cannot be fetched now: the hub is overloaded or down (status {status}).",
            f"Try again later. {otherwise}",
        )
    if names & _BROKEN or "Consistency check failed" in names:
        return MissingError(
            f"{what} came only in part, or damaged.",
            "Run the same command again; what is whole is kept.",
        )
    if "OfflineModeIsEnabled" in names or is_offline():
        return MissingError(
            f"{what} is not in the local cache and cannot be downloaded: HF_HUB_OFFLINE is set.",
            f"Run `skillstack fetch` where there is a network, or unset it. {otherwise}",
        )
    if names & _SILENT:
        return MissingError(
            f"{what} is not in the local cache, and the hub cannot be reached.",
            f"Check the network, or run `skillstack fetch` where there is one. {otherwise}",
        )
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _names(error: BaseException) -> Iterator[str]:
    for kind in type(error).__mro__:
        if kind is not OSError:
            yield kind.__name__
    # A plain OSError of huggingface_hub: the file has another size than was announced.
    if "onsistency check failed" in str(error):
        yield "Consistency check failed"


def _status(chain: list[BaseException]) -> int | None:
    for error in chain:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if isinstance(status, int):
            return status
    return None


def _has_token() -> bool:
    from huggingface_hub import get_token

    return bool(os.environ.get("HF_TOKEN") or get_token())


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


#: What is silenced, and what transformers changes while it makes a model, belongs to the whole process.
_LOCK = ProcessLock()


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars, no messages below errors from transformers, no warnings of coming changes.

    One thread at a time; others wait.
    """
    from transformers.utils import logging as chatter

    with _LOCK:
        bars, level = chatter.is_progress_bar_enabled(), chatter.get_verbosity()
        chatter.disable_progress_bar()
        chatter.set_verbosity_error()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                yield
        finally:
            chatter.set_verbosity(level)
            if bars:
                chatter.enable_progress_bar()

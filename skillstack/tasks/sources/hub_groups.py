"""Rows of a data set of the hub that is sorted by class: whole row groups, from all over its Parquet files.

The beginning of such a file has one class. A Parquet file's footer tells where its groups of rows lie, and
each is read by a range request of its own, so a part of the groups, at even distances, costs that part of the
file and has all classes. Which groups these are depends on the pinned files alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from skillstack.errors import InputError
from skillstack.tasks.sources.hub_sets import HubSet

#: Groups that are read at least, so that large ones do not leave a class out.
MIN_GROUPS = 64
#: Bytes of a group, unpacked: a thousand times what the known sets have.
_MAX_GROUP_BYTES = 1 << 28


def grouped_rows(known: HubSet, split: str) -> Iterator[dict[str, Any]]:
    """About ``known.scan`` rows of a split, from groups at even distances, in the order of the files.

    Only the columns of texts and label are read.

    :raises InputError: if a file has no such column, or a group is implausibly large.
    """
    import pyarrow.parquet as pq

    wanted = [*known.text, *known.pair, known.label]
    with ExitStack() as opened:
        # One range request a group: what is read ahead would be of a group that nobody wants.
        streams = [opened.enter_context(_opened(file)) for file in _files(known, split)]
        files = [opened.enter_context(pq.ParquetFile(stream, pre_buffer=True)) for stream in streams]
        groups = [(file, number) for file in files for number in range(file.num_row_groups)]
        rows = [file.metadata.row_group(number).num_rows for file, number in groups]
        for place in chosen_groups(rows, known.scan):
            file, number = groups[place]
            if not set(wanted) <= set(file.schema_arrow.names):
                raise _unlike(known, f"has no columns {', '.join(wanted)}")
            if file.metadata.row_group(number).total_byte_size > _MAX_GROUP_BYTES:
                raise _unlike(known, "holds far more text than it should")
            yield from file.read_row_group(number, columns=wanted, use_threads=False).to_pylist()


def chosen_groups(rows: Sequence[int], scan: int) -> tuple[int, ...]:
    """Places of the groups to read, at even distances.

    :param rows: rows of each group.
    :param scan: rows that should be read in all; there are more where it takes `MIN_GROUPS` groups.
    """
    groups = len(rows)
    wanted = -(-groups * scan // max(sum(rows), 1))
    wanted = min(groups, max(wanted, MIN_GROUPS))
    return tuple((2 * place + 1) * groups // (2 * wanted) for place in range(wanted))


def _files(known: HubSet, split: str) -> list[str]:
    """Addresses of a split's files at the pinned commit, or their paths where the set is a folder."""
    from datasets import load_dataset_builder

    builder = load_dataset_builder(known.repo, known.config, revision=known.revision)
    return [str(file) for file in builder.config.data_files[split]]


def _opened(file: str) -> Any:
    from fsspec.core import url_to_fs

    system, path = url_to_fs(file)
    return system.open(path, "rb", cache_type="none")


def _unlike(known: HubSet, how: str) -> InputError:
    return InputError(
        f"The data set {known.repo} of the task {known.task!r} {how}.",
        "It is not the set that this version knows; give the rows with --data-dir.",
    )

"""What a frame learned from: of each row of a person's own table 64 bits of a hash, and no text.

They tell whether a row was learned from, so that it is never a test. A file ``learned/<digest>.safetensors``
holds them sorted, each once, as ``rows``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from skillstack.errors import IntegrityError
from skillstack.store import files
from skillstack.store.canonical import check_digest, sha256

if TYPE_CHECKING:
    from skillstack.store.records import Skill
    from skillstack.store.store import Store

FOLDER = "learned"
_ROWS = "rows"


def path_of(digest: str) -> str:
    """Where the keys of this digest lie in a store."""
    return f"{FOLDER}/{check_digest(digest, 'A set of learned rows')}.safetensors"


def put_learned(store: Store, keys: Iterable[int]) -> str:
    """Keep the keys of rows, each at least 0 and below 2^64; returns their digest.

    :raises StoreError: if the store is for reading only, or the disk refuses.
    """
    import numpy as np  # records do without

    from skillstack.store import tensors

    store.check_writable()
    data = tensors.dump({_ROWS: np.array(sorted(set(keys)), dtype=np.uint64)})
    digest = sha256(data)
    files.write_new(store.root / path_of(digest), data)
    return digest


def read_learned(store: Store, digest: str) -> frozenset[int]:
    """The keys of the rows that a frame learned from, checked.

    :raises IntegrityError: if they are missing or altered, or not sorted keys.
    """
    import numpy as np

    from skillstack.store import tensors

    relative = path_of(digest)
    what = str(store.root / relative)
    found = tensors.load(store.read_checked(relative, digest), what=what)
    rows = found.get(_ROWS)
    if set(found) != {_ROWS} or rows is None or rows.ndim != 1 or rows.dtype != np.uint64:
        raise IntegrityError(f"{what} holds no keys of rows.", "It is damaged.")
    keys = rows.tolist()
    if sorted(set(keys)) != keys:
        raise IntegrityError(f"{what} holds keys that are not sorted.", "It is damaged.")
    return frozenset(keys)


def learned_by(store: Store, skill: Skill) -> frozenset[int]:
    """The keys of the rows that a skill learned from; none where that is not known.

    :raises IntegrityError: as `read_learned`.
    """
    return frozenset() if skill.learned is None else read_learned(store, skill.learned)

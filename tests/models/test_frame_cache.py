"""A bounded memory of frames, by digest."""

import numpy as np

from skillstack.models.answering import FrameCache


def frame(kilobytes: int) -> dict[str, np.ndarray]:
    return {"a": np.zeros(kilobytes * 256, dtype=np.float32)}


def test_a_frame_is_loaded_once_and_kept():
    cache, loads = FrameCache(10_000), []
    for _ in range(3):
        cache.get("one", lambda: loads.append(1) or frame(1))
    assert (len(loads), len(cache), cache.bytes) == (1, 1, 1024)


def test_the_least_recently_used_one_goes_first_and_the_bound_holds():
    cache = FrameCache(3 * 1024)
    for digest in ("a", "b", "c"):
        cache.get(digest, lambda: frame(1))
    cache.get("a", lambda: frame(1))
    cache.get("d", lambda: frame(1))
    assert cache.bytes == 3 * 1024
    loads = []
    for digest in ("a", "c", "d", "b"):
        cache.get(digest, lambda digest=digest: loads.append(digest) or frame(1))
    assert loads == ["b"]


def test_what_is_larger_than_the_bound_is_handed_through():
    cache = FrameCache(1024)
    cache.get("small", lambda: frame(1))
    assert cache.get("large", lambda: frame(5))["a"].nbytes == 5 * 1024
    assert (len(cache), cache.bytes) == (1, 1024)
    cache.clear()
    assert (len(cache), cache.bytes) == (0, 0)

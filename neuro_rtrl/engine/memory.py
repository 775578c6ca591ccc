"""How much memory this machine has, sizes in words, and arrays that lie well in it."""

from __future__ import annotations

import math
import os

import numpy as np

from neuro_rtrl.errors import BuildError

PAGE = 4096  # bytes; no two arrays share one
APART = 64  # rows from one span to the next: to pass over fewer would not be worth it


def physical() -> int:
    """Bytes of memory of this machine; a lot where the system does not say.

    >>> physical() > 0
    True
    """
    if "sysconf" in dir(os):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 2**50


def said(size: float) -> str:
    """Bytes in words.

    >>> said(3 * 2**30)
    '3 GiB'
    """
    for unit, bytes_ in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20)):
        if size >= bytes_:
            return f"{size / bytes_:.3g} {unit}"
    return f"{size / 2**10:.3g} KiB"


def aligned_zeros(shape: int | tuple[int, ...], dtype: str | np.dtype[np.generic]) -> np.ndarray:
    """Zeros that begin with a page, and so a line of the cache: vectors across two cost twice.

    What is not written takes no memory.

    >>> aligned_zeros((2, 3), "float32").ctypes.data % 64
    0
    """
    size = np.dtype(dtype).itemsize * math.prod(np.atleast_1d(shape).tolist())
    room = np.zeros(size + PAGE, np.uint8)
    start = -room.ctypes.data % PAGE
    return room[start : start + size].view(dtype).reshape(shape)


def require(size: float, what: str, remedy: str) -> None:
    """Refuses arrays that this machine cannot hold, before they are made.

    Args:
        size: bytes.
        what: what they are for.
        remedy: what makes them smaller.

    Raises:
        BuildError: they are larger than its memory.

    >>> require(8 * 10, "inputs", "")
    """
    if size > physical():
        raise BuildError(
            "this needs more memory than there is",
            where=what,
            given=f"about {said(size)}",
            expected=f"at most {said(physical())}",
            remedy=remedy,
        )


def taller(base: np.ndarray, rows: int) -> np.ndarray:
    """`base` (shards, fewer rows, columns) with so many rows, of which the new ones are zero."""
    made = aligned_zeros((len(base), rows, base.shape[2]), str(base.dtype))
    made[:, : base.shape[1]] = base
    return made


def spans(numbers: np.ndarray) -> list[tuple[int, int]]:
    """First and last + 1 of ascending `numbers` (at least one) that lie together.

    >>> spans(np.array([3, 4, 6, 1000]))
    [(3, 7), (1000, 1001)]
    """
    last = np.flatnonzero(np.append(np.diff(numbers) > APART, True))
    first = np.append(0, last[:-1] + 1)
    return [(int(numbers[i]), int(numbers[j]) + 1) for i, j in zip(first, last, strict=True)]

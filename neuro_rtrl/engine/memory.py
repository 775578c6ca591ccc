"""How much memory this machine has, and sizes in words."""

from __future__ import annotations

import os


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

"""Work that makes very many objects and throws few away: imports, and compiling.

Python looks for garbage in cycles each time the number of objects has grown, through all of them: a
tenth of the time of a cold start, a sixth of that of a warm one, and next to nothing is found.
Afterwards so many objects count as old, and the very next search does not begin with them: a full
one does. Few, as a network makes whose model is known, are looked at as ever.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

MANY = 20_000  # new objects
OWN = 1000  # objects that Python itself has frozen at its start (3.12: some hundred)


@contextlib.contextmanager
def uncollected(ages: bool = True) -> Iterator[None]:
    """No search for garbage meanwhile, in the whole process; what is free at once is freed.

    Args:
        ages: whether very many new objects count as old afterwards.

    Who switched it off switches it on again: where it is off already, it stays as it is.

    >>> with uncollected():
    ...     gc.isenabled()
    False
    >>> gc.isenabled()
    True
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            if ages:
                _age()
            gc.enable()


def _age() -> None:
    """Very many new objects go to the oldest generation, unless somebody has frozen some."""
    if gc.get_count()[0] > MANY and gc.get_freeze_count() < OWN:
        gc.freeze()
        gc.unfreeze()

"""Where an optimizer has work: lazily, with results equal to the dense update.

A place whose gradient is exactly 0, and whose memory is 0 too, is not changed by an update. So only
the places that are *awake* are worked on: those with a gradient now, and those that something of
an earlier gradient still moves. All values are up to date after each update, so nothing has to be
caught up before they are read, and the numbers are those of the dense update to the last bit
(RMSProp, whose memory decays in closed form where nothing moves: to rounding).

A place costs more where it has to be gathered: above the share `WORTH` of places awake the dense
update is done instead. Measured with Adam and 400,000 places: 0.3 ms with 1 % of them awake, 1.3 ms
with 20 %, 9 to 17 ms for all of them; the two ways are even between 30 and 50 %.
"""

from __future__ import annotations

import numpy as np

WORTH = 0.2


class Awake:
    """Which of the places still move.

    >>> awake = Awake()
    >>> awake.places(np.array([0.0, 0.0, 2.0, 0.0, 0.0]))
    array([2])
    """

    def __init__(self) -> None:
        self._moving: np.ndarray | None = None

    def places(self, gradient: np.ndarray) -> np.ndarray | slice:
        """Places with work to do; all of them as a slice where that is quicker."""
        touched: np.ndarray = gradient != 0
        if self._moving is not None:
            touched |= self._moving
        self._moving = touched
        if np.count_nonzero(touched) > WORTH * touched.size:
            return slice(None)
        return np.flatnonzero(touched)

    def rest(self, places: np.ndarray | slice, moving: np.ndarray | bool) -> None:
        """After an update: which of the `places` go on moving without a gradient."""
        if self._moving is not None:
            self._moving[places] = moving

    def follow(self, old: np.ndarray) -> None:
        """Place i was number `old[i]` until now; -1: it is new, and at rest."""
        if self._moving is not None:
            self._moving = followed(self._moving, old)


def followed(state: np.ndarray, old: np.ndarray) -> np.ndarray:
    """`state` in a new numbering; what is new starts at 0.

    >>> followed(np.array([1.0, 2.0, 3.0]), np.array([2, -1, 0]))
    array([3., 0., 1.])
    """
    made = np.zeros(old.size, state.dtype)
    there = old >= 0
    made[there] = state[old[there]]
    return made

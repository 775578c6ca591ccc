"""The plastic synapses that end in a share of the units (see shares.py), renumbered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuro_rtrl.kernels.cells import Cells, Fan
from neuro_rtrl.kernels.plastic import Weave


@dataclass(frozen=True)
class Woven:
    """The plastic synapses of one share.

    Attributes:
        weave: their arrays.
        whole: those of all shares; its variables are those of some time before.
        kept: for each projection (synapses,) whether a synapse is among them, in the order in
            which events visit synapses.
    """

    weave: Weave
    whole: Weave
    kept: list[np.ndarray]

    def give(self) -> None:
        """Puts its variables where those of all shares are."""
        for q, kept in enumerate(self.kept):
            variables(self.whole, q)[kept] = variables(self.weave, q)

    def find(self, places: np.ndarray) -> np.ndarray:
        """Places in its own z of places in that of all shares; -1: not in it."""
        found, whole = np.full(places.size, -1), self.whole
        for q, kept in enumerate(self.kept):
            synapse, variable = np.divmod(places - whole.at_z[q], whole.width[q])
            mine = (synapse >= 0) & (synapse < kept.size)
            mine[mine] = kept[synapse[mine]]
            rank = np.cumsum(kept) - 1
            own = rank[synapse[mine]] * whole.width[q] + variable[mine]
            found[mine] = self.weave.at_z[q] + own
        return found


def variables(weave: Weave, q: int) -> np.ndarray:
    """(synapses, numbers of each) a view of z."""
    first, size, width = int(weave.at_z[q]), int(weave.size[q]), int(weave.width[q])
    return weave.z[first : first + size * width].reshape(size, width)


def cut_weave(
    whole: Weave, shared: list[int], fan: Fan, part: Fan, cells: Cells, own: Cells, kept: np.ndarray
) -> Woven:
    """The plastic synapses of a share.

    Args:
        whole: those of the network.
        shared: for each projection, how many of its coefficients all synapses have in common.
        fan, part: all synapses of the network, and those of the share.
        cells, own: all units, and those of the share.
        kept: (synapses,) which ones of `fan` are in `part`.
    """
    of = np.repeat(whole.of, np.diff(fan.first))
    flags = [kept[of == q] for q in range(whole.size.size)]
    target = np.searchsorted(cells.first, whole.first, side="right") - 1
    low = (own.shift + own.first - cells.first)[target]
    z = [variables(whole, q)[inside].ravel() for q, inside in enumerate(flags)]
    c = [_coefficients(whole, q, shared[q], inside) for q, inside in enumerate(flags)]
    heard = [
        _heard(whole, q, inside, int(low[q]), int(low[q] + own.size[target[q]]))
        for q, inside in enumerate(flags)
    ]
    weave = whole._replace(
        place=places_of_groups(whole.of, part.first),
        size=np.array([np.count_nonzero(inside) for inside in flags], np.int64),
        first=own.first[target],
        units=own.size[target],
        at_z=_starts(z),
        at_c=_starts(c),
        at_in=_starts([incoming for incoming, _ in heard]),
        at_heard=_starts([index for _, index in heard]),
        incoming=_join([incoming for incoming, _ in heard], np.int64),
        heard=_join([index for _, index in heard], np.uint32),
        z=_join(z, np.float64),
        c=_join(c, np.float64),
        signal=np.zeros_like(whole.signal),
        room=np.zeros_like(whole.room),
    )
    return Woven(weave, whole, flags)


def places_of_groups(of: np.ndarray, first: np.ndarray) -> np.ndarray:
    """(G,) number of the first synapse of each group among those of the same projection.

    Args:
        of, first: as in `Weave` and `Fan`.
    """
    sizes, places = np.diff(first), np.zeros(of.size, np.int64)
    for q in range(int(of.max(initial=-1)) + 1):
        own = of == q
        places[own] = np.cumsum(sizes[own]) - sizes[own]
    return places


def _coefficients(whole: Weave, q: int, shared: int, inside: np.ndarray) -> np.ndarray:
    """Those that all synapses have in common, then a row for each of the others."""
    bounds = np.append(whole.at_c, whole.c.size)
    found = whole.c[bounds[q] : bounds[q + 1]]
    varied = found[shared:].reshape(-1, inside.size)
    return np.concatenate([found[:shared], varied[:, inside].ravel()])


def _heard(
    whole: Weave, q: int, inside: np.ndarray, low: int, high: int
) -> tuple[np.ndarray, np.ndarray]:
    """Ranges of targets `low` to `high`, and their synapses."""
    incoming = whole.incoming[whole.at_in[q] + low : whole.at_in[q] + high + 1]
    index = whole.heard[whole.at_heard[q] + incoming[0] : whole.at_heard[q] + incoming[-1]]
    return incoming - incoming[0], (np.cumsum(inside) - 1)[index]


def _starts(parts: list[np.ndarray]) -> np.ndarray:
    sizes = np.array([x.size for x in parts], np.int64)
    return np.asarray(np.cumsum(sizes) - sizes)


def _join(parts: list[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype), *parts]).astype(dtype)

"""The balanced networks CUBA and COBA (Vogels & Abbott 2005; Brette et al. 2007, benchmarks 1, 2).

As in Brian2's examples of these names: four fifths of the units excite, 80 synapses a unit on
average, no delays, dt 0.1 ms. Synapses and initial states are drawn here, so that all programs
have the same. STDP is CUBA with plastic excitation: pairs of spikes, all to all, weights up to
twice what they are at first.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

SYNAPSES, DT = 80, 1e-4
KINDS = ("CUBA", "COBA", "STDP")
# Jumps of excitation and inhibition: volts (CUBA, STDP), and multiples of the leak (COBA).
WEIGHTS = {"CUBA": (1.62e-3, -9e-3), "COBA": (0.6, 6.7), "STDP": (1.62e-3, -9e-3)}


@dataclass(frozen=True)
class Balanced:
    """A drawn network.

    Attributes:
        excitatory, inhibitory: (pre, post) of the synapses of both kinds.
        initial: state -> (n,) in SI units.
    """

    kind: str
    n: int
    excitatory: tuple[np.ndarray, np.ndarray]
    inhibitory: tuple[np.ndarray, np.ndarray]
    initial: dict[str, np.ndarray]


def draw(kind: str, n: int) -> Balanced:
    """The network of a kind with n units; the same at every call."""
    rng = np.random.default_rng((n, 5))
    first = 4 * n // 5
    synapses = []
    for low, high in ((0, first), (first, n)):
        fan_out = rng.binomial(n, min(1.0, SYNAPSES / n), high - low)
        pre = np.repeat(np.arange(low, high), fan_out)
        post = rng.integers(0, n, pre.size)
        order = np.lexsort((post, pre))
        synapses.append((pre[order], post[order]))
    if kind != "COBA":
        initial = {"v": -60e-3 + 10e-3 * rng.random(n)}
    else:
        g = rng.standard_normal((2, n))
        v = (5 * rng.standard_normal(n) - 65) * 1e-3
        initial = {"v": v, "ge": 4 + 1.5 * g[0], "gi": 20 + 12 * g[1]}
    return Balanced(kind, n, synapses[0], synapses[1], initial)


def checksum(drawn: Balanced) -> int:
    """Of synapses and initial states: programs in other environments draw the same network."""
    parts = [*drawn.excitatory, *drawn.inhibitory, *drawn.initial.values()]
    return zlib.crc32(b"".join(np.ascontiguousarray(part).tobytes() for part in parts))

"""Random numbers in kernels: a generator of one word (xorshift, Marsaglia 2003)."""

from __future__ import annotations

import math

import numpy as np

from neuro_rtrl.kernels.jit import jit


@jit
def draw(state: np.ndarray) -> int:
    """53 random bits; `state` (1,) uint64, not zero, moves on."""
    x = state[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    state[0] = x
    return int(x >> np.uint64(11))


@jit
def uniform(state: np.ndarray) -> float:
    """A number in [0, 1)."""
    return draw(state) / 9007199254740992.0


@jit
def normal(state: np.ndarray) -> float:
    """A standard normal number (Box & Muller 1958)."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(state)))
    return radius * math.cos(2.0 * math.pi * uniform(state))

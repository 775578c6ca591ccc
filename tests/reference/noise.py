"""The numbers that a network's noise consists of, drawn once more in plain Python.

A generator of one 64-bit word (xorshift, Marsaglia 2003): three shifts and exclusive ors; the upper
53 bits are the number. Normal numbers by Box & Muller (1958).
"""

from __future__ import annotations

import math

from neuro_rtrl.engine.build import noise_seed

_WORD = 2**64 - 1
FIRST_RUN = 1  # number 0 is the one that computes the constant Jacobians


class Noise:
    """The draws of the first run of a network, in order."""

    def __init__(self, seed: int) -> None:
        self.word = int(noise_seed(seed, FIRST_RUN)[0])

    def uniform(self) -> float:
        """The next number in [0, 1)."""
        self.word ^= self.word << 13 & _WORD
        self.word ^= self.word >> 7
        self.word ^= self.word << 17 & _WORD
        return (self.word >> 11) / 2**53

    def normal(self) -> float:
        """The next standard normal number, of two uniform ones."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self.uniform()))
        return radius * math.cos(2.0 * math.pi * self.uniform())

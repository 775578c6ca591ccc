"""UORO: unbiased online recurrent optimization, the influence matrix as one random outer product.

Tallec & Ollivier 2018 (ICLR, arXiv 1702.05043), algorithm 1, eqs. 7-9. J ~ s~ th~^T; with random
signs nu in {-1, +1}, one for each state that changes by itself,

    s~  <- rho0 D s~ + rho1 nu              rho0 = sqrt(|th~| / |D s~|)
    th~ <- th~ / rho0 + nu^T I / rho1       rho1 = sqrt(|nu^T I| / |nu|)

so that E[s~ th~^T] = J. Every phase of a step draws signs of its own.

    cost    s + n d^2 for D s~ (s synapses), and p
    memory  n d + p numbers, and what is under way
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.low_rank import length
from neuro_rtrl.engine.tangent import TangentRule
from neuro_rtrl.engine.tangent_phase import Immediate
from neuro_rtrl.engine.tangent_storage import Shared
from neuro_rtrl.kernels.tangent import Tangents


class Uoro:
    """s~ is the only column of V; th~ is kept here."""

    columns = 1

    def __init__(self, built: Built, shared: Shared, rng: np.random.Generator) -> None:
        self.theta = np.zeros(built.values.size)
        self.rng = rng

    def restart(self) -> None:
        """No influence yet."""
        self.theta[:] = 0.0

    def absorb(self, tangents: Tangents, phase: Immediate) -> int:
        """Both recursions above, once D s~ is in V."""
        s, theta = tangents.V[:, 0], self.theta
        rows, at = np.unique(phase.row, return_inverse=True)
        nu = self.rng.choice([-1.0, 1.0], rows.size)
        # nu^T I
        drawn = np.bincount(phase.parameter, nu[at] * phase.value, theta.size)
        size, carried = length(theta), length(s)
        if size > 0.0 and carried > 0.0:
            rho0 = np.sqrt(size / carried)
            s *= rho0
            theta /= rho0
        else:
            s[:] = 0.0
            theta[:] = 0.0
        # rho1 = sqrt(|nu^T I| / |nu|)
        rho1 = np.sqrt(length(drawn) / np.sqrt(rows.size))
        if rho1 > 0.0:
            s[rows] += rho1 * nu
            theta += drawn / rho1
        return 2 * (s.size + theta.size) + phase.row.size

    def gradient(self, weights: np.ndarray) -> np.ndarray:
        """(dL/dh . s~) th~."""
        product: np.ndarray = weights[0] * self.theta
        return product

    def kept(self) -> np.ndarray:
        """th~."""
        return self.theta


RULE = TangentRule(
    name="uoro",
    exactness=(
        "replaces the influence of all hidden parameters by noise of the right mean: unbiased while"
        " weights stand still; exact for parameters of readouts"
    ),
    make=Uoro,
)

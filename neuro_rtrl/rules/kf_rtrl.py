"""KF-RTRL: the influence matrix as one random Kronecker product.

Mujika, Meier & Steger 2018 (NeurIPS, arXiv 1805.10842), section 3.1, algorithm 1. J ~ A (x) B, with
A over groups and B over states and slots (`rules._kronecker`), and a (x) C what a phase adds:

    A <- nu0 p0 A + nu1 p1 a          p0 = sqrt(|D B| / |A|)
    B <- nu0 D B / p0 + nu1 C / p1    p1 = sqrt(|C| / |a|),    random signs nu0, nu1

so that E[A (x) B] = J. The paper's condition, parameters that enter once and linearly, holds for
every synapse here; a gated unit has one slot for each gate.

    cost    c (s + n d^2) for D B (s synapses, c slots), and c n d
    memory  c n d numbers and one for each group, and what is under way
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.low_rank import length
from neuro_rtrl.engine.tangent import TangentRule
from neuro_rtrl.engine.tangent_phase import Immediate
from neuro_rtrl.engine.tangent_storage import Shared
from neuro_rtrl.kernels.tangent import Tangents
from neuro_rtrl.rules._kronecker import factors, number_slots, read


class KfRtrl:
    """B is V, with a column for each slot; A is kept here."""

    def __init__(self, built: Built, shared: Shared, rng: np.random.Generator) -> None:
        self.slots = number_slots(built, shared)
        self.columns = self.slots.slots
        self.A = np.zeros(self.slots.groups)
        self.size, self.rng = built.values.size, rng

    def restart(self) -> None:
        """No influence yet."""
        self.A[:] = 0.0

    def absorb(self, tangents: Tangents, phase: Immediate) -> int:
        """Both recursions above, once D B is in V."""
        A, B = self.A, tangents.V
        a, C = factors(self.slots, phase, B.shape[0])
        old, new = self.rng.choice([-1.0, 1.0], 2)
        size, carried = length(A), length(B)
        p0 = np.sqrt(carried / size) if size > 0.0 and carried > 0.0 else 0.0
        p1 = np.sqrt(length(C) / length(a))
        # A' = nu0 p0 A + nu1 p1 a,   B' = nu0 D B / p0 + nu1 C / p1
        A *= old * p0
        A += new * p1 * a
        B *= old / p0 if p0 > 0.0 else 0.0
        B += (new / p1) * C
        return 2 * (A.size + B.size)

    def gradient(self, weights: np.ndarray) -> np.ndarray:
        """A (x) (dL/dh . B), where there are parameters."""
        return read(self.slots, self.A[None], weights[None], self.size)

    def kept(self) -> np.ndarray:
        """A."""
        return self.A


RULE = TangentRule(
    name="kf-rtrl",
    exactness=(
        "replaces the influence of all hidden parameters by a Kronecker product of the right mean:"
        " unbiased while weights stand still; exact for parameters of readouts"
    ),
    make=KfRtrl,
)

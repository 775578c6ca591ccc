"""OK: the influence matrix as the optimal sum of R random Kronecker products.

Benzing, Gauy, Mujika, Martinsson & Steger 2019 (ICML, arXiv 1902.03993), theorem 1, algorithms 1-2.
J ~ sum_i A_i (x) B_i. A phase adds one product more; with QR factors of the R + 1 vectors A_i and
of the B_i as vectors, the sum is a small matrix between orthonormal bases, and its singular values
s_0 >= s_1 >= ... are brought down to rank R with the right mean and the least variance:

    keep s_i exactly for i < m,  m the first with  s_m <= sum_{i>=m} s_i / (R - m);
    with k = R - m, S = sum_{i>=m} s_i, z_i = sqrt(1 - k s_i / S) and random signs nu the others are
    replaced by (S / k) (1 - (nu z)(nu z)^T), of rank k and mean diag(s_i).

Say "ok-1", "ok-2", ...: the number is R. Plain "ok" is "ok-4".

    cost    R times that of kf-rtrl, and (R + 1)^2 (c n d + groups) for the new bases
    memory  R (c n d + groups) numbers, and what is under way
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.low_rank import beside, combine, decompose
from neuro_rtrl.engine.tangent import TangentRule
from neuro_rtrl.engine.tangent_phase import Immediate
from neuro_rtrl.engine.tangent_storage import Shared
from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.kernels.tangent import Tangents
from neuro_rtrl.rules._kronecker import factors, number_slots, read

LARGEST, DEFAULT = 1000, 4


def mixing(s: np.ndarray, rank: int, rng: np.random.Generator) -> np.ndarray:
    """Random L (len(s), rank) with E[L L^T] = diag(s) and the least variance.

    Args:
        s: (rank + 1,) singular values, descending.

    >>> L = mixing(np.array([3.0, 0.0]), 1, np.random.default_rng(0))
    >>> (L @ L.T).round(6).tolist()
    [[3.0, 0.0], [0.0, 0.0]]
    """
    L = np.zeros((s.size, rank))
    # A value below what rounding leaves of the largest is none: to mix it in is all noise.
    if s[rank] <= s.size * np.finfo(float).eps * s[0]:
        np.fill_diagonal(L, np.sqrt(s[:rank]))
        return L
    tails = s[::-1].cumsum()[::-1]
    m = next(i for i in range(rank) if s[i] <= tails[i] / (rank - i) or i == rank - 1)
    k, S = rank - m, tails[m]
    L[:m, :m] = np.diag(np.sqrt(s[:m]))
    # z_i = sqrt(1 - k s_i / S): a unit vector; Z: an orthonormal basis of what it leaves.
    z = np.sqrt(np.maximum(1.0 - k * s[m:] / S, 0.0))
    L[m:, m:] = np.sqrt(S / k) * rng.choice([-1.0, 1.0], (k + 1, 1)) * beside(z)
    return L


class Ok:
    """The B_i stand side by side in V, (states, R, slots); the A_i are kept here."""

    def __init__(self, rank: int, built: Built, shared: Shared, rng: np.random.Generator) -> None:
        self.slots, self.rank = number_slots(built, shared), rank
        self.columns = rank * self.slots.slots
        self.A = np.zeros((rank, self.slots.groups))
        self.size, self.rng = built.values.size, rng

    def restart(self) -> None:
        """No influence yet."""
        self.A[:] = 0.0

    def absorb(self, tangents: Tangents, phase: Immediate) -> int:
        """R + 1 products are reduced to R, once D B_i is in V."""
        rows, slots, rank = tangents.V.shape[0], self.slots.slots, self.rank
        a, C = factors(self.slots, phase, rows)
        A = np.concatenate([self.A, a[None]])
        old = tangents.V.reshape(rows, rank, slots).transpose(1, 0, 2).reshape(rank, -1)
        B = np.concatenate([old, C.reshape(1, -1)])
        # sum_i A_i B_i^T = (U^T A)^T s (W B), with orthonormal A and B
        U, s, W, _ = decompose(A, B)
        L = mixing(s, rank, self.rng)
        self.A[:] = combine(combine(L.T, U.T), A)
        new = combine(combine(L.T, W), B).reshape(rank, rows, slots)
        tangents.V[:] = new.transpose(1, 0, 2).reshape(rows, rank * slots)
        return 3 * (rank + 1) ** 2 * (A.shape[1] + B.shape[1])

    def gradient(self, weights: np.ndarray) -> np.ndarray:
        """sum_i A_i (x) (dL/dh . B_i), where there are parameters."""
        return read(self.slots, self.A, weights.reshape(self.rank, self.slots.slots), self.size)

    def kept(self) -> np.ndarray:
        """The A_i."""
        return self.A


def family(order: str) -> TangentRule:
    """The rule "ok-ORDER".

    >>> family("2").name
    'ok-2'
    """
    if not order.isdecimal() or not 1 <= int(order) <= LARGEST:
        raise DescriptionError(
            "this is not a rank of ok",
            given=f"'ok-{order}'",
            expected=f"a whole number from 1 to {LARGEST}, as in 'ok-4'",
        )
    rank = int(order)

    def make(built: Built, shared: Shared, rng: np.random.Generator) -> Ok:
        return Ok(rank, built, shared, rng)

    return TangentRule(
        name=f"ok-{rank}",
        exactness=(
            f"replaces the influence of all hidden parameters by {rank} Kronecker products of the"
            " right mean: unbiased while weights stand still; exact for parameters of readouts, and"
            f" where no more than {rank} sources and delays feed hidden units (unit parameters that"
            " learn count as one)"
        ),
        make=make,
    )


RULE = family(str(DEFAULT))

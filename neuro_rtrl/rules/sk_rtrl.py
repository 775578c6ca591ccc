"""SK-RTRL: the exact SnAp-1 block, plus a sketch of low rank of all the rest, with a certificate.

Certified low-rank real-time recurrent learning ("sketched RTRL", 2026). J = S + V R^T: S is SnAp-1
(Menick et al. 2021, arXiv 2006.07232, eq. 4), which does not depend on the rest; what it cuts off,

    arrival vector of an event  (x)  own block of its unit,

enters the sketch as one product for each event that arrives, and the sketch is cut back to its R
largest singular values. What is cut obeys the recursion of J itself, so its size has a bound that
runs along: E_k, of the 2-norm of the error of row k, goes through every step with the absolute
values of the factors and grows by the norm of what is cut from row k,

    E <- |D| E + |w B| E_event + |cut|,        |error of g| <= sum over t, o of |dL/dh_o| E_o.

Say "sk-rtrl-0", "sk-rtrl-1", ...: the number is R. Plain "sk-rtrl" is "sk-rtrl-8".

    cost    that of snap-1, R (s + n d^2), and (R + L)^2 (n d + p) for cutting back
    memory  d nnz(mask_1) + R (n d + p) numbers
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.low_rank import combine, decompose
from neuro_rtrl.engine.tangent import TangentRule
from neuro_rtrl.engine.tangent_phase import Residual
from neuro_rtrl.engine.tangent_storage import Shared
from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.kernels.tangent import Tangents

LARGEST, DEFAULT = 10_000, 8


class SkRtrl:
    """V has R columns; R^T (R, parameters), orthonormal, is kept here."""

    def __init__(self, rank: int, built: Built, shared: Shared, rng: np.random.Generator) -> None:
        self.columns = rank
        self.R = np.zeros((rank, built.values.size))
        self.used = 0  # columns that are not zero

    def restart(self) -> None:
        """No influence yet."""
        self.R[:] = 0.0
        self.used = 0

    def absorb(self, tangents: Tangents, phase: Residual) -> int:
        """The sketch and the new products, cut back to R columns."""
        V, R = tangents.V, self.R
        left = np.concatenate([V[:, : self.used].T, phase.effect])
        right = np.concatenate([R[: self.used], phase.sensitivity])
        touched = left.any(axis=0)
        # V R^T + effect^T sensitivity = (U^T left)^T s (W right), with orthonormal left and right
        U, s, W, size = decompose(left, right)
        scaled, terms = combine((U * s).T, left), len(s)
        rounding = 8.0 * terms * np.finfo(float).eps * size
        kept = min(self.columns, int((s > rounding).sum()))
        V[:, :kept], V[:, kept:] = scaled[:kept].T, 0.0
        R[:kept], R[kept:] = combine(W[:kept], right), 0.0
        self.used = kept
        # |cut| of each row, and what rounding may have done to it.
        cut = np.sqrt(np.square(scaled[kept:]).sum(axis=0))
        tangents.bound[:] += np.where(touched, cut + rounding, 0.0)
        return 3 * terms**2 * (left.shape[1] + right.shape[1])

    def gradient(self, weights: np.ndarray) -> np.ndarray:
        """R (dL/dh . V)."""
        return combine(weights[None], self.R)[0]

    def kept(self) -> np.ndarray:
        """R^T."""
        return self.R


def family(order: str) -> TangentRule:
    """The rule "sk-rtrl-ORDER".

    >>> family("2").name
    'sk-rtrl-2'
    """
    if not order.isdecimal() or int(order) > LARGEST:
        raise DescriptionError(
            "this is not a rank of sk-rtrl",
            given=f"'sk-rtrl-{order}'",
            expected=f"a whole number from 0 to {LARGEST}, as in 'sk-rtrl-8'",
        )
    rank = int(order)

    def make(built: Built, shared: Shared, rng: np.random.Generator) -> SkRtrl:
        return SkRtrl(rank, built, shared, rng)

    return TangentRule(
        name=f"sk-rtrl-{rank}",
        exactness=(
            f"drops all but {rank} singular directions of the influence that SnAp-1 misses, with a"
            " bound of the error; exact where that influence has no higher rank, and on unconnected"
            " (diagonal) layers"
        ),
        make=make,
        residual=True,
    )


RULE = family(str(DEFAULT))

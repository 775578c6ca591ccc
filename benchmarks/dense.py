"""Dense real-time recurrent learning on BLAS: the peer that needs no installation.

P is one float32 array (n, p), a column for each synapse that exists; the readout's rows are another
(2, p). Written as one would with NumPy: whole-array operations, one matrix product a step.

    full       P <- alpha P + W^T Q          Q = psi P of all units, (n, n) @ (n, p)
    live rows  P <- alpha P + W[l]^T Q[l]    only of units l with psi != 0, (n, l) @ (l, p)
"""

from __future__ import annotations

import numpy as np

from benchmarks.network import OUTPUTS, Problem, psi


class DenseRtrl:
    """One network and its state; the gradient is summed over the steps, going round the stream."""

    def __init__(self, problem: Problem, live_rows: bool) -> None:
        self.problem, self.live_rows = problem, live_rows
        self.w_in, self.w_rec, self.w_out = (
            w.astype(np.float32) for w in (problem.w_in, problem.w_rec, problem.w_out)
        )
        self.into = np.nonzero(problem.w_in)
        self.between = np.nonzero(problem.w_rec)
        self.out = np.nonzero(problem.w_out)
        sizes = [part[0].size for part in (self.into, self.between, self.out)]
        self.ends = np.cumsum(sizes)
        self.P = np.zeros((problem.case.n, self.ends[-1]), np.float32)
        self.R = np.zeros((OUTPUTS, self.ends[-1]), np.float32)
        self.alpha = np.float32(problem.alpha)
        self.reset()

    def reset(self) -> None:
        """Back to the start."""
        self.P[:] = 0
        self.R[:] = 0
        self.v, self.y = (np.zeros(size, np.float32) for size in (len(self.P), OUTPUTS))
        self.g, self.place = np.zeros(self.ends[-1]), 0

    def advance(self, steps: int) -> None:
        """Some steps, a gradient at each."""
        for _ in range(steps):
            self._step(self.v, self.y, self.problem.x[self.place])
            self.g += (self.y - self.problem.target[self.place]) @ self.R * (2.0 / OUTPUTS)
            self.place = (self.place + 1) % len(self.problem.x)

    def _step(self, v: np.ndarray, y: np.ndarray, x: np.ndarray) -> None:
        """Advance v, y, P and R."""
        v *= self.alpha
        self.P *= self.alpha
        spike, slope = v > 1.0, psi(v, self.problem.case.width).astype(np.float32)
        live = np.flatnonzero(slope) if self.live_rows else np.arange(v.size)
        q = slope[live, None] * self.P[live]
        x, spiked = x.astype(np.float32), spike.astype(np.float32)
        v += x @ self.w_in + spiked @ self.w_rec
        self.P += self.w_rec[live].T @ q
        first, second, _ = self.ends
        self.P[self.into[1], np.arange(first)] += x[self.into[0]]
        self.P[self.between[1], np.arange(first, second)] += spiked[self.between[0]]
        self.P[spike] = 0.0
        self.P[live] -= v[live, None] * q
        v[spike] = 0.0
        y *= self.alpha
        y += spiked @ self.w_out
        self.R *= self.alpha
        self.R += self.w_out[live].T @ q
        self.R[self.out[1], np.arange(second, self.ends[2])] += spiked[self.out[0]]

    def gradient(self) -> list[np.ndarray]:
        """Sum so far, as matrices of in, rec, out."""
        p, parts = self.problem, np.split(self.g, self.ends[:2])
        found = []
        for w, place, part in zip(
            (p.w_in, p.w_rec, p.w_out), (self.into, self.between, self.out), parts, strict=True
        ):
            dense = np.zeros(w.shape)
            dense[place] = part
            found.append(dense)
        return found

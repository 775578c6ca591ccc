"""Dense arithmetic on parts of influence rows: the inner loops, and nothing else.

blend      p <- m p + sum_s f_s q_s     (one state; sources four at a time, so that p is read
                                         and written once for four multiply-adds)
transform  (p_1 .. p_d) <- M (p_1 .. p_d)
combine    out <- sum_v w_v p_v
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.jit import inline, jit


@inline
def blend(
    P: np.ndarray,
    start: int,
    size: int,
    m: float,
    Q: np.ndarray,
    sources: np.ndarray,
    factors: np.ndarray,
    count: int,
) -> None:
    """P[start:start+size] <- m * itself + sum over sources of factors[s] * Q[sources[s]: +size]."""
    p = P[start : start + size]
    scale = P.dtype.type(m)
    one = P.dtype.type(1.0)
    i = 0
    while i + 4 <= count:
        a, b, c, e = sources[i], sources[i + 1], sources[i + 2], sources[i + 3]
        _blend4(
            p, Q[a : a + size], Q[b : b + size], Q[c : c + size], Q[e : e + size], scale, factors, i
        )
        scale = one
        i += 4
    if i + 2 <= count:
        a, b = sources[i], sources[i + 1]
        _blend2(p, Q[a : a + size], Q[b : b + size], scale, factors[i], factors[i + 1])
        scale = one
        i += 2
    if i < count:
        a = sources[i]
        _blend1(p, Q[a : a + size], scale, factors[i])
    elif count == 0 and scale != one:
        for j in range(size):
            p[j] *= scale


@inline
def _blend4(
    p: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    c: np.ndarray,
    e: np.ndarray,
    m: float,
    factors: np.ndarray,
    i: int,
) -> None:
    f, g, h, k = factors[i], factors[i + 1], factors[i + 2], factors[i + 3]
    for j in range(p.shape[0]):
        p[j] = m * p[j] + f * a[j] + g * b[j] + h * c[j] + k * e[j]


@inline
def _blend2(p: np.ndarray, a: np.ndarray, b: np.ndarray, m: float, f: float, g: float) -> None:
    for j in range(p.shape[0]):
        p[j] = m * p[j] + f * a[j] + g * b[j]


@inline
def _blend1(p: np.ndarray, a: np.ndarray, m: float, f: float) -> None:
    for j in range(p.shape[0]):
        p[j] = m * p[j] + f * a[j]


@jit
def transform(
    P: np.ndarray, start: int, stride: int, size: int, d: int, M: np.ndarray, tile: np.ndarray
) -> None:
    """The d rows P[start + v*stride : +size] <- M times themselves, tile by tile."""
    if d == 1:
        p = P[start : start + size]
        m = P.dtype.type(M[0])
        for j in range(size):
            p[j] *= m
        return
    width = tile.shape[1]
    for low in range(0, size, width):
        n = min(width, size - low)
        for v in range(d):
            p = P[start + v * stride + low : start + v * stride + low + n]
            for j in range(n):
                tile[v, j] = p[j]
        for v in range(d):
            p = P[start + v * stride + low : start + v * stride + low + n]
            p[:] = 0
            for u in range(d):
                if M[v * d + u] != 0.0:
                    _blend1(p, tile[u, :n], P.dtype.type(1.0), P.dtype.type(M[v * d + u]))


@jit
def combine(
    P: np.ndarray,
    start: int,
    stride: int,
    size: int,
    d: int,
    weights: np.ndarray,
    out: np.ndarray,
    at: int,
) -> None:
    """out[at : at + size] <- sum_v weights[v] * P[start + v*stride : +size]."""
    q = out[at : at + size]
    fresh = True
    for v in range(d):
        if weights[v] == 0.0:
            continue
        p = P[start + v * stride : start + v * stride + size]
        w = P.dtype.type(weights[v])
        if fresh:
            for j in range(size):
                q[j] = w * p[j]
            fresh = False
        else:
            for j in range(size):
                q[j] += w * p[j]
    if fresh:
        q[:] = 0

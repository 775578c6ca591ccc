"""The inner loops on rows against numpy, for every number of sources and both precisions."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.kernels import rows
from neuro_rtrl.kernels.jit import kernel

PRECISIONS = [np.float32, np.float64]


@kernel
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
    rows.blend(P, start, size, m, Q, sources, factors, count)


@kernel
def transform(
    P: np.ndarray, start: int, stride: int, size: int, d: int, M: np.ndarray, tile: np.ndarray
) -> None:
    rows.transform(P, start, stride, size, d, M, tile)


@kernel
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
    rows.combine(P, start, stride, size, d, weights, out, at)


def close(found: np.ndarray, wanted: np.ndarray) -> None:
    tolerance = 1e-12 if found.dtype == np.float64 else 1e-5
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("count", range(10))
@pytest.mark.parametrize("m", [1.0, 0.5, 0.0])
def test_blend(precision: type, count: int, m: float, rng: np.random.Generator) -> None:
    size, start = 13, 4
    P = rng.standard_normal(30).astype(precision)
    Q = rng.standard_normal(200).astype(precision)
    sources = rng.integers(0, 200 - size, count + 2)
    factors = rng.standard_normal(count + 2).astype(precision)
    wanted = P.astype(float)
    wanted[start : start + size] *= m
    for s, f in zip(sources[:count], factors[:count], strict=True):
        wanted[start : start + size] += float(f) * Q[s : s + size]
    blend(P, start, size, m, Q, sources, factors, count)
    close(P, wanted)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("size", [0, 1, 8, 19])
def test_transform(precision: type, d: int, size: int, rng: np.random.Generator) -> None:
    """Longer than a tile, and rows further apart than they are long."""
    start, stride = 3, 21
    P = rng.standard_normal(start + d * stride).astype(precision)
    M = rng.standard_normal((d, d))
    M[0, -1] = 0.0 if d > 1 else M[0, 0]
    wanted = P.astype(float)
    view = wanted[start:].reshape(d, stride)
    view[:, :size] = M @ view[:, :size]
    transform(P, start, stride, size, d, M.ravel(), np.zeros((d, 8), precision))
    close(P, wanted)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("weights", [[0.5], [0.0], [0.0, 2.0], [1.0, 0.0, -1.0], [0.0, 0.0]])
def test_combine(precision: type, weights: list[float], rng: np.random.Generator) -> None:
    d, size, start, stride, at = len(weights), 7, 2, 9, 5
    P = rng.standard_normal(start + d * stride).astype(precision)
    out = rng.standard_normal(20).astype(precision)
    wanted = out.astype(float)
    stored = P[start:].reshape(d, stride)[:, :size].astype(float)
    wanted[at : at + size] = np.array(weights) @ stored
    combine(P, start, stride, size, d, np.array(weights), out, at)
    close(out, wanted)

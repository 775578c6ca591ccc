"""Optimizers: values follow their gradient, in one pass over all of them.

    momentum    s <- mu s - eta g;  theta <- theta + s                  (mu = 0: plain descent)
    moments     m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2
                theta <- theta - eta (m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps) + lambda theta)
    root        v <- rho v + (1 - rho) g^2;  theta <- theta - eta g / (sqrt(v) + eps)

Each g is clipped first: g <- clip(g, -c, c), then g <- g min(1, l/|g|). Values whose gradient is 0,
and whose memory is 0 too, do not move; blocks of them are left alone, with the same result.

A kernel that runs a network may be given such an update for every so many of its steps, and learns
without going back to Python: that would cost more than most steps do. Sources are named where the
options are (optimizers/).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from neuro_rtrl.kernels.jit import inline, jit, kernel, leaf
from neuro_rtrl.kernels.refs import ref
from neuro_rtrl.kernels.stream import finite

MOMENTUM, MOMENTS, ROOT = range(3)
BETA1, BETA2, EPSILON, EPSILON_HAT, DECAY, CLIP_NORM, CLIP_VALUE = range(7)
EVERY, SINCE, NEXT, DONE, STOPPED = range(5)
BLOCK = 256
MOST_UPDATES = 1024
"""Updates that a kernel is given rates for at once."""


class Descent(NamedTuple):
    """An optimizer, and when it takes its steps. q values learn."""

    kind: np.ndarray  # (1,)
    numbers: np.ndarray  # (7,) options, by number; mu and rho are BETA1 and BETA2
    # (5,) steps between updates, since the last; updates of this call, before it; whether numbers
    # that are not finite have stopped it
    clock: np.ndarray
    rate: np.ndarray  # (updates of a call,) eta of each
    first: np.ndarray  # (q,) s or m
    second: np.ndarray  # (q,) v
    learned: np.ndarray  # (q,) numbers of the values that learn, or nothing: all do
    values: np.ndarray  # (q,) scratch where not all learn
    gradient: np.ndarray  # the same


NO_DESCENT = Descent(
    kind=np.zeros(1, np.int64),
    numbers=np.zeros(7),
    clock=np.zeros(5, np.int64),
    rate=np.zeros(1),
    first=np.zeros(0),
    second=np.zeros(0),
    learned=np.zeros(0, np.int64),
    values=np.zeros(0),
    gradient=np.zeros(0),
)
"""For kernels that only add to a gradient."""


@kernel
def descend(descent: Descent, values: np.ndarray, gradient: np.ndarray) -> None:
    """One update of `values` (q,), whatever the numbers are."""
    _step(ref(descent), values, gradient)


@jit
def count_step(descent: Descent, gradient: np.ndarray) -> None:
    """Another step of the network begins; after an update the gradient starts from 0."""
    if descent.clock[EVERY] > 0:
        if descent.clock[SINCE] == 0:
            gradient[:] = 0.0
        descent.clock[SINCE] += 1


@jit
def is_due(descent: Descent) -> bool:
    """Whether an update follows this step."""
    return descent.clock[EVERY] > 0 and descent.clock[SINCE] >= descent.clock[EVERY]


@jit
def update(descent: Descent, values: np.ndarray, gradient: np.ndarray) -> bool:
    """One update of all values; False if the gradient, or a value after it, is not finite."""
    descent.clock[SINCE] = 0
    good = finite(gradient)
    if good:
        good = _follow(descent, values, gradient)
    descent.clock[STOPPED] = not good
    return good


@jit
def _follow(descent: Descent, values: np.ndarray, gradient: np.ndarray) -> bool:
    learned = descent.learned
    if learned.shape[0] == 0:
        return _step(descent, values, gradient)
    for i in range(learned.shape[0]):
        descent.values[i] = values[learned[i]]
        descent.gradient[i] = gradient[learned[i]]
    good = _step(descent, descent.values, descent.gradient)
    for i in range(learned.shape[0]):
        values[learned[i]] = descent.values[i]
    return good


@jit
def _step(descent: Descent, values: np.ndarray, gradient: np.ndarray) -> bool:
    """One update of `values` (q,); whether all that it has moved are finite."""
    numbers, kind = descent.numbers, descent.kind[0]
    rate = descent.rate[descent.clock[NEXT]]
    descent.clock[NEXT] += 1
    t = descent.clock[DONE] + descent.clock[NEXT]
    most, scale = numbers[CLIP_VALUE], _scale(numbers, gradient)
    rests, good = numbers[DECAY] == 0.0, True
    for low in range(0, values.shape[0], BLOCK):
        high = min(low + BLOCK, values.shape[0])
        x, g = values[low:high], gradient[low:high]
        if kind == MOMENTUM:
            s = descent.first[low:high]
            if _moves(g, s):
                _momentum(x, g, s, rate, numbers[BETA1], most, scale)
                good = finite(x) and good
        elif kind == MOMENTS:
            m, v = descent.first[low:high], descent.second[low:high]
            if not rests or _moves(g, m) or _moves(g, v):
                _moments(x, g, m, v, rate, t, numbers, most, scale)
                good = finite(x) and good
        else:
            v = descent.second[low:high]
            if _moves(g, v):
                _root(x, g, v, rate, numbers, most, scale)
                good = finite(x) and good
    return good


@jit
def _scale(numbers: np.ndarray, gradient: np.ndarray) -> float:
    """min(1, l/|g|) of the gradient whose values are clipped."""
    longest, most = numbers[CLIP_NORM], numbers[CLIP_VALUE]
    if longest == np.inf:
        return 1.0
    length = math.sqrt(_square(gradient, most))
    return longest / length if length > longest else 1.0


@leaf
def _square(gradient: np.ndarray, most: float) -> float:
    """The sum of squares, in four parts that need not wait for each other."""
    a = b = c = d = 0.0
    whole = gradient.shape[0] // 4 * 4
    for i in range(0, whole, 4):
        w, x = _clipped(gradient[i], most), _clipped(gradient[i + 1], most)
        y, z = _clipped(gradient[i + 2], most), _clipped(gradient[i + 3], most)
        a, b, c, d = a + w * w, b + x * x, c + y * y, d + z * z
    for i in range(whole, gradient.shape[0]):
        a += _clipped(gradient[i], most) ** 2
    return (a + b) + (c + d)


@inline
def _clipped(g: float, most: float) -> float:
    return min(max(float(g), -most), most)


@leaf
def _moves(g: np.ndarray, memory: np.ndarray) -> bool:
    count = 0
    for i in range(g.shape[0]):
        count += (g[i] != 0) | (memory[i] != 0)
    return count > 0


@leaf
def _momentum(
    x: np.ndarray,
    g: np.ndarray,
    s: np.ndarray,
    rate: float,
    momentum: float,
    most: float,
    scale: float,
) -> None:
    kind = x.dtype.type
    mu, eta, most, scale = kind(momentum), kind(rate), kind(most), kind(scale)
    for i in range(x.shape[0]):
        step = mu * s[i] - eta * (scale * min(max(g[i], -most), most))
        s[i] = step
        x[i] += step


@leaf
def _moments(
    x: np.ndarray,
    g: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    rate: float,
    t: int,
    numbers: np.ndarray,
    most: float,
    scale: float,
) -> None:
    kind = x.dtype.type
    b1, b2, decay = numbers[BETA1], numbers[BETA2], kind(numbers[DECAY])
    eta, most, scale = kind(rate), kind(most), kind(scale)
    keep1, take1, keep2, take2 = kind(b1), kind(1.0 - b1), kind(b2), kind(1.0 - b2)
    square, epsilon = 1.0 - b2**t, numbers[EPSILON]
    if numbers[EPSILON_HAT] != 0.0:
        epsilon /= math.sqrt(square)
    # Dividing once for all of them: divisions are most of the work.
    per_mean, per_square, small = kind(1.0 / (1.0 - b1**t)), kind(1.0 / square), kind(epsilon)
    for i in range(x.shape[0]):
        slope = scale * min(max(g[i], -most), most)
        m[i] = keep1 * m[i] + take1 * slope
        v[i] = keep2 * v[i] + take2 * slope * slope
        direction = per_mean * m[i] / (np.sqrt(per_square * v[i]) + small)
        x[i] -= eta * (direction + decay * x[i])


@leaf
def _root(
    x: np.ndarray,
    g: np.ndarray,
    v: np.ndarray,
    rate: float,
    numbers: np.ndarray,
    most: float,
    scale: float,
) -> None:
    kind = x.dtype.type
    keep, take, small = kind(numbers[BETA2]), kind(1.0 - numbers[BETA2]), kind(numbers[EPSILON])
    eta, most, scale = kind(rate), kind(most), kind(scale)
    for i in range(x.shape[0]):
        slope = scale * min(max(g[i], -most), most)
        v[i] = keep * v[i] + take * slope * slope
        x[i] -= eta * slope / (np.sqrt(v[i]) + small)

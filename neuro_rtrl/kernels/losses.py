"""Losses of one step, and their derivative with respect to the predictions.

    mse            mean_o (y_o - y*_o)^2
    sse            sum_o (y_o - y*_o)^2 / 2
    bce            mean_o [ log(1 + e^y) - y* y ]            (sigmoid inside)
    cross_entropy  log sum_o e^(y_o) - sum_o y*_o y_o        (softmax inside, sum of targets 1)

A step whose first target is NaN has no error.
"""

from __future__ import annotations

import math

import numpy as np

from neuro_rtrl.kernels.chance import normal, uniform
from neuro_rtrl.kernels.jit import jit
from neuro_rtrl.kernels.scalar import sigmoid

LOSSES = ("mse", "sse", "bce", "cross_entropy")


@jit
def loss_and_slope(kind: int, y: np.ndarray, target: np.ndarray, slope: np.ndarray) -> float:
    """Loss of one step; `slope` (outputs,) <- dL/dy."""
    n = y.shape[0]
    slope[:] = 0.0
    if math.isnan(target[0]):
        return 0.0
    loss = 0.0
    if kind == 3:
        return _cross_entropy(y, target, slope)
    for o in range(n):
        error = y[o] - target[o]
        if kind == 0:
            loss += error * error / n
            slope[o] = 2.0 * error / n
        elif kind == 1:
            loss += 0.5 * error * error
            slope[o] = error
        else:
            loss += (max(y[o], 0.0) + math.log1p(math.exp(-abs(y[o]))) - target[o] * y[o]) / n
            slope[o] = (sigmoid(y[o]) - target[o]) / n
    return loss


@jit
def _cross_entropy(y: np.ndarray, target: np.ndarray, slope: np.ndarray) -> float:
    top = y[0]
    for o in range(y.shape[0]):
        top = max(top, y[o])
    total, weight, loss = 0.0, 0.0, 0.0
    for o in range(y.shape[0]):
        slope[o] = math.exp(y[o] - top)
        total += slope[o]
        weight += target[o]
        loss -= target[o] * (y[o] - top)
    for o in range(y.shape[0]):
        slope[o] = weight * slope[o] / total - target[o]
    return loss + weight * math.log(total)


@jit
def slope_by_reward(
    kind: int,
    y: np.ndarray,
    target: np.ndarray,
    slope: np.ndarray,
    reward: np.ndarray,
    state: np.ndarray,
) -> None:
    """`slope` from nothing but a reward for an action drawn at random.

    Classes: a ~ softmax(y), r = y*_a. Numbers: a ~ N(y, noise^2), r = -loss(a). Then
    (Williams 1992, eq. 2; baseline: running mean of r)

        slope = (r - baseline) (softmax(y) - onehot(a))    or    -(r - baseline) (a - y) / noise^2

    Args:
        kind: mse, sse or cross_entropy.
        y, target: (outputs,), NaN targets: no reward.
        slope: (outputs,) the derivative of the loss; replaced.
        reward: on, noise, rate of the baseline, baseline (moves on).
        state: of the random generator.
    """
    if math.isnan(target[0]):
        return
    n, earned = y.shape[0], 0.0
    if kind == 3:
        earned = _class_action(target, slope, state)
    else:
        for o in range(n):
            step = reward[1] * normal(state)
            error = y[o] + step - target[o]
            earned -= error * error / n if kind == 0 else 0.5 * error * error
            slope[o] = -step / reward[1] ** 2
    for o in range(n):
        slope[o] *= earned - reward[3]
    reward[3] += reward[2] * (earned - reward[3])


@jit
def _class_action(target: np.ndarray, slope: np.ndarray, state: np.ndarray) -> float:
    """Draws a class; `slope` <- softmax(y) - onehot(class); its reward."""
    left, action = uniform(state), target.shape[0] - 1
    chosen = False
    for o in range(target.shape[0]):
        slope[o] += target[o]
        if not chosen and left < slope[o]:
            action, chosen = o, True
        left -= slope[o]
    slope[action] -= 1.0
    return target[action]

"""Gradients of a loss window by window, and how far two of them are apart.

A window is a third of the steps that have a target. The loss of each is looked at alone, because a
trace that forgets is not seen when the whole sequence is one window.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neuro_rtrl.checks_differences import differences, directions
from neuro_rtrl.checks_smoothed import Noise, smoothed_losses
from neuro_rtrl.learner import Learner
from neuro_rtrl.network.describe import Network

WINDOWS = 3

Gradients = list[dict[str, np.ndarray]]


def windows(targets: np.ndarray) -> list[np.ndarray]:
    """Steps of each third of those that have a target."""
    steps = np.flatnonzero(np.isfinite(targets).any(axis=(0, 2)))
    parts = np.array_split(steps, WINDOWS) if steps.size else [np.arange(targets.shape[1])]
    return [part for part in parts if part.size]


def gradients(
    make: Callable[[], Learner],
    inputs: np.ndarray,
    targets: np.ndarray,
    windows: list[np.ndarray],
) -> tuple[Gradients, Learner]:
    """Gradient of the loss in each window alone, and the last learner.

    Every window has a learner of its own, so that all of them see the same noise.
    """
    made = []
    for window in windows:
        learner, only = make(), np.full_like(targets, np.nan)
        only[:, window] = targets[:, window]
        learner.run(inputs, only, learn=False)
        made.append({name: array.copy() for name, array in learner.gradient.items()})
    return made, learner


def largest(gradients: Gradients, name: str) -> float:
    """Largest entry of an array in any window."""
    return max((float(np.abs(g[name]).max(initial=0.0)) for g in gradients), default=0.0)


def errors(found: Gradients, wanted: Gradients) -> dict[str, float]:
    """For each array the largest difference, over its largest entry."""
    errors = {}
    for name in wanted[0]:
        difference = max(
            float(np.abs(f[name] - w[name]).max(initial=0.0))
            for f, w in zip(found, wanted, strict=True)
        )
        errors[name] = difference / (largest(wanted, name) or 1.0)
    return errors


def difference_error(
    net: Network,
    values: dict[str, np.ndarray],
    inputs: np.ndarray,
    targets: np.ndarray,
    loss: str,
    windows: list[np.ndarray],
    found: Gradients,
) -> float:
    """Largest difference from finite differences, over all directions and windows."""
    now = {name: array[None] for name, array in values.items()}
    level = max(1.0, smoothed_losses(net, inputs[0], targets[0], loss, now, Noise(net.seed)).sum())
    steep = {name: level / (largest(found, name) or level) for name in values}
    chosen = directions({name: array for name, array in values.items() if array.size}, steep)
    rises = differences(net, values, inputs, targets, loss, chosen)
    worst = 0.0
    for i, direction in enumerate(chosen):
        size = largest(found, direction.name)
        for window, gradient in zip(windows, found, strict=True):
            slope = float(gradient[direction.name] @ direction.vector)
            miss = np.abs(rises[:, i, window].sum(axis=1) - slope).min()
            # np.maximum keeps a NaN, which must not be taken for agreement.
            worst = float(np.maximum(worst, miss / (max(size, abs(slope)) or 1.0)))
    return worst


def unseen(wanted: Gradients) -> str:
    """Arrays of which nothing is known, because their gradient is zero."""
    names = [name for name in wanted[0] if largest(wanted, name) == 0]
    return f"zero, so not proved: {', '.join(names)}" if names else ""


def alike(found: Gradients, wanted: Gradients) -> tuple[float, float]:
    """Cosine and ratio of norms, over all windows.

    Arrays have units of their own, so each is divided by its norm in `wanted` first: then all of
    them count the same.
    """
    a, b = np.zeros(0), np.zeros(0)
    for name in wanted[0]:
        x, y = (np.concatenate([g[name] for g in gradients]) for gradients in (found, wanted))
        norm = float(np.linalg.norm(y))
        if norm > 0.0:
            a, b = np.concatenate([a, x / norm]), np.concatenate([b, y / norm])
    size_a, size_b = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    if size_b == 0.0:
        return float("nan"), float("nan")
    return (float(a @ b) / (size_a * size_b) if size_a > 0.0 else 0.0), size_a / size_b

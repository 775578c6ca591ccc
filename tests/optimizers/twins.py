"""Optimizers once more, as NumPy on whole arrays: every value at every update."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Update = Callable[[np.ndarray, np.ndarray], None]


def rate_at(t: int, rate: float, schedule: str, steps: int | None) -> float:
    """The learning rate after t updates (`_options.py`)."""
    x = t / (steps or 1)
    shape = {
        "constant": 1.0,
        "inverse_sqrt": 1 / math.sqrt(1 + x),
        "exponential": math.exp(-x),
        "cosine": (1 + math.cos(math.pi * min(x, 1.0))) / 2,
    }
    return rate * shape[schedule]


def clipped(gradient: np.ndarray, norm: float | None, value: float | None) -> np.ndarray:
    if value is not None:
        gradient = np.clip(gradient, -value, value)
    length = float(np.linalg.norm(gradient))
    return gradient * (norm / length) if norm is not None and length > norm else gradient


def twin(name: str, size: int, rate: float, **options: Any) -> Update:
    """The optimizer of that name, for `size` values."""
    first, second, done = np.zeros(size), np.zeros(size), [0]
    pace = (options.get("schedule", "constant"), options.get("steps"))
    bounds = (options.get("clip_norm"), options.get("clip_value"))
    epsilon = options.get("epsilon", 1e-8)

    def momentum(values: np.ndarray, g: np.ndarray, eta: float) -> None:
        first[:] = options.get("momentum", 0.0) * first - eta * g
        values += first

    def moments(values: np.ndarray, g: np.ndarray, eta: float) -> None:
        b1, b2, t = options.get("beta1", 0.9), options.get("beta2", 0.999), done[0]
        decay = options.get("weight_decay", 0.01) if name == "adamw" else 0.0
        first[:] = b1 * first + (1 - b1) * g
        second[:] = b2 * second + (1 - b2) * g**2
        step = first / (1 - b1**t) / (np.sqrt(second / (1 - b2**t)) + epsilon)
        values -= eta * (step + decay * values)

    def root(values: np.ndarray, g: np.ndarray, eta: float) -> None:
        decay = options.get("decay", 0.9)
        second[:] = decay * second + (1 - decay) * g**2
        values -= eta * g / (np.sqrt(second) + epsilon)

    follow = {"sgd": momentum, "adam": moments, "adamw": moments, "rmsprop": root}[name]

    def update(values: np.ndarray, gradient: np.ndarray) -> None:
        eta = rate_at(done[0], rate, *pace)
        done[0] += 1
        follow(values, clipped(gradient, *bounds), eta)

    return update

"""What a run of a learner gives, and how the results of parts make one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Events = tuple[np.ndarray, np.ndarray]


@dataclass
class Result:
    """What a batch of sequences gave.

    Attributes:
        loss: mean over the batch of the sequences' losses.
        losses: (batch, steps).
        predictions: (batch, steps, outputs).
        spikes: population -> (step, unit) of each spike of all sequences, one sequence after the
            other: step t of sequence b has the number b*steps + t. Empty unless asked for.
        traces: (steps, traced) recorded states of the first sequence.
    """

    loss: float
    losses: np.ndarray
    predictions: np.ndarray
    spikes: dict[str, Events]
    traces: np.ndarray


def in_sequence(parts: Sequence[Result]) -> Result:
    """Steps that follow each other in the same sequence."""
    if len(parts) == 1:
        return parts[0]
    lengths = [part.losses.shape[1] for part in parts]
    losses = np.concatenate([part.losses for part in parts], axis=1)
    return Result(
        float(losses.sum()) / len(losses),  # however it was cut
        losses,
        np.concatenate([part.predictions for part in parts], axis=1),
        _spikes(parts, lengths),
        np.concatenate([part.traces for part in parts]),
    )


def in_shares(parts: Sequence[Result]) -> Result:
    """Sequences of one batch, several in each part."""
    if len(parts) == 1:
        return parts[0]
    made = in_parallel(parts)
    made.loss = float(made.losses.sum()) / len(made.losses)  # however it was cut
    return made


def in_parallel(parts: Sequence[Result]) -> Result:
    """Sequences of one batch, of equal length."""
    if len(parts) == 1:
        return parts[0]
    lengths = [part.losses.shape[1] for part in parts]
    return Result(
        _total(parts) / len(parts),
        np.concatenate([part.losses for part in parts]),
        np.concatenate([part.predictions for part in parts]),
        _spikes(parts, lengths),
        parts[0].traces,
    )


def _total(parts: Sequence[Result]) -> float:
    """Of the losses, one after the other: `sum` of floats is another one since Python 3.12."""
    total = 0.0
    for part in parts:
        total += part.loss
    return total


def _spikes(parts: Sequence[Result], lengths: Sequence[int]) -> dict[str, Events]:
    """The spikes of all parts; steps count on from part to part."""
    before = np.cumsum([0, *lengths[:-1]])
    return {
        name: (
            np.concatenate([p.spikes[name][0] + b for p, b in zip(parts, before, strict=True)]),
            np.concatenate([p.spikes[name][1] for p in parts]),
        )
        for name in parts[0].spikes
    }

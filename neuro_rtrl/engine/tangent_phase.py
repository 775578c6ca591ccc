"""What a phase of a step hands out to a rule with tangents, and what such a rule offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from neuro_rtrl.kernels.layout import Mask, Rows, Run
from neuro_rtrl.kernels.tangent import ENTRIES, TERMS, Tangents


@dataclass(frozen=True)
class Immediate:
    """What a phase adds to J by itself: `effect * amount` at each (row, parameter).

    Attributes:
        row: row of V.
        parameter: number of the learned value.
        effect: how the row changes with one unit of `amount`: gain times entry vector of a
            synapse, slope of a unit parameter.
        amount: what came along the synapse; 1 for unit parameters.
    """

    row: np.ndarray
    parameter: np.ndarray
    effect: np.ndarray
    amount: np.ndarray

    @property
    def value(self) -> np.ndarray:
        """The entries themselves."""
        return self.effect * self.amount


@dataclass(frozen=True)
class Residual:
    """What a phase brings to units beyond their own block: `effect.T @ sensitivity`.

    Attributes:
        effect: (events, rows of V) what one unit of each event's sensitivity does.
        sensitivity: (events, parameters) of the event, by its unit's own parameters.
    """

    effect: np.ndarray
    sensitivity: np.ndarray


class Approximation(Protocol):
    """A rule's part in one lane.

    `absorb` adds a phase (`Immediate`; `Residual` for a rule of the residual) to what V stands for,
    changing V in place; it answers its own multiply-adds. `gradient` is (parameters,) for the
    weights dL/dh . V (columns,).
    """

    columns: int

    def restart(self) -> None:
        """No influence yet."""
        ...

    def absorb(self, tangents: Tangents, phase: Any) -> int:
        """Add what is immediate."""
        ...

    def gradient(self, weights: np.ndarray) -> np.ndarray:
        """Derivative by all parameters."""
        ...

    def kept(self) -> np.ndarray:
        """What stands for influence besides V, the array itself."""
        ...


def handed_out(tangents: Tangents, rows: Rows, mask: Mask, run: Run) -> Immediate | Residual | None:
    """What the kernel left in `tangents`; None if it is nothing."""
    size = int(tangents.counts[ENTRIES])
    if size > 0:
        return Immediate(
            tangents.entry_row[:size],
            tangents.entry_parameter[:size],
            tangents.effect[:size],
            tangents.amount[:size],
        )
    return _residual(tangents, rows, mask, run) if tangents.counts[TERMS] > 0 else None


def _residual(tangents: Tangents, rows: Rows, mask: Mask, run: Run) -> Residual:
    """The events that arrived, each with what its unit's own parameters did to it."""
    terms = int(tangents.counts[TERMS])
    effect = np.zeros((terms, tangents.V.shape[0]))
    sensitivity = np.zeros((terms, rows.column.size))
    table, start = rows.Q.reshape(rows.q_free.size, -1), 0
    for i in range(terms):
        event, end = tangents.term_event[i], int(tangents.term_end[i])
        # A unit may hear one event through several synapses: all of them add.
        np.add.at(effect[i], tangents.term_row[start:end], tangents.term_effect[start:end])
        start, row, block = end, run.row[event], mask.block[run.source[event]]
        size, first = int(rows.q_length[row, block]), mask.column_at[block]
        own = rows.parameter[first : first + size]
        sensitivity[i, own] = table[row, rows.at_q[block] : rows.at_q[block] + size]
    return Residual(effect, sensitivity)

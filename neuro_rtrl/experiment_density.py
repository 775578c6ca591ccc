"""Counting the influence matrix of recurrent weights as paper A does: entries that are not zero.

A. Subramoney 2023 (arXiv 2303.05641, section 4) counts zeros of M_t = dy_t/dW, the influence on the
units' *outputs*, over all pairs (unit, weight) of the dense recurrent matrix; weights that the mask
takes away count as zeros. An output has no influence where its unit emits no event (y = 0 and
psi = 0); else its row is that of the state. So

    density = sum_t |{(k, w): unit k live at t, dh_k/dw != 0}| / (steps x units x dense weights).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuro_rtrl import registry
from neuro_rtrl.engine.build import Built, build
from neuro_rtrl.engine.stream import make_stream
from neuro_rtrl.kernels.layout import LIVE, STEP, Mask
from neuro_rtrl.network.describe import Network


class Counter:
    """Counts the non-zero entries of a network's influence matrix, step by step, on a copy.

    Args:
        network: the network; all its projections from a population to itself are counted.

    >>> net = Network(seed=0)
    >>> x, unit = net.inputs(1), net.neurons(2, "threshold_rnn", name="unit")
    >>> projections = [net.connect(x, unit, weights=3.0), net.connect(unit, unit, weights=1.0)]
    >>> Counter(net).density(np.ones((1, 4, 1)), {})
    0.375
    """

    def __init__(self, network: Network) -> None:
        self._built: Built = build(network)
        self._rule: Any = registry.find("rules", "rtrl")
        self._shared: Any = self._rule.prepare(self._built)
        self._mask: Mask = self._shared.mask
        recurrent = [p for p in network.projections.values() if p.source is p.target and p.learn]
        names = self._built.plan.names
        numbers = [names[p.name] for p in recurrent if p.name in names]
        self._weights = np.concatenate([np.zeros(0, np.int64), *numbers])
        units = sorted({(self._built.plan.first[p.target.name], p.target.n) for p in recurrent})
        self._units = [k for first, n in units for k in range(first, first + n)]
        dense = sum(p.source.n * p.target.n for p in recurrent)
        self._entries = len(self._units) * dense

    def density(self, inputs: np.ndarray, parameters: Mapping[str, np.ndarray]) -> float:
        """Mean fraction of entries that are not zero, over all steps of all sequences.

        Args:
            inputs: (sequences, steps, inputs); each sequence starts from the initial state.
            parameters: name -> values, as `Learner.parameters` has them.
        """
        for name, values in parameters.items():
            self._built.values[self._built.plan.names[name]] = values
        counts = [self._sequence(sequence) for sequence in inputs]
        return float(np.mean(counts)) / max(self._entries, 1)

    def _sequence(self, inputs: np.ndarray) -> float:
        """Mean number of non-zero entries over the steps of one sequence (steps, inputs)."""
        lane = self._rule.start(self._built, self._shared, "float64")
        gradient = np.zeros(self._built.values.size)
        total = 0
        for step in inputs:
            offset = int(lane.run.clock[STEP])
            stream = make_stream(self._built, step[None, None], None, offset=offset)
            lane.advance(stream, gradient, False)
            live = set(lane.run.live[: lane.run.clock[LIVE]].tolist())
            total += sum(self._row(lane.rows, k) for k in self._units if k in live)
        return total / len(inputs)

    def _row(self, rows: Any, k: int) -> int:
        """Counted weights that influence unit k: through its own block, or through a segment."""
        mask, parts = self._mask, [np.zeros(0, np.int64)]
        own = slice(mask.own[k], mask.own[k + 1])
        size = mask.own[k + 1] - mask.own[k]
        block = rows.own[mask.own_at[k] : mask.own_at[k + 1]].reshape(-1, max(size, 1))
        parts.append(mask.own_parameter[own][block.any(axis=0)] if size else parts[0])
        for s in range(mask.segment[k], mask.segment[k + 1]):
            parts.append(self._segment(rows, k, s))
        return int(np.isin(self._weights, np.concatenate(parts)).sum())

    def _segment(self, rows: Any, k: int, s: int) -> np.ndarray:
        """Parameters whose entries in segment s of unit k are not zero."""
        mask, units = self._mask, self._built.units
        b, length = mask.segment_block[s], rows.length[s]
        stride, d = rows.capacity[b], units.d[units.population[k]]
        first = rows.at_p[b] + mask.segment_row[s] * stride
        stored = rows.P[first : first + d * stride].reshape(d, stride)[:, :length]
        columns = rows.parameter[mask.column_at[b] : mask.column_at[b] + length]
        found: np.ndarray = columns[(stored != 0).any(axis=0)]
        return found

"""The ledger: what the kernels counted, and the three sparsities kept apart.

rows     unit-steps with psi != 0 (a row leaves its unit)          / all unit-steps
columns  parameters that have had an effect since the last reset   / parameters
mask     entries that any path can reach                           / units x parameters
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.kernels import layout
from neuro_rtrl.kernels.layout import Mask


@dataclass
class Ledger:
    """Counts since the learner was made.

    Attributes:
        steps: steps of all lanes together.
        multiply_adds: in the influence rows and the gradient.
        bytes: moved by these, counted as each operand read or written once.
        rows_touched: segments of rows read and written by arrivals.
        live_entries: entries of the influence matrix in use, mean over steps.
        spikes, sensitive: unit-steps with a spike; with psi != 0.
        densities: rows, columns, mask (see the module).
        influence_bytes: largest storage of the influence matrix, all lanes together.
    """

    steps: int
    multiply_adds: int
    bytes: int
    rows_touched: int
    live_entries: float
    spikes: int
    sensitive: int
    densities: dict[str, float]
    influence_bytes: int

    def as_dict(self) -> dict[str, object]:
        """Plain numbers, for files."""
        return asdict(self)


def make_ledger(
    run_counts: np.ndarray, rows: np.ndarray, columns: int, mask: float, storage: int
) -> Ledger:
    """A ledger from counters (summed over lanes).

    Args:
        run_counts: as `Run.counts`.
        rows: as `Rows.counts`.
        columns: parameters that have a column.
        mask: density of the mask.
        storage: bytes.
    """
    steps = int(rows[layout.STEPS])
    unit_steps = max(int(run_counts[layout.UNIT_STEPS]), 1)
    densities = {
        "rows": int(run_counts[layout.SENSITIVE]) / unit_steps,
        "columns": int(rows[layout.COLUMNS]) / max(steps * columns, 1),
        "mask": mask,
    }
    return Ledger(
        steps=steps,
        multiply_adds=int(rows[layout.MULTIPLY_ADDS] + rows[layout.GRADIENT_ADDS]),
        bytes=int(rows[layout.BYTES]),
        rows_touched=int(rows[layout.ROWS_TOUCHED]),
        live_entries=int(rows[layout.ENTRIES]) / max(steps, 1),
        spikes=int(run_counts[layout.SPIKES]),
        sensitive=int(run_counts[layout.SENSITIVE]),
        densities=densities,
        influence_bytes=storage,
    )


def mask_density(built: Built, mask: Mask) -> float:
    """Entries that some path reaches / all entries of the dense influence matrix."""
    parameters = int(mask.columns.sum())
    if parameters == 0:
        return 0.0
    reached = int(mask.columns[mask.segment_block].sum())
    units = np.repeat(np.arange(built.plan.n), np.diff(mask.segment))
    inside = mask.block[units] == mask.segment_block
    own = np.diff(mask.own) + built.units.m[built.units.population]
    directly = int(own.sum()) - int(own[units[inside]].sum())
    return (reached + directly) / (parameters * built.plan.n)

"""What a unit's event does to its own row through a synapse of the unit with itself.

Of all paths through synapses between spiking units SnAp-1 keeps this one (Menick et al. 2021,
section 3: the diagonal of D holds w_kk):

    P_k += w_kk B q_k,     q_k = dy/dh . P_k

with B through the reset of the step, as for every other arrival (kernels/arrive.py).
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.arrive import entry_vector
from neuro_rtrl.kernels.catch_up import settle_own
from neuro_rtrl.kernels.filters import Filters
from neuro_rtrl.kernels.jit import jit
from neuro_rtrl.kernels.layout import MULTIPLY_ADDS, Mask, Rows, Run, Units, Wires


@jit
def return_to_itself(
    units: Units,
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    filters: Filters,
    k: int,
) -> None:
    """The loop of unit k; `filters.q` holds q_k, and `rows.after` the reset of this step."""
    e, entry = filters.loop[k], rows.matrix[5]
    if not entry_vector(units, wires, run, rows, filters.loop_group[k], e, entry):
        return
    settle_own(units, mask, run, rows, k)
    p = units.population[k]
    d, m, i = units.d[p], units.m[p], k - units.first[p]
    size, first = mask.own[k + 1] - mask.own[k], mask.own_at[k]
    for v in range(d):
        if entry[v] == 0.0:
            continue
        weight = values[e] * entry[v]
        factor, own = rows.own.dtype.type(weight), first + v * size
        for j in range(size):
            rows.own[own + j] += factor * filters.q[j]
        for j in range(m):
            theta = units.at_dm[p] + (i * d + v) * m + j
            rows.theta[theta] += weight * filters.q[size + j]
        rows.counts[MULTIPLY_ADDS] += size + m

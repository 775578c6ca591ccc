"""e-prop with symmetric feedback: local eligibility traces, learning signal through the readout.

Bellec et al. 2020, Nature Communications 11:3625, eqs. 1-5, 13, 23-25. What an event does to other
spiking units is dropped; what it does to the own unit (leak, adaptation, reset) and to readouts
stays:

    e_k = P_k restricted to k's own parameters          (eligibility trace)
    g   = sum_t sum_o dL/dy_o sum_k w_ok F_o(psi_k e_k)

with F_o the readout's own filter, delays included: the sum over k runs through the readouts' rows,
so any readout model is respected.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.engine.lanes import RowsRule
from neuro_rtrl.network.patterns import within_steps
from neuro_rtrl.network.plan import Plan
from neuro_rtrl.network.reach import Reach


def pattern(plan: Plan, own: np.ndarray) -> Reach:
    """Own parameters for spiking units; everything for readouts."""
    return within_steps(plan, own, 1, recurrent=False)


RULE = RowsRule(
    name="eprop",
    exactness=(
        "drops all influence through synapses between spiking units (explicit recurrence and"
        " depth); exact with one layer of spiking units that are not connected with each other"
    ),
    pattern=pattern,
)

"""The pattern that local rules share."""

from __future__ import annotations

import numpy as np

from neuro_rtrl.network.patterns import within_steps
from neuro_rtrl.network.plan import Plan
from neuro_rtrl.network.reach import Reach


def own_parameters(plan: Plan, own: np.ndarray) -> Reach:
    """Own parameters for units that emit; everything that arrives for readouts."""
    return within_steps(plan, own, 1, recurrent=False)

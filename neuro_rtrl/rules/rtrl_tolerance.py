"""RTRL with a tolerance, and a certificate of what it costs.

The exact recursion, but a contribution (what one event brings to one unit, of the parameters of one
unit) whose 2-norm is below the tolerance is dropped. The error is bounded while the network runs,
unit by unit, by the recursion with absolute values (kernels/limits.py); `Learner.certificate` is
the bound of the 2-norm of the gradient's error. "rtrl-tolerance-1e-3" has the tolerance 1e-3, as
has "rtrl-tolerance".

    cost    L f nnz(P_l) without the contributions that are dropped, and nnz(P_l) for their norms
    memory  nnz(P), at most n d p numbers, and one bound for each block of a row
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.engine.lanes import RowsRule
from neuro_rtrl.engine.limits import Changes
from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.network.patterns import within_steps
from neuro_rtrl.network.plan import Plan
from neuro_rtrl.network.reach import Reach


def _by_unit(plan: Plan, own: np.ndarray) -> Reach:
    """Every path, with a block for the parameters of each unit."""
    return within_steps(plan, own, plan.n + 1)


def family(tolerance: str) -> RowsRule:
    """The rule "rtrl-tolerance-TOL".

    >>> family("1e-4").changes.tolerance
    0.0001
    """
    try:
        value = float(tolerance)
    except ValueError:
        value = -1.0
    if not 0.0 <= value < float("inf"):
        raise DescriptionError(
            "this is not a tolerance",
            given=f"'rtrl-tolerance-{tolerance}'",
            expected="a number from 0, as in 'rtrl-tolerance-1e-3'",
        )
    return RowsRule(
        name=f"rtrl-tolerance-{tolerance}",
        exactness=(
            f"drops contributions to influence of a 2-norm below {tolerance}, with a running bound"
            " of the gradient's error; exact only where none is that small, as with tolerance 0"
        ),
        pattern=_by_unit,
        changes=Changes(tolerance=value),
    )


RULE = family("1e-3")

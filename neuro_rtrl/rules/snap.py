"""SnAp-n: the influence matrix restricted to what is reachable within n steps.

Menick, Elsen, Evci, Osindero, Simonyan & Graves 2021 (ICLR, arXiv 2006.07232), section 3, eq. 4:
J <- mask_n * (I + D J), with mask_1 = pattern(I) and mask_q+1 = mask_q or pattern(D) mask_q. Say
"snap-1", "snap-2", ...: the number is the order. SnAp-1 keeps the self-recurrent term through w_kk,
which e-prop drops. Readouts feed back to nothing and keep all that reaches them; of order 1 by one
trace for each hidden unit, or for each that a readout hears if weights change within a sequence
(kernels/local.py).

    cost    L f times the entries that both rows may hold, of at most nnz(mask_n) / n
    memory  d nnz(mask_n) numbers
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.engine.lanes import RowsRule
from neuro_rtrl.engine.local import Local
from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.network.patterns import within_steps
from neuro_rtrl.network.plan import Plan
from neuro_rtrl.network.reach import Reach

LARGEST = 1000


def family(order: str) -> RowsRule:
    """The rule "snap-ORDER".

    >>> family("2").name
    'snap-2'
    """
    if not order.isdecimal() or not 1 <= int(order) <= LARGEST:
        raise DescriptionError(
            "this is not an order of SnAp",
            given=f"'snap-{order}'",
            expected=f"a whole number from 1 to {LARGEST}, as in 'snap-2'",
        )
    n = int(order)

    def pattern(plan: Plan, own: np.ndarray) -> Reach:
        return within_steps(plan, own, n)

    return RowsRule(
        name=f"snap-{n}",
        exactness=(
            f"drops entries of parameters more than {n - 1} synapses away from the unit; exact"
            " where no path between spiking units is longer, and on unconnected (diagonal) layers"
        ),
        pattern=pattern,
        local=Local(loops=True, past=True) if n == 1 else None,
    )


RULE = family("1")

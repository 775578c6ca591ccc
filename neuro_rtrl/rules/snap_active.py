"""Activity-conditioned SnAp-n: reach is counted along events that were live.

Both papers in one: entries are kept as in SnAp-n (Menick et al. 2021, section 3), but a parameter
reaches a unit only through units whose psi was not zero (Subramoney 2023, eqs. 5-8), at the time of
the event. Influence that would have crossed more than n - 1 synapses by live events is dropped,
unless the same parameters have already reached the unit by a shorter live way, and something of
them is left there. A way on which only zeros came is none. "snap-active-2" is n = 2 (the default).
With large n it is the exact rule, which itself follows live events only.

    cost    as snap-n, without the entries that no live path of n - 1 synapses has reached
    memory  at most d nnz(mask_n) numbers
"""

from __future__ import annotations

from neuro_rtrl.engine.lanes import RowsRule
from neuro_rtrl.engine.limits import Changes
from neuro_rtrl.rules import snap


def family(order: str) -> RowsRule:
    """The rule "snap-active-ORDER".

    >>> family("3").changes.depth
    2
    """
    base = snap.family(order)
    n = int(order)
    return RowsRule(
        name=f"snap-active-{n}",
        exactness=(
            f"drops influence that has crossed more than {n - 1} synapses by live events; exact"
            " where no path between spiking units is longer, and on unconnected (diagonal) layers"
        ),
        pattern=base.pattern,
        changes=Changes(depth=n - 1),
    )


RULE = family("2")

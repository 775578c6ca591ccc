"""Exact real-time recurrent learning with activity and parameter sparsity.

Williams & Zipser 1989 (the recursion P <- D P + immediate part, eq. 13); Subramoney 2023
(arXiv 2303.05641, eqs. 5-8: rows vanish where psi = 0, columns where nothing has arrived, both
where weights are absent). The explicit part of the recursion is carried by events
(docs/mathematics.md).

    cost    L f nnz(P_l): each live event adds its row to the rows of its targets
    memory  nnz(P), at most n d p numbers
"""

from __future__ import annotations

from neuro_rtrl.engine.lanes import RowsRule

RULE = RowsRule(
    name="rtrl",
    exactness="drops nothing: the exact gradient, across populations, layers and delays",
)

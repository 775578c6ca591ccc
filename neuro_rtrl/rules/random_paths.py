"""Random paths: at each step only a few randomly drawn units receive indirect influence.

Shalev-Merin 2026 (arXiv 2603.15195): of the n rows of the Jacobian k are kept, drawn anew at every
step, and a handful recover most of what full RTRL gains. "random-paths-4" keeps four (the default):

    P_k <- D_k P_k + immediate part + [k drawn or a readout] sum_l B w q_l

The unit's own dynamics and the paths into readouts are always kept.

    cost    k drawn units in the place of the f targets of a live event, and its readouts
    memory  nnz(P), at most n d p numbers
"""

from __future__ import annotations

from neuro_rtrl.engine.lanes import RowsRule
from neuro_rtrl.engine.limits import Changes
from neuro_rtrl.errors import DescriptionError


def family(paths: str) -> RowsRule:
    """The rule "random-paths-K".

    >>> family("8").changes.paths
    8
    """
    if not paths.isdecimal():
        raise DescriptionError(
            "this is not a number of paths",
            given=f"'random-paths-{paths}'",
            expected="a whole number from 0, as in 'random-paths-4'",
        )
    return RowsRule(
        name=f"random-paths-{int(paths)}",
        exactness=(
            f"drops what arrives from other units at all but {int(paths)} randomly drawn units of"
            " each step; exact with as many paths as units, and without connections between units"
        ),
        changes=Changes(paths=int(paths)),
    )


RULE = family("4")

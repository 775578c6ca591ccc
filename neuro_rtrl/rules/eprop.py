"""e-prop: local eligibility traces; learning signals by symmetric, random or adaptive feedback.

Bellec et al. 2020, Nature Communications 11:3625, eqs. 1-5, 13, 23-25. What an event does to other
spiking units is dropped; what it does to the own unit (leak, adaptation, reset) and to readouts
stays:

    e_k = P_k restricted to k's own parameters          (eligibility trace)
    g   = sum_t sum_o dL/dy_o sum_k b_ok F_o(psi_k e_k)

with F_o the readout's own filter, delays included: the sum over k runs through the readouts' rows,
so any readout model is respected. "eprop": b = w, the readout's weights. "eprop-random": b fixed,
normal, and to every spiking unit. "eprop-adaptive": b starts so and then changes as w does, losing
one part in a thousand at every update.

    cost    d^2 m for each trace that is touched, and m for each readout that a live event reaches
    memory  d p numbers of traces, and the readouts' rows of at most o p
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.engine.feedback import Feedback, random_feedback
from neuro_rtrl.engine.lanes import RowsRule
from neuro_rtrl.engine.local import Local
from neuro_rtrl.errors import unknown
from neuro_rtrl.network.auxiliary import with_all_feedback
from neuro_rtrl.network.patterns import within_steps
from neuro_rtrl.network.plan import Plan
from neuro_rtrl.network.reach import Reach

DECAY = 1e-3
KINDS = {"symmetric": None, "random": None, "adaptive": DECAY}


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
    local=Local(),
)


def family(kind: str) -> RowsRule:
    """The rule "eprop-KIND", with symmetric, random or adaptive feedback.

    >>> family("random").name
    'eprop-random'
    """
    if kind not in KINDS:
        raise unknown("feedback of eprop", kind, KINDS)
    if kind == "symmetric":
        return RULE
    return RowsRule(
        name=f"eprop-{kind}",
        exactness=(
            "drops what eprop drops, and replaces the readouts' weights by"
            f" {'fixed random' if kind == 'random' else 'slowly aligning'} ones in the learning"
            " signals; exact for the parameters of readouts"
        ),
        pattern=pattern,
        local=Local(),
        feedback=Feedback(random_feedback, KINDS[kind], given=True),
        network=with_all_feedback,
    )

"""Reward-modulated e-prop: a three-factor rule, with a reward in the place of targets.

Bellec et al. 2020, Nature Communications 11:3625, "reward-based e-prop", with the policy gradient
of Williams 1992 (REINFORCE, eq. 2) in the place of the critic. Actions are drawn from the outputs
(a class with its probability under cross_entropy; the outputs plus noise of 0.3 under mse and sse);
all that comes back is one number r(t):

    dE/dw = sum_t (r - baseline) sum_o d(-log p(a))/dy_o sum_k w_ok F_o(psi_k e_k)

with e_k the eligibility traces of e-prop, the baseline a running mean of r. The reward of a class
is its target (1 if it is right), that of a number the loss of the action, negative.

    cost    d^2 m for each trace that is touched, and m for each readout that a live event reaches
    memory  d p numbers of traces, and the readouts' rows of at most o p
"""

from __future__ import annotations

from neuro_rtrl.engine.lanes import RowsRule
from neuro_rtrl.engine.limits import Changes, Reward
from neuro_rtrl.rules._local import own_parameters

RULE = RowsRule(
    name="reward-eprop",
    exactness=(
        "drops what eprop drops, and replaces the error by an unbiased estimate from one reward;"
        " nowhere exact, in the mean exact for the expected reward where eprop is exact"
    ),
    pattern=own_parameters,
    changes=Changes(reward=Reward()),
)

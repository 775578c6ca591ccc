"""Decoupled neural interfaces: the credit of later losses is predicted, linearly and online.

Jaderberg et al. 2017 (arXiv 1608.05343), as in Marschall, Cho & Savin 2020 (JMLR 21:86, section
3.2.4). With z = [h; a] (all states, and the arrivals collected for the next update of map models),
q_t = dL_t/dh_t and x_t = [z_t; y*_t; 1]:

    g_t = ([q_t; 0] + A x_t)^T  dz_t/dtheta           z_{t-1} and older events held fixed
    A  <- A - eta (A x_t - (dz_{t+1}/dz_t)^T ([q_{t+1}; 0] + A x_{t+1})) x_t^T

So it is truncated back-propagation with windows of one step, each closed with a prediction that
learns from the next one. It costs Z x (Z + outputs + 1) a step, and nothing that grows with the
number of parameters. All lanes of a learner share A, which starts at 0, keeps learning whenever
there are targets, and is not reset with the states; its rate is that of Pohl et al. (RATE).

    cost    that of tbptt-1, and Z (Z + o + 1) for predicting and for learning to predict
    memory  Z (Z + o + 1) numbers, and one step
"""

from __future__ import annotations

from neuro_rtrl.rules._windows import WindowRule

RATE = 0.002

RULE = WindowRule(
    name="dni",
    exactness=(
        "replaces the credit of all later losses by a linear prediction from the present states,"
        " collected arrivals and targets, and drops it for events that are still under way (delays"
        " of a step or more); exact only where that credit is linear, known and not delayed"
    ),
    online=1,
    rate=RATE,
)

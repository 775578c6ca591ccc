"""DECOLLE: every layer learns from fixed random readouts of its own.

Kaiser, Mostafa & Neftci 2020, Frontiers in Neuroscience 14:424, eqs. 5-9. Each spiking population
gets as many readouts as there are outputs, memoryless, with fixed random weights G and the same
targets; no error crosses a layer:

    dw_kl = sum_t sum_o dL(G s)/dy_o g_ok sigma'(U_k) P_l,     P_l: the unit's own filter of l

The network's outputs learn from their own errors, which are not passed on.

    cost    d^2 m for each trace that is touched, and o m for each live event
    memory  d p numbers of traces, and the local readouts' rows of at most o p
"""

from __future__ import annotations

import dataclasses

from neuro_rtrl.contracts import Model
from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.feedback import Feedback, no_feedback
from neuro_rtrl.engine.lanes import RowsRule
from neuro_rtrl.engine.local import Local
from neuro_rtrl.network.auxiliary import is_counter, with_local_readouts, with_models
from neuro_rtrl.network.describe import Network
from neuro_rtrl.rules._local import own_parameters


def _without_reset(model: Model) -> Model:
    return dataclasses.replace(model, reset_gradient=False)


def _network(net: Network) -> Network:
    return with_models(with_local_readouts(net), _without_reset)


def _layers(built: Built) -> int:
    return sum(p.auxiliary and not is_counter(p) for p in built.plan.readouts)


RULE = RowsRule(
    name="decolle",
    exactness=(
        "drops all influence between spiking units and resets, and replaces the errors of hidden"
        " layers by those of local random readouts; exact for the parameters of readouts"
    ),
    pattern=own_parameters,
    local=Local(),
    feedback=Feedback(no_feedback),
    network=_network,
    copies=_layers,
)

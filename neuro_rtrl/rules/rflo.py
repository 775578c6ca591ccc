"""RFLO: random-feedback local online learning.

Murray 2019, eLife 8:e43299, eqs. 3-5: p_ij <- (1 - 1/tau) p_ij + (1/tau) phi'(u_i) h_j and
dW_ij = eta (B e)_i p_ij. Of the Jacobian only the unit's own leak is kept, the error comes through
fixed random weights B ("rflo", "rflo-random") or through the readout's own ("rflo-symmetric", as
Menick et al. 2021 compare it). In a spiking unit the leak is the derivative of its own dynamics;
the reset, which is an event of the unit, takes no part in the gradient.

    cost    d^2 m for each trace that is touched, and o m for each live event
    memory  d p numbers of traces, and the readouts' rows of at most o p
"""

from __future__ import annotations

import dataclasses

from neuro_rtrl.contracts import Model
from neuro_rtrl.engine.feedback import Feedback, random_feedback
from neuro_rtrl.engine.lanes import RowsRule
from neuro_rtrl.engine.local import Local
from neuro_rtrl.errors import unknown
from neuro_rtrl.network.auxiliary import with_all_feedback, with_models
from neuro_rtrl.network.describe import Network
from neuro_rtrl.rules._local import own_parameters


def _without_reset(model: Model) -> Model:
    return dataclasses.replace(model, reset_gradient=False)


def _leak_only(net: Network) -> Network:
    return with_models(net, _without_reset)


def _with_feedback(net: Network) -> Network:
    return _leak_only(with_all_feedback(net))


def family(kind: str) -> RowsRule:
    """The rule "rflo-KIND": random or symmetric feedback.

    >>> family("symmetric").name
    'rflo-symmetric'
    """
    if kind not in ("random", "symmetric"):
        raise unknown("feedback of rflo", kind, ("random", "symmetric"))
    random = kind == "random"
    return RowsRule(
        name="rflo" if random else "rflo-symmetric",
        exactness=(
            "drops all recurrence but the unit's own leak (synapses between units, reset)"
            + (", and sends errors back through fixed random weights" if random else "")
            + "; exact for the parameters of readouts"
            + ("" if random else ", and for one layer of unconnected units without reset")
        ),
        pattern=own_parameters,
        local=Local(),
        feedback=Feedback(random_feedback, given=True) if random else None,
        network=_with_feedback if random else _leak_only,
    )


RULE = family("random")

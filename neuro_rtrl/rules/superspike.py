"""SuperSpike: local traces with a fast sigmoid's derivative, and feedback that need not be exact.

Zenke & Ganguli 2018, Neural Computation 30:1514, eqs. 2.5-2.9:

    dw_kl = sum_t e_k(t) alpha * [ sigma'(U_k) (epsilon * S_l) ],   sigma'(U) = (1 + |g| / width)^-2

Here epsilon is the unit's own filter, alpha the readout's, and e_k = sum_o b_ok dL/dy_o. Whatever
surrogate the model has is replaced by the fast sigmoid of the same width; the reset takes no part
in the gradient. "superspike" has b = w; "superspike-random" normal ones; "superspike-uniform" ones.

    cost    d^2 m for each trace that is touched, and o m for each live event
    memory  d p numbers of traces, and the readouts' rows of at most o p
"""

from __future__ import annotations

import dataclasses

import numpy as np

from neuro_rtrl.contracts import Model
from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.feedback import Feedback, random_feedback, to_readouts
from neuro_rtrl.engine.lanes import RowsRule
from neuro_rtrl.engine.local import Local
from neuro_rtrl.errors import unknown
from neuro_rtrl.network.auxiliary import with_all_feedback, with_models
from neuro_rtrl.network.describe import Network
from neuro_rtrl.rules._local import own_parameters


def _superspike(model: Model) -> Model:
    surrogate = dataclasses.replace(model.surrogate, shape="fast_sigmoid", cutoff=None)
    return dataclasses.replace(model, surrogate=surrogate, reset_gradient=False)


def _symmetric(net: Network) -> Network:
    return with_models(net, _superspike)


def _broadcast(net: Network) -> Network:
    return with_models(with_all_feedback(net), _superspike)


def _ones(built: Built) -> tuple[np.ndarray, np.ndarray]:
    places = to_readouts(built)
    return places, np.ones(places.size)


_FEEDBACK = {
    "symmetric": None,
    "random": Feedback(random_feedback, given=True),
    "uniform": Feedback(_ones),
}


def family(kind: str) -> RowsRule:
    """The rule "superspike-KIND": symmetric, random or uniform feedback.

    >>> family("uniform").name
    'superspike-uniform'
    """
    if kind not in _FEEDBACK:
        raise unknown("feedback of superspike", kind, _FEEDBACK)
    words = {"symmetric": "", "random": " Random feedback.", "uniform": " Feedback of ones."}
    return RowsRule(
        name="superspike" if kind == "symmetric" else f"superspike-{kind}",
        exactness=(
            "drops all influence through synapses between spiking units and through resets, and"
            " replaces the surrogate by a fast sigmoid; exact for the parameters of readouts."
            + words[kind]
        ),
        pattern=own_parameters,
        local=Local(),
        feedback=_FEEDBACK[kind],
        network=_symmetric if kind == "symmetric" else _broadcast,
    )


RULE = family("symmetric")

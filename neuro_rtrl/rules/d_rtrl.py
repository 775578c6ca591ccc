"""D-RTRL: the diagonal of the influence matrix, errors by the present step's paths.

Wang et al. 2026, Nature Communications 17:1745 (BrainTrace): eps <- D_kk eps + dh_k/da_k x, where
D_kk is the derivative of the unit's own dynamics with what arrives held fixed, and
g = sum_t dL_t/dh_k eps, with dL_t/dh_k through the present step only. So influence across synapses
within a population is dropped, that between populations is kept from one arrival to the next (also
what comes back to the unit itself: eps is what its own dynamics carry), and what a readout
remembers is dropped. Whole sequences of networks whose populations hear each other are read from a
diary, from its end; with updates within a sequence what crosses populations is in rows.

    cost    d^2 m for each trace that is touched; between populations as rtrl, for a step only
            (whole sequences: two numbers for each pair of events that follow each other)
    memory  d p numbers of traces, and what crosses populations in a step
"""

from __future__ import annotations

from neuro_rtrl.engine.feedback import Feedback, within_populations
from neuro_rtrl.engine.lanes import RowsRule
from neuro_rtrl.engine.local import Local
from neuro_rtrl.network.layers import keep_no_path, units_and_paths

RULE = RowsRule(
    name="d-rtrl",
    exactness=(
        "drops influence across synapses within a population, and what populations and readouts"
        " remember of the influence of others; exact with one layer of unconnected units and"
        " readouts without memory (the model readout)"
    ),
    pattern=units_and_paths,
    keep=keep_no_path,
    feedback=Feedback(within_populations),
    local=Local(forgets=True),
)

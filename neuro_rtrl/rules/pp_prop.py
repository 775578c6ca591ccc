"""pp-prop (ES-D-RTRL): the diagonal rule with traces of rank one.

Wang et al. 2026, Nature Communications 17:1745 (BrainTrace):

    eps ~ eps_f x eps_x;   eps_x <- a eps_x + x;   eps_f <- a D_kk eps_f + (1 - a) dh_k/da_k

so memory is O(units), not O(synapses). Everything else is as in d-rtrl. "pp-prop-0.9" has a = 0.9;
the default is 0.99. Unit parameters have exact traces.

    cost    that of d-rtrl with vectors of n d and of sources in the place of traces
    memory  n d and one for each source, and what crosses populations in a step
"""

from __future__ import annotations

from neuro_rtrl.engine.feedback import Feedback, within_populations
from neuro_rtrl.engine.lanes import RowsRule
from neuro_rtrl.engine.limits import Changes
from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.network.layers import keep_no_path, units_and_paths


def family(decay: str) -> RowsRule:
    """The rule "pp-prop-A" with 0 < A < 1.

    >>> family("0.9").changes.decay
    0.9
    """
    try:
        value = float(decay)
    except ValueError:
        value = 0.0
    if not 0.0 < value < 1.0:
        raise DescriptionError(
            "this is not a decay of factors",
            given=f"'pp-prop-{decay}'",
            expected="a number between 0 and 1, as in 'pp-prop-0.9'",
        )
    return RowsRule(
        name=f"pp-prop-{decay}",
        exactness=(
            "drops what d-rtrl drops, and replaces each trace by a product of two filters; exact"
            " for weights of readouts, and in the first step after the start"
        ),
        pattern=units_and_paths,
        keep=keep_no_path,
        feedback=Feedback(within_populations),
        changes=Changes(decay=value),
    )


RULE = family("0.99")

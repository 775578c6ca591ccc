"""Truncated back-propagation through time, in windows of K steps that do not overlap.

Williams & Peng 1990 (Neural Computation 2:490), BPTT(h; h') with h = h' = K. Say "tbptt-10": the
number is K. States and events under way go on from window to window; the gradient is what happens
within each:

    g = sum over windows [t0, t0 + K) of  d(sum_{t in window} L_t)/dtheta
        with the states at t0 and the events emitted before t0 held fixed

An event from before the window counts for the weight through which it arrives in it, but nothing
flows back to its source. Memory is that of K steps, however long the stream is.

    cost    2 for each synapse that an event passed, and n d^2 for the local Jacobians
    memory  K steps of states, inputs and events, about K n (4 d + 4) numbers
"""

from __future__ import annotations

from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.rules._windows import WindowRule

LARGEST = 1_000_000


def family(length: str) -> WindowRule:
    """The rule "tbptt-LENGTH".

    >>> family("10").name
    'tbptt-10'
    """
    if not length.isdecimal() or not 1 <= int(length) <= LARGEST:
        raise DescriptionError(
            "this is not a window of truncated back-propagation",
            given=f"'tbptt-{length}'",
            expected=f"a whole number of steps from 1 to {LARGEST}, as in 'tbptt-10'",
        )
    steps = int(length)
    return WindowRule(
        name=f"tbptt-{steps}",
        exactness=(
            f"drops all credit that flows back past the start of a window of {steps} steps; exact"
            " where no sequence is longer than a window"
        ),
        online=steps,
    )


RULE = family("10")

"""Back-propagation through time: the reference that the online rules are measured against.

Werbos 1990, eq. 7 (ordered derivatives), with the surrogate as the derivative of the spike (Neftci,
Mostafa & Zenke 2019, eq. 10). It stores every step of a sequence and has its gradient at the end.

    cost    2 for each synapse that an event passed, and n d^2 for the local Jacobians
    memory  T steps of states, inputs and events, about T n (4 d + 4) numbers
"""

from __future__ import annotations

from neuro_rtrl.rules._windows import WindowRule

RULE = WindowRule(
    name="bptt",
    exactness="drops nothing: the exact gradient of a whole sequence, at its end",
    online=0,
)

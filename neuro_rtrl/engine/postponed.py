"""The arrays of plain descent that waits (kernels/postponed.py)."""

from __future__ import annotations

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.kernels.filters import Filters
from neuro_rtrl.kernels.layout import Mask
from neuro_rtrl.kernels.postponed import Postponed
from neuro_rtrl.kernels.traces import Traces


def make_postponed(built: Built, mask: Mask, filters: Filters, traces: Traces) -> Postponed:
    """Nothing is owed yet."""
    values, back = built.values.size, _back(built, filters)
    return Postponed(
        open=np.zeros(1, np.uint8),
        base=np.zeros(values),
        shown=np.zeros(values),
        shift=filters.at[:, :-1] - filters.own[:-1],
        parameter=_parameters(built, mask, filters),
        loop=filters.loop[filters.loop >= 0],
        back=back,
        back_base=np.zeros(back.shape[1]),
        back_gain=built.wires.gain[back[0]].astype(float),
        pays=np.array([(traces.shared[built.outputs[0]] < 0).any()]),
    )


def _back(built: Built, filters: Filters) -> np.ndarray:
    """(4, b) learned synapses that signals come through, in the order of `gathered`."""
    synapse, unit, output, replaced = filters.sent
    place, nobody = filters.slot[synapse], filters.gathered.size - 1
    row = filters.of[output] if filters.apart[0] else output
    found = np.stack([synapse, place, unit, row])[:, (place != nobody) & (replaced < 0)]
    return np.ascontiguousarray(found[:, np.argsort(found[1], kind="stable")])


def _parameters(built: Built, mask: Mask, filters: Filters) -> np.ndarray:
    """(3, p) learned unit parameters: their numbers, places in `gathered`, units."""
    units, found = built.units, [np.zeros((3, 0), np.int64)]
    own = np.diff(mask.own)
    for p in range(units.first.size):
        k = units.first[p] + np.arange(units.size[p])
        for j in range(int(units.m[p])):
            number = units.at_theta[p] + j * units.size[p] + np.arange(units.size[p])
            found.append(np.stack([number, filters.own[k] + own[k] + j, k]))
    return np.ascontiguousarray(np.concatenate(found, axis=1))

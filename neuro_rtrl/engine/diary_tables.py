"""Room for a diary of local rules, and its tables (kernels/diary.py, diary.py)."""

from __future__ import annotations

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.shared import flows
from neuro_rtrl.kernels.diary import CHUNK, CLOCK_SIZE, LANES, Diary
from neuro_rtrl.kernels.filters import Filters
from neuro_rtrl.kernels.layout import Mask
from neuro_rtrl.kernels.traces import Traces


def make_diary(
    built: Built,
    mask: Mask,
    filters: Filters,
    traces: Traces,
    precision: str,
    start: np.ndarray,
    room: tuple[int, int, int],
    beyond: bool = False,
) -> Diary:
    """Room for a window, and behind that for what one step can add; and its tables.

    Args:
        room: arrivals, events and steps after which a window ends.
        beyond: whether events are worth something beyond their learning signals.
    """
    n, groups, outputs = built.plan.n, built.wires.delay.size, built.outputs[0].size
    arrivals, events, steps = room[0] + groups, room[1] + 2 * n, room[2]
    member = np.flatnonzero(~built.plan.is_readout)
    place = np.full(n, -1)
    place[member] = np.arange(member.size)
    lots = -(-member.size // LANES)
    wide, d = built.widest, built.units.d[built.units.population]
    learned = int(built.units.m[built.units.population[member]].max(initial=0))
    factors = wide + 3 * wide**2 + beyond
    return Diary(
        clock=np.zeros(CLOCK_SIZE, np.int64),
        room=np.array(room),
        came=np.zeros((arrivals, 2), np.int32),
        value=np.zeros(arrivals),
        unit=np.zeros(events, np.int32),
        when=np.zeros(events, np.int32),
        held=np.zeros(events, np.uint8),
        factor=np.zeros((events, factors)),
        theta=np.zeros((events, learned)),
        theta_sum=np.zeros((filters.d.size, n, learned)),
        power=np.zeros((steps + 1, wide)),
        slope=np.zeros((steps + 1, outputs)),
        signal=np.zeros((steps + 1, max(outputs, filters.d.size + 1))),
        back=np.zeros((steps + 1, outputs)),
        touched=np.zeros(n, np.uint8),
        pointer=np.zeros((groups, -(-steps // CHUNK)), np.int64),
        sorted_step=np.zeros(arrivals, np.int32),
        sorted_value=np.zeros(arrivals, precision),
        event=np.zeros(lots + 1, np.int64),
        number=np.zeros((events, 3), np.int32),
        sorted_factor=np.zeros((events, factors)),
        member=member,
        place=place,
        wide=np.array([wide]),
        states=np.array([int(d[member[i * LANES : (i + 1) * LANES]].max()) for i in range(lots)]),
        decay=decay_of(built, member, lots),
        **_hears(built, filters, place, member.size),
        **_rows(built, mask, traces, member),
        start=start,
    )


def decay_of(built: Built, member: np.ndarray, lots: int) -> np.ndarray:
    """(lots, dm*dm * LANES) D of each unit, in rows of dm."""
    units, wide = built.units, built.widest
    found = np.zeros((lots * LANES, wide, wide))
    for p in range(units.first.size):
        d, first = int(units.d[p]), int(units.first[p])
        mine = np.flatnonzero((member >= first) & (member < first + units.size[p]))
        found[mine, :d, :d] = flows(built, p).reshape(-1, d, d)[member[mine] - first]
    turned = found.reshape(lots, LANES, wide**2).transpose(0, 2, 1)
    return np.ascontiguousarray(turned).reshape(lots, -1)


def _hears(built: Built, filters: Filters, place: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """Synapses to readouts, by unit."""
    order = np.argsort(place[filters.sent[1]], kind="stable")
    sizes = np.bincount(place[filters.sent[1]], minlength=-(-count // LANES) * LANES)
    return {
        "hears": np.concatenate([[0], np.cumsum(sizes)]),
        "output": filters.sent[2][order],
        "weight": np.zeros(order.size),
    }


def _rows(built: Built, mask: Mask, traces: Traces, member: np.ndarray) -> dict[str, np.ndarray]:
    """Rows and runs of each lot, and the place of each own synapse."""
    own_gain = built.wires.gain[mask.own_parameter]
    own, lots = np.zeros(own_gain.size, np.int32), []
    for first in range(0, member.size, LANES):
        units = member[first : first + LANES]
        chosen = np.concatenate([np.arange(mask.own[k], mask.own[k + 1]) for k in units])
        lane = np.repeat(np.arange(units.size), mask.own[units + 1] - mask.own[units])
        state = built.wires.variable[mask.own_parameter[chosen]]
        key = traces.group[chosen].astype(np.int64) * built.widest + state
        keys, number = np.unique(key, return_inverse=True)
        own[chosen] = number * LANES + lane
        heard = np.bincount(number, minlength=keys.size)
        group, state = np.divmod(keys, built.widest)
        numbers = mask.own_parameter[chosen], own[chosen], own_gain[chosen]
        lots.append(
            {"group": group.astype(np.int32), "state": state, "heard": heard, **_runs(*numbers)}
        )
    return {
        "row": np.cumsum([0, *(lot["group"].size for lot in lots)]),
        "run": np.cumsum([0, *(lot["length"].size for lot in lots)]),
        **{name: np.concatenate([lot[name] for lot in lots]) for name in lots[0]},
        "own": own,
        "own_gain": own_gain,
    }


def _runs(parameter: np.ndarray, at: np.ndarray, gain: np.ndarray) -> dict[str, np.ndarray]:
    """Own synapses of a lot that are neighbours, with one gain and parameters in order."""
    order = np.argsort(at)
    parameter, at, gain = parameter[order], at[order], gain[order]
    follows = (np.diff(parameter) == 1) & (np.diff(at) == 1) & (np.diff(gain) == 0)
    first = np.flatnonzero(np.concatenate([[True], ~follows])[: order.size])
    return {
        "parameter": parameter[first],
        "at": at[first].astype(np.int64),
        "length": np.diff(np.append(first, order.size)),
        "gain": gain[first],
    }

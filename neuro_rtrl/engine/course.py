"""The arrays of a simulation without learning, from a built network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neuro_rtrl.engine.build import Built, noise_seed
from neuro_rtrl.engine.memory import aligned_zeros
from neuro_rtrl.engine.runs import deaf, places
from neuro_rtrl.kernels.cells import CHUNK, Cells, Course, Fan
from neuro_rtrl.kernels.layout import CLOCK_SIZE, FREE
from neuro_rtrl.network.describe import Network
from neuro_rtrl.network.wires import wire


def make_cells(built: Built) -> Cells:
    """Populations and units."""
    units, populations = built.units._asdict(), built.plan.populations
    own = {name: units[name] for name in Cells._fields if name in units}
    graded = [p.model is not None and p.model.output is not None for p in populations]
    synapses = built.plan.wiring.wires.target.size  # without runs, which take room
    return Cells(
        **own | {"at_theta": units["at_theta"] - synapses},
        shift=np.zeros_like(units["first"]),
        graded=np.array(graded, np.uint8),
        values=built.values[synapses:].copy(),
    )


def make_fan(built: Built) -> Fan:
    """Groups and synapses."""
    wires, units = built.plan.wiring.wires, built.units
    where, blocked = np.zeros(wires.target.size, np.uint32), np.zeros(wires.target.size, bool)
    collects = np.repeat(wires.collects, np.diff(wires.first)).astype(bool)
    for low in range(0, where.size, AT_ONCE):
        part = slice(low, low + AT_ONCE)
        ends = wires.target[part], wires.variable[part], collects[part]
        where[part], blocked[part] = places(units, *ends), deaf(units, *ends)
    careful = np.add.reduceat(blocked, wires.first[:-1]) > 0 if blocked.size else blocked
    jump = wires.gain * built.values[: wires.gain.size]
    special = careful | (wires.collects != 0) | (built.plan.wiring.plastic > 0)
    fan = Fan(
        group=wires.group,
        delay=wires.delay,
        collects=wires.collects,
        careful=careful.astype(np.uint8),
        even=(_one_value(jump, wires.first) & ~special).astype(np.uint8),
        first=wires.first,
        where=where,
        jump=jump,
        straight=np.zeros((0, 4), np.int64),
        ring=wires.ring,
        once=np.array([_wait_once(wires.group, wires.delay)], np.uint8),
    )
    return fan._replace(straight=straight(fan))


def _wait_once(group: np.ndarray, delay: np.ndarray) -> bool:
    """Whether no source has two groups of synapses with a delay."""
    before = np.concatenate([[0], np.cumsum(delay > 0)])
    return bool((np.diff(before[group]) <= 1).all())


def straight(fan: Fan) -> np.ndarray:
    """(S, 4) see `Fan.straight`."""
    made = aligned(np.zeros(4 * (fan.group.size - 1), np.int64)).reshape(-1, 4)
    source = np.flatnonzero(np.diff(fan.group) == 1)
    group = fan.group[source]
    plain = (fan.even[group] != 0) & (fan.delay[group] == 0)
    plain &= fan.first[group] < fan.first[group + 1]
    source, group = source[plain], group[plain]
    made[source, 0], made[source, 1] = fan.first[group], fan.first[group + 1]
    made[source, 2] = fan.jump[fan.first[group]].view(np.int64)
    return made


def _one_value(values: np.ndarray, first: np.ndarray) -> np.ndarray:
    """(G,) whether all values of a group are the same."""
    if values.size == 0:
        return np.zeros(0, bool)
    changes = np.zeros(values.size, bool)
    changes[1:] = values[1:] != values[:-1]
    changes[first[:-1]] = False
    return ~np.logical_or.reduceat(changes, first[:-1])


def make_course(built: Built, cells: Cells, fan: Fan) -> Course:
    """The initial state at step 0, with no event under way."""
    n, ring = cells.population.size, int(fan.ring[0])
    graded = cells.graded[built.units.population]
    # Room for every event that can be under way: one of each source in each slot.
    events = (fan.group.size - 1) * (ring + 2)
    clock = np.zeros(CLOCK_SIZE, np.int64)
    clock[FREE] = events
    return Course(
        clock=clock,
        h=aligned(cells.initial),
        a=aligned(np.zeros(int((cells.size * cells.inputs).sum()))),
        y=np.where(graded, 0.0, 1.0),
        s=aligned(np.zeros(n + CHUNK, np.uint8)),
        held=aligned(np.zeros(n, np.uint8)),
        deaf=np.zeros(cells.initial.size, np.uint8),
        last=np.full(n, -(2**60)),
        live=np.zeros(n, np.int64),
        heard=np.zeros(graded.size, np.int64),
        wheel=np.full(min(max(1, int(cells.hold.max(initial=0))), LONGEST_WHEEL), -1),
        following=np.zeros(n, np.int64),
        random=noise_seed(built.plan.net.seed, next(built.lanes)),
        free=np.arange(events)[::-1].copy(),
        value=np.zeros(events),
        head=np.full(ring, -1),
        tail=np.zeros(ring, np.int64),
        **{name: np.zeros(events, np.int64) for name in _EVENT},
    )


def forget_synapses(built: Built) -> None:
    """The description of synapses goes, once a `Fan` holds them: it takes seven times the room."""
    plan = built.plan
    bare = Network(plan.net.dt, plan.net.seed)
    built.plan = replace(plan, net=bare, wiring=wire(bare), values=np.zeros(0), names={})
    built.values = np.zeros(0)


def aligned(values: np.ndarray) -> np.ndarray:
    """A copy that begins with a line of the cache: vectors across two lines cost twice as much."""
    made = aligned_zeros(values.shape, values.dtype)
    made[:] = values
    return made


AT_ONCE = 1 << 16  # synapses that are looked at together: in the second cache
LONGEST_WHEEL = 4096  # slots
_EVENT = ("source", "emitted", "next_group", "link", "row", "done")

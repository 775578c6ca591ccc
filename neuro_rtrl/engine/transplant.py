"""The influence matrix of a lane, moved into the storage of another wiring.

A parameter that is gone takes its column with it: out of every row, its own block, and every
sensitivity under way. A new one starts with nothing, and gets a column when its unit next emits an
event; columns are numbered afresh, so the numbers of those that are gone are used again. States and
events under way stay as they are: sources keep their groups (`Projection.spread`), so what arrives
later goes through the synapses that there are then.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.contracts_rewiring import Moved
from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.storage import grow_columns, make_rows
from neuro_rtrl.kernels.layout import DEFERRED, ENTRIES_NOW, STEP, Mask, Rows, Run
from neuro_rtrl.kernels.transplant import move_events, move_rows, settle_rows


def transplant(
    run: Run, before: Built, mask: Mask, rows: Rows, built: Built, new_mask: Mask, moved: Moved
) -> Rows:
    """The rows of `before`, `mask`, `rows` for the wiring of `built`, `new_mask`."""
    settle_rows(before.units, mask, run, rows)
    new = make_rows(built, new_mask, str(rows.P.dtype))
    block, column, live = _columns(built, mask, rows, new_mask, new, moved)
    new = grow_columns(built, new_mask, new, live)
    new.live[:] = live
    new = _with_events(new, rows)
    _own(before, mask, rows, built, new_mask, new, moved)
    scratch = np.full(new_mask.columns.size + 1, -1, np.int64)
    move_rows(built.units, mask, rows, new_mask, new, block, column, scratch)
    used = np.ones(rows.q_free.size, np.uint8)
    used[rows.q_free[: rows.q_count[0]]] = 0
    move_events(mask, rows, new, used, block, column)
    last = run.clock[STEP] - 1
    new.at[:], new.own_step[:], new.settled[:] = last, last, -1
    new.counts[:], new.theta[:], new.theta_open[:] = rows.counts, rows.theta, rows.theta_open
    d = built.units.d[built.units.population]
    new.counts[ENTRIES_NOW] = int((new.length * np.repeat(d, np.diff(new_mask.segment))).sum())
    return new


def _columns(
    built: Built, mask: Mask, rows: Rows, new_mask: Mask, new: Rows, moved: Moved
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where each old column goes: (block, column, columns in use of each new block)."""
    size = int(mask.column_at[-1])
    block, column = np.full(size, -1, np.int64), np.full(size, -1, np.int64)
    places = mask.column_at[:-1]
    inside = np.arange(size) - np.repeat(places, mask.columns)
    used = np.flatnonzero(inside < np.repeat(rows.live, mask.columns))
    parameter = moved.new[rows.parameter[used]]
    used, parameter = used[parameter >= 0], parameter[parameter >= 0]
    into = new_mask.block[unit_of(built)[parameter]]
    live = np.bincount(into, minlength=new_mask.columns.size).astype(np.int64)
    order = np.argsort(into, kind="stable")
    rank = np.empty(used.size, np.int64)
    rank[order] = np.arange(used.size) - np.repeat(np.cumsum(live) - live, live)
    block[used], column[used] = into, rank
    new.column[parameter] = rank
    new.parameter[new_mask.column_at[into] + rank] = parameter
    return block, column, live


def unit_of(built: Built) -> np.ndarray:
    """(parameters,) the unit on which each acts directly."""
    unit = np.zeros(built.values.size, np.int64)
    unit[: built.wires.target.size] = built.wires.target
    for at, population in zip(built.plan.at_theta, built.plan.populations, strict=True):
        count = population.n * len(population.learn)
        first = built.plan.first[population.name]
        unit[at : at + count] = first + np.arange(count) % population.n
    return unit


def _with_events(new: Rows, rows: Rows) -> Rows:
    """Room for as many sensitivities as there was; the rows of events keep their numbers."""
    events, width = rows.q_free.size, int(new.at_q[-1])
    return new._replace(
        Q=np.zeros(events * width, rows.Q.dtype),
        q_length=np.zeros((events, new.live.size), np.int64),
        q_free=rows.q_free.copy(),
        q_count=rows.q_count.copy(),
    )


def _own(
    before: Built, mask: Mask, rows: Rows, built: Built, new_mask: Mask, new: Rows, moved: Moved
) -> None:
    """Own blocks, which own parameters are alive, and which wait for a column."""
    units = built.units
    slot = np.full(built.values.size, -1, np.int64)
    slot[new_mask.own_parameter] = np.arange(new_mask.own_parameter.size)
    renumbered = moved.new[mask.own_parameter]
    place = np.flatnonzero(renumbered >= 0)
    there = slot[renumbered[place]]
    k = before.wires.target[mask.own_parameter[place]]
    states = units.d[units.population[k]]
    size, new_size = np.diff(mask.own)[k], np.diff(new_mask.own)[k]
    for v in range(int(states.max(initial=0))):
        has = states > v
        at = mask.own_at[k] + v * size + place - mask.own[k]
        into = new_mask.own_at[k] + v * new_size + there - new_mask.own[k]
        new.own[into[has]] = rows.own[at[has]]
    new.alive[there] = rows.alive[place]
    unit = np.repeat(np.arange(rows.fresh_count.size), rows.fresh_count)
    rank = np.arange(unit.size) - np.repeat(
        np.cumsum(rows.fresh_count) - rows.fresh_count, rows.fresh_count
    )
    waiting = moved.new[rows.fresh[mask.own[unit] + rank]]
    unit, waiting = unit[waiting >= 0], waiting[waiting >= 0]
    count = np.bincount(unit, minlength=rows.fresh_count.size)
    rank = np.arange(unit.size) - np.repeat(np.cumsum(count) - count, count)
    new.fresh[new_mask.own[unit] + rank] = waiting
    new.fresh_count[:] = count


def recollect(run: Run, before: Built, built: Built, moved: Moved) -> None:
    """What has been collected for the next update of map models, through the wiring of now.

    Only what comes and goes is changed: survivors keep what they brought.
    """
    for i in range(int(run.clock[DEFERRED])):
        event, group = run.deferred[:, i]
        y = run.value[event]
        for one, is_other, values, sign in (
            (before, moved.new < 0, moved.before, -1.0),
            (built, moved.old < 0, built.values, 1.0),
        ):
            wires, units = one.wires, one.units
            synapse = np.arange(wires.first[group], wires.first[group + 1])
            synapse = synapse[is_other[synapse]]
            k = wires.target[synapse]
            p = units.population[k]
            place = units.at_a[p] + wires.variable[synapse] * units.size[p] + k - units.first[p]
            np.add.at(run.a, place, sign * wires.gain[synapse] * values[synapse] * y)

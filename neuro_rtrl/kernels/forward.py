"""One step of the simulation, phase by phase, in Brian2's order.

    inject   external events; those for inputs of map models are collected at once
    begin    noise, and which units are refractory (begin.py)
    update   h <- Phi(h, a)
    test     threshold: s, y (and their sensitivities), list of units with an event
    deliver  groups due in this step add gain w y to states, or to inputs for the next update
    reset    h <- R(h)

A rule composes its own step from these phases and its own work between them.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.delivery import deliver_group
from neuro_rtrl.kernels.invoke import at, invoke
from neuro_rtrl.kernels.jit import inline, jit
from neuro_rtrl.kernels.layout import (
    ARRIVED,
    DEFERRED,
    DONE,
    EVENT,
    FIRED,
    FLOW,
    FREE,
    JACOBIAN,
    LIVE,
    LOOK,
    RESET,
    SENSITIVE,
    SPIKE,
    SPIKES,
    STEP,
    UNIT_STEPS,
    Run,
    Units,
    Wires,
)
from neuro_rtrl.kernels.queue import new_event, schedule, take_slot
from neuro_rtrl.kernels.wide import list_flags


@inline
def release_done(run: Run) -> None:
    """Events whose last group was delivered in the step before can be used again."""
    for i in range(run.clock[DONE]):
        run.free[run.clock[FREE]] = run.done[i]
        run.clock[FREE] += 1
    run.clock[DONE] = 0


@inline
def inject(
    units: Units, wires: Wires, values: np.ndarray, run: Run, index: np.ndarray, value: np.ndarray
) -> None:
    """External events of this step: input `index[i]` with `value[i]`."""
    n = units.population.shape[0]
    for i in range(index.shape[0]):
        source = n + index[i]
        event = new_event(run, source, value[i], -1, wires.group[source])
        last = wires.group[source + 1]
        while run.next_group[event] < last and wires.delay[run.next_group[event]] < 0:
            deliver_group(wires, values, run, event, run.next_group[event])
            run.next_group[event] += 1
        schedule(wires, run, event)


@jit
def jacobians(units: Units, values: np.ndarray, run: Run) -> None:
    """D, F, U of the update to come, for populations that need them at every step."""
    for p in range(units.first.shape[0]):
        if units.eager[p]:
            invoke(
                units.call[p, JACOBIAN],
                (
                    units.size[p],
                    at(run.h, units.at_h[p]),
                    at(run.a, units.at_a[p]),
                    at(units.c, units.at_c[p]),
                    at(values, units.at_theta[p]),
                    at(run.held, units.first[p]),
                    at(run.D, units.at_dd[p]),
                    at(run.F, units.at_df[p]),
                    at(run.U, units.at_dm[p]),
                ),
            )


@inline
def update(units: Units, values: np.ndarray, run: Run) -> None:
    """h <- Phi(h, a); a <- 0."""
    for p in range(units.first.shape[0]):
        invoke(
            units.call[p, FLOW],
            (
                units.size[p],
                at(run.h, units.at_h[p]),
                at(run.a, units.at_a[p]),
                at(units.c, units.at_c[p]),
                at(values, units.at_theta[p]),
                at(run.held, units.first[p]),
            ),
        )


@inline
def test_spikes(units: Units, values: np.ndarray, run: Run) -> None:
    """s = H(g), y; `live` lists the units that spike."""
    count = 0
    for p in range(units.first.shape[0]):
        if not units.spiking[p]:
            continue
        first = units.first[p]
        invoke(
            units.call[p, SPIKE],
            (
                units.size[p],
                at(run.h, units.at_h[p]),
                at(run.a, units.at_a[p]),
                at(units.c, units.at_c[p]),
                at(values, units.at_theta[p]),
                at(run.held, first),
                at(run.s, first),
                at(run.y, first),
            ),
        )
        for k in range(first, first + units.size[p]):
            if run.s[k]:
                run.live[count] = run.fired[count] = k
                count += 1
        run.counts[UNIT_STEPS] += units.size[p]
    run.counts[SPIKES] += count
    run.clock[LIVE] = run.clock[FIRED] = count


@inline
def test_events(units: Units, values: np.ndarray, run: Run) -> None:
    """`live` <- units that spike or whose psi is not zero; s, y and sensitivities of these only.

    `fired` <- those that spike: who asks each live unit is often wrong about what comes next.

    Whoever is far from its threshold costs a look. Its y and sensitivities are what they were when
    it was live last.
    """
    count = fired = 0
    for p in range(units.first.shape[0]):
        if not units.spiking[p]:
            continue
        first, size = units.first[p], units.size[p]
        h, a, s = at(run.h, units.at_h[p]), at(run.a, units.at_a[p]), at(run.s, first)
        c, theta = at(units.c, units.at_c[p]), at(values, units.at_theta[p])
        held = at(run.held, first)
        invoke(units.call[p, LOOK], (size, h, a, c, theta, held, s))
        seen = list_flags(run.s, first, first + size, run.live, count)
        invoke(
            units.call[p, EVENT],
            (
                seen - count, at(run.live, count), first, size, h, a, c, theta, held, s,
                at(run.y, first), at(run.ds, units.at_h[p]), at(run.dy, units.at_h[p]),
                at(run.dst, units.at_m[p]), at(run.dyt, units.at_m[p]),
            ),
        )  # fmt: skip
        count, fired = _keep_live(units, run, p, count, seen, fired)
        run.counts[UNIT_STEPS] += size
    run.counts[SPIKES] += fired
    run.clock[LIVE], run.clock[FIRED] = count, fired


@inline
def _keep_live(
    units: Units, run: Run, p: int, count: int, seen: int, fired: int
) -> tuple[int, int]:
    """Of the units in `live` from `count` to `seen`, those that are; the ends of both lists."""
    d = units.d[p]
    for i in range(count, seen):
        k, sensitive = run.live[i], 0
        start = units.at_h[p] + (k - units.first[p]) * d
        for v in range(start, start + d):
            sensitive |= (run.dy[v] != 0.0) | (run.ds[v] != 0.0)
        spike = int(run.s[k])
        run.counts[SENSITIVE] += sensitive
        run.live[count] = run.fired[fired] = k
        count += sensitive | spike
        fired += spike
    return count, fired


@inline
def mark_spikes(units: Units, run: Run) -> None:
    """From its spike on a unit is refractory: it is blind to the arrivals of this very step."""
    for i in range(run.clock[FIRED]):
        k = run.fired[i]
        if units.refractory[units.population[k]]:
            run.held[k] = 1


@inline
def remember_spikes(run: Run) -> None:
    """The step of each spike; at the end of the step, since rows catch up by the spike before."""
    for i in range(run.clock[FIRED]):
        run.last[run.fired[i]] = run.clock[STEP]


@inline
def emit_spikes(wires: Wires, run: Run) -> None:
    """An event without sensitivity for each unit that spikes."""
    for i in range(run.clock[FIRED]):
        k = run.fired[i]
        event = new_event(run, k, run.y[k], -1, wires.group[k])
        schedule(wires, run, event)


@inline
def deliver(units: Units, wires: Wires, values: np.ndarray, run: Run) -> None:
    """All groups due in this step."""
    event = take_slot(wires, run)
    while event >= 0:
        following = run.link[event]
        step = run.clock[STEP] - run.emitted[event]
        last = wires.group[run.source[event] + 1]
        while run.next_group[event] < last and wires.delay[run.next_group[event]] == step:
            deliver_group(wires, values, run, event, run.next_group[event])
            run.next_group[event] += 1
        schedule(wires, run, event)
        event = following


@jit
def reset_parts(units: Units, values: np.ndarray, run: Run, k: int) -> None:
    """R, dR/dh, dR/dtheta of unit k at its present state, one after the other in `work`."""
    p = units.population[k]
    d = units.d[p]
    invoke(
        units.call[p, RESET],
        (
            k - units.first[p],
            units.size[p],
            at(run.h, units.at_h[p]),
            at(units.c, units.at_c[p]),
            at(values, units.at_theta[p]),
            at(run.work, 0),
            at(run.work, d),
            at(run.work, d + d * d),
        ),
    )


@inline
def apply_reset(units: Units, run: Run, k: int) -> None:
    """h <- R, as `reset_parts` left it in `work`."""
    p = units.population[k]
    for v in range(units.d[p]):
        run.h[units.at_h[p] + v * units.size[p] + k - units.first[p]] = run.work[v]


@inline
def reset_spikes(units: Units, values: np.ndarray, run: Run) -> None:
    """The reset of every unit that spiked."""
    for i in range(run.clock[FIRED]):
        k = run.fired[i]
        if units.resets[units.population[k]]:
            reset_parts(units, values, run, k)
            apply_reset(units, run, k)


@jit
def restart(units: Units, run: Run) -> None:
    """Back to the initial state at step 0."""
    for i in range(run.h.shape[0]):
        run.h[i] = units.initial[i]
    run.a[:] = 0.0
    run.y[:] = 0.0
    run.s[:] = 0
    run.held[:] = 0
    run.last[:] = -(2**60)
    run.clock[STEP] = 0
    run.clock[ARRIVED] = 0
    run.clock[DEFERRED] = 0
    run.clock[LIVE] = run.clock[FIRED] = 0

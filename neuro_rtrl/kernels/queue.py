"""The event queue: a calendar by arrival step.

An event has one group of synapses due next, so one link is enough: it stands in the list of the
slot in which that group is due, and moves on to the slot of its next group when that was delivered.
Lists are first in, first out: the order of summation is fixed.
"""

from __future__ import annotations

from neuro_rtrl.kernels.jit import inline, jit
from neuro_rtrl.kernels.layout import DONE, FREE, STEP, Run, Wires


@inline
def new_event(run: Run, source: int, value: float, row: int, group: int) -> int:
    """Take an event from the free list; its first group to be delivered is `group`."""
    run.clock[FREE] -= 1
    event = run.free[run.clock[FREE]]
    run.source[event] = source
    run.value[event] = value
    run.emitted[event] = run.clock[STEP]
    run.next_group[event] = group
    run.row[event] = row
    return event


@inline
def schedule(wires: Wires, run: Run, event: int) -> None:
    """Put the event where its next group is due; without one it is done."""
    group = run.next_group[event]
    if group >= wires.group[run.source[event] + 1]:
        run.done[run.clock[DONE]] = event
        run.clock[DONE] += 1
        return
    slot = (run.emitted[event] + wires.delay[group]) % wires.ring[0]
    run.link[event] = -1
    if run.head[slot] < 0:
        run.head[slot] = event
    else:
        run.link[run.tail[slot]] = event
    run.tail[slot] = event


@inline
def take_slot(wires: Wires, run: Run) -> int:
    """First event due in this step (the rest are linked to it); the slot is emptied."""
    slot = run.clock[STEP] % wires.ring[0]
    first = run.head[slot]
    run.head[slot] = -1
    return first


@jit
def clear_queue(run: Run) -> None:
    """No event under way."""
    run.head[:] = -1
    size = run.free.shape[0]
    for i in range(size):
        run.free[i] = size - 1 - i
    run.clock[FREE] = size
    run.clock[DONE] = 0

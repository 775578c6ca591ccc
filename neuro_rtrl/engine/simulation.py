"""Simulation without learning, and what it records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neuro_rtrl.engine import stream
from neuro_rtrl.engine.build import Built, build
from neuro_rtrl.engine.course import make_cells, make_course, make_fan
from neuro_rtrl.engine.spikes import Spikes
from neuro_rtrl.engine.stream import events_of, numbers, traced_places
from neuro_rtrl.errors import DescriptionError, SimulationError, unknown
from neuro_rtrl.kernels.cells import Course, Tape
from neuro_rtrl.kernels.fast import run as kernel
from neuro_rtrl.kernels.layout import FINISHED, NOT_FINITE, RECORD_FULL, RECORDED, STEP, Run
from neuro_rtrl.kernels.stream import Stream
from neuro_rtrl.network.describe import Network


@dataclass
class Recording:
    """What a run left behind.

    Attributes:
        spikes: population -> `Spikes` with Brian2's names: `.t` (seconds), `.i`, `.spike_trains()`.
        states: "population.state" -> (units, steps), each step before its update (as Brian2).
        predictions: (steps, outputs), the readouts at the end of each step.
    """

    spikes: dict[str, Spikes]
    states: dict[str, np.ndarray]
    predictions: np.ndarray
    dt: float
    steps: int
    extras: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, population: str) -> Spikes:
        """Spikes of one population."""
        if population not in self.spikes:
            raise unknown("population", population, self.spikes)
        return self.spikes[population]


class SpikeBuffer:
    """Spikes from the kernel's small buffer, collected block by block."""

    def __init__(self, built: Built) -> None:
        self.built = built
        self._steps: list[np.ndarray] = []
        self._units: list[np.ndarray] = []

    def take(self, run: Run | Course, stream: Stream | Tape) -> None:
        """Empty the kernel's buffer."""
        count = int(run.clock[RECORDED])
        if count == 0:
            return
        self._steps.append(stream.event_step[:count].copy())
        self._units.append(stream.event_unit[:count].copy())
        run.clock[RECORDED] = 0

    def spikes(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Population -> (steps, units within it), in order of time."""
        steps = np.concatenate([np.zeros(0, np.int64), *self._steps])
        units = np.concatenate([np.zeros(0, np.int64), *self._units])
        made = {}
        for i, population in enumerate(self.built.plan.populations):
            if not self.built.units.spiking[i]:
                continue
            first = int(self.built.units.first[i])
            chosen = (units >= first) & (units < first + population.n)
            made[population.name] = (steps[chosen], units[chosen] - first)
        return made


def simulate(
    net: Network, inputs: Any = None, *, steps: int | None = None, record: Sequence[str] = ()
) -> Recording:
    """Run a network without learning.

    Args:
        net: the network.
        inputs: (steps, inputs); non-zero entries are events of that value. None: no events.
        steps: number of steps; not needed where `inputs` says it.
        record: states to keep, as "population.state".

    Raises:
        DescriptionError: wrong shape or unknown name.
        SimulationError: a state is not finite.

    >>> net = Network(dt="1 ms")
    >>> x, unit = net.inputs(1), net.neurons(1, "lif", name="unit")
    >>> synapse = net.connect(x, unit, weights=2.0)
    >>> simulate(net, [[1.0], [0.0], [0.0]])["unit"].step
    array([1])
    """
    built = build(net, learn=False)
    array = _inputs(inputs, steps, sum(p.n for p in built.plan.inputs))
    places = traced_places(built, record)
    cells, fan = make_cells(built), make_fan(built)
    course = make_course(built, cells, fan)
    traced = np.concatenate([np.zeros(0, np.int64), *places.values()])
    tape, buffer = make_tape(built, array, traced), SpikeBuffer(built)
    while (answer := kernel(cells, fan, course, tape)) == RECORD_FULL:
        buffer.take(course, tape)
    buffer.take(course, tape)
    if answer == NOT_FINITE:
        raise not_finite(built, course)
    if answer != FINISHED:
        raise SimulationError("the kernel stopped", given=answer, expected="a finished run")
    cuts = np.cumsum([p.size for p in places.values()])[:-1]
    traces = np.split(tape.trace.T, cuts) if places else []
    spikes = {
        name: Spikes(steps, units, net.populations[name].n, net.dt)
        for name, (steps, units) in buffer.spikes().items()
    }
    states = dict(zip(places, traces, strict=True))
    return Recording(spikes, states, tape.predictions, net.dt, len(array))


def make_tape(built: Built, inputs: np.ndarray, traced: np.ndarray) -> Tape:
    """The stream of one call: inputs (steps, inputs), and room for what is recorded."""
    pointer, index, value = events_of(inputs[None])
    outputs, states = built.outputs
    kind, steps = built.units.population[outputs], len(inputs)
    inside = states * built.units.size[kind] + outputs - built.units.first[kind]
    # The kernel stops for lack of room when not every unit could spike once more.
    records = min(stream.RECORD_EVENTS, steps * built.plan.n) + built.plan.n
    return Tape(
        begin=np.array([0, steps]),
        pointer=pointer,
        input=index,
        value=value,
        outputs=built.units.at_h[kind] + inside,
        predictions=np.zeros((steps, outputs.size)),
        event_step=np.zeros(records, np.int64),
        event_unit=np.zeros(records, np.int64),
        traced=traced,
        every=np.ones(1, np.int64),
        trace=np.zeros((steps, traced.size)),
    )


def _inputs(inputs: Any, steps: int | None, width: int) -> np.ndarray:
    """(steps, width); silent where only the number of steps is given."""
    if inputs is not None:
        return numbers(inputs, (steps, width), "inputs")
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 0:
        raise DescriptionError(
            "neither inputs nor a number of steps",
            where="steps",
            given=repr(steps),
            expected="a whole number from 0, or inputs (steps, inputs)",
        )
    return np.zeros((int(steps), width))


def not_finite(built: Built, run: Run | Course) -> SimulationError:
    """The error for a state that is NaN or infinite: which unit, which variable, when."""
    place = int(np.flatnonzero(~np.isfinite(run.h))[0])
    i = int(np.searchsorted(built.units.at_h, place, side="right")) - 1
    population = built.plan.populations[i]
    variable, unit = divmod(place - int(built.units.at_h[i]), population.n)
    state = population.model.states[variable].name if population.model is not None else "?"
    return SimulationError(
        "a state is not finite",
        where=f"{population.name}.{state}, unit {unit}, step {run.clock[STEP]} or shortly before",
        given=run.h[place],
        expected="finite numbers",
        remedy="Look for weights that are too large, or a time step too long for the method.",
    )

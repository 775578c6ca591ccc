"""Simulation without learning, and what it records."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neuro_rtrl.engine.build import Built, build
from neuro_rtrl.engine.course import forget_synapses
from neuro_rtrl.engine.plasticity import Synapses
from neuro_rtrl.engine.recording import Recording
from neuro_rtrl.engine.shares import Shares
from neuro_rtrl.engine.spike_buffer import SpikeBuffer
from neuro_rtrl.engine.spikes import Spikes
from neuro_rtrl.engine.tape import Record, inputs_of, make_tape, monitored
from neuro_rtrl.engine.threads import threads as process_threads
from neuro_rtrl.errors import SimulationError
from neuro_rtrl.kernels.cells import Course, Tape
from neuro_rtrl.kernels.layout import FINISHED, NOT_FINITE, STEP, Run
from neuro_rtrl.network.arguments import within
from neuro_rtrl.network.describe import Network

if TYPE_CHECKING:
    from neuro_rtrl.engine.recorder import Recorder
    from neuro_rtrl.engine.run_file import RunFile


class Simulation:
    """A network that runs without learning; each call of `run` or `record` goes on from the last.

    >>> net = Network(dt="1 ms")
    >>> unit = net.neurons(2, "lif", name="unit", bias=[0.0, 2.0], tau_m="5 ms")
    >>> simulation = Simulation(net)
    >>> first, second = simulation.run(steps=10), simulation.run(steps=10)
    >>> first["unit"].step, second["unit"].step, second["unit"].i
    (array([3, 7]), array([11, 15, 19]), array([1, 1, 1]))
    """

    def __init__(self, net: Network, threads: int | None = None) -> None:
        """The network at its initial state.

        Args:
            net: the network.
            threads: how many share its units; results are the same bit for bit. None: as many as
                `set_threads` or NEURO_RTRL_THREADS says, 1 if they say nothing.

        Raises:
            DescriptionError: that is no number of threads.
        """
        threads = process_threads() if threads is None else threads
        within(threads, 1, 1024, "threads", whole=True)
        self._built = build(net, learn=False)
        self._shares = Shares(self._built, threads)
        self._plastic = self._shares.plastic
        forget_synapses(self._built)
        self._sizes, self._dt, self._seed = (
            {k: p.n for k, p in net.populations.items()},
            net.dt,
            net.seed,
        )

    @property
    def threads(self) -> int:
        """Threads in use: no more than there are cores; one with noise."""
        return self._shares.threads

    @property
    def step(self) -> int:
        """The number of steps so far."""
        return self._shares.step

    def synapses(self, projection: str) -> Synapses:
        """The present weights and other variables of a plastic projection.

        Raises:
            DescriptionError: there is no such projection, or its weights stay as they are.

        >>> net = Network(dt="1 ms")
        >>> x, unit = net.inputs(1, name="x"), net.neurons(1, "lif", name="unit")
        >>> _ = net.connect(x, unit, weights=0.5, plasticity={"name": "short_term", "U": 0.2})
        >>> simulation = Simulation(net)
        >>> _ = simulation.run([[1.0]])
        >>> simulation.synapses("x_unit").w, simulation.synapses("x_unit")["x"]
        (array([0.5]), array([0.8]))
        """
        return self._plastic.synapses(projection, self.step - 1)

    def run(
        self,
        inputs: Any = None,
        *,
        steps: int | None = None,
        record: Record = (),
        every: int = 1,
    ) -> Recording:
        """Go on for some steps, and keep what they gave in memory.

        Args:
            inputs: (steps, inputs); non-zero entries are events of that value. None: no events.
            steps: number of steps; not needed where `inputs` says it.
            record: states to keep: names "population.state" (or "projection.w" where it is
                plastic), or name -> numbers of the units (synapses).
            every: states are kept at each step that is a multiple of it.

        Raises:
            DescriptionError: wrong shape, unknown name, or a unit that does not exist.
            BuildError: more steps than memory holds.
            SimulationError: a state is not finite.
        """
        array = inputs_of(inputs, steps, sum(p.n for p in self._built.plan.inputs))
        places = monitored(self._built, record, self._plastic.monitored)
        spikes, tape = self._advance(array, places, every)
        cuts = np.cumsum([p.size for p in places.values()])[:-1]
        traces = np.split(tape.trace.T, cuts) if places else []
        n, dt = self._sizes, self._dt
        return Recording(
            {name: Spikes(when, units, n[name], dt) for name, (when, units) in spikes.items()},
            dict(zip(places, traces, strict=True)),
            tape.predictions,
            dt,
            len(array),
            first=int(tape.begin[0]),
            every=every,
        )

    def record(
        self,
        path: str | Path,
        inputs: Any = None,
        *,
        steps: int | None = None,
        record: Record = (),
        every: int = 1,
        block: int = 1024,
    ) -> RunFile:
        """Go on for some steps, and stream what they give to a new HDF5 file, block by block.

        Memory does not grow with the number of steps. What was written before an error stays
        readable; `complete` of the file is then 0.

        Args:
            path: the file to make.
            inputs, steps, record, every: as for `run`.
            block: steps from one write to the next.

        Raises:
            DescriptionError, SimulationError: as for `run`.
            RunFileError: the file exists, or cannot be written.
        """
        # h5py takes long to import, and most simulations do without.
        from neuro_rtrl.engine.run_file import open_run

        width = sum(p.n for p in self._built.plan.inputs)
        # Silence needs no array: a row of no inputs stands for each step.
        array = inputs_of(inputs, steps, width if inputs is not None else 0)
        places = monitored(self._built, record, self._plastic.monitored)
        with self._recorder(path, record, places) as recorder:
            for low in range(0, len(array), block):
                spikes, tape = self._advance(array[low : low + block], places, every)
                for name, (when, units) in spikes.items():
                    recorder.spikes(name, when, units)
                rows = -(-tape.begin[0] // every) * every + every * np.arange(len(tape.trace))
                at = 0
                for name, chosen in places.items():
                    recorder.state(name, rows, tape.trace[:, at : at + chosen.size])
                    at += chosen.size
        return open_run(path)

    def _recorder(
        self, path: str | Path, record: Record, places: dict[str, np.ndarray]
    ) -> Recorder:
        from neuro_rtrl.engine.provenance import collect
        from neuro_rtrl.engine.recorder import Recorder

        units = self._built.units
        spiking = [
            p
            for p, s in zip(self._built.plan.populations, units.spiking, strict=True)
            if s  # only they have spikes
        ]
        subsets = record if isinstance(record, Mapping) else {}
        chosen = {k: np.asarray(subsets.get(k, np.arange(v.size))) for k, v in places.items()}
        return Recorder(
            path,
            provenance=collect(self._seed),
            populations={p.name: p.n for p in spiking},
            states=chosen,
            dt=self._dt,
        )

    def _advance(
        self, inputs: np.ndarray, places: dict[str, np.ndarray], every: int
    ) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], Tape]:
        """Spikes, and the tape with the rest."""
        built = self._built
        traced = np.concatenate([np.zeros(0, np.int64), *places.values()])
        tape = make_tape(built, inputs, traced, begin=self.step, every=every)
        buffer = SpikeBuffer(built)
        answer = self._shares.run(tape, buffer.take)
        if answer == NOT_FINITE:
            raise not_finite(built, self._shares.course)
        if answer != FINISHED:
            raise SimulationError("the kernel stopped", given=answer, expected="a finished run")
        self._plastic.check()
        return buffer.spikes(), tape


def simulate(
    net: Network,
    inputs: Any = None,
    *,
    steps: int | None = None,
    record: Record = (),
    every: int = 1,
    threads: int | None = None,
) -> Recording:
    """Run a network without learning, from its initial state.

    Args:
        net: the network.
        inputs: (steps, inputs); non-zero entries are events of that value. None: no events.
        steps: number of steps; not needed where `inputs` says it.
        record: states to keep: names "population.state", or name -> numbers of the units.
        every: states are kept at each step that is a multiple of it.
        threads: how many share the units; results are the same bit for bit. None: as
            `set_threads` says.

    Raises:
        DescriptionError: wrong shape, unknown name, or a unit that does not exist.
        SimulationError: a state is not finite.

    >>> net = Network(dt="1 ms")
    >>> x, unit = net.inputs(1), net.neurons(1, "lif", name="unit")
    >>> synapse = net.connect(x, unit, weights=2.0)
    >>> simulate(net, [[1.0], [0.0], [0.0]])["unit"].step
    array([1])
    """
    return Simulation(net, threads).run(inputs, steps=steps, record=record, every=every)


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

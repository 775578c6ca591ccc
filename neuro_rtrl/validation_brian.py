"""A described network, run by Brian2: the same texts, parameters, wiring and input.

Brian2 is imported when a network is run. Its global settings (code generation target, default
time step, logging, exception hook) are left as they were found.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuro_rtrl.compile.brian import BrianText, to_brian
from neuro_rtrl.contracts import Model
from neuro_rtrl.engine.noise import noise_of
from neuro_rtrl.equations.evaluate import evaluate
from neuro_rtrl.errors import BuildError, NeuroRtrlError
from neuro_rtrl.network.describe import Network, Population, Projection
from neuro_rtrl.network.plasticity import Plasticity
from neuro_rtrl.validation_brian_synapses import (
    PlasticWire,
    Rewards,
    given_rewards,
    plastic_wire,
    quantities,
    reward_events,
)

REMEDY = 'Install it with: python -m pip install "neuro_rtrl[brian2]"'


@dataclass(frozen=True)
class Run:
    """What a network did.

    Attributes:
        spikes: population -> (steps, units), two integer arrays in order of time.
        states: "population.state" -> (units, steps) at the start of each step, in SI units.
    """

    spikes: dict[str, tuple[np.ndarray, np.ndarray]]
    states: dict[str, np.ndarray]


def import_brian() -> Any:
    """The module `brian2`.

    Raises:
        NeuroRtrlError: it is not installed, or it cannot be imported with this numpy.
    """
    hook = sys.excepthook
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import brian2
    except Exception as error:  # an old Brian2 fails with AttributeError on a new numpy
        missing = isinstance(error, ModuleNotFoundError) and error.name == "brian2"
        raise NeuroRtrlError(
            "Brian2 is not installed" if missing else "Brian2 cannot be imported",
            where="validate",
            given=f"{type(error).__name__}: {error} (numpy {np.__version__})",
            expected="Brian2 and a numpy that it works with",
            remedy=REMEDY,
        ) from error
    finally:
        sys.excepthook = hook  # Brian2 would announce every later error as a bug of its own
    return brian2


def run_in_brian(net: Network, inputs: np.ndarray, record: Sequence[str] = ()) -> Run:
    """Run a network of differential equations in Brian2, with its NumPy code generation.

    Args:
        net: the network; at a synapse of delay 0 an event acts in its own step.
        inputs: (steps, inputs) of 0 and 1, the input populations side by side.
        record: states to record, as in "hidden.v".

    Raises:
        BuildError: the network has a map model, or the inputs are not spikes.
        NeuroRtrlError: Brian2 cannot be imported.
    """
    b = import_brian()
    inputs = _spikes_only(net, np.asarray(inputs))
    with _settings(b, net.dt):
        parts = _Parts(b, net, noise_of(net, len(inputs)) if _is_random(net) else {})
        parts.sources(inputs)
        parts.rewards = given_rewards(b, net, inputs)
        parts.groups()
        parts.synapses()
        parts.monitors(record)
        # Half a step less than the end, so that no rounding error adds a step.
        parts.network().run((len(inputs) - 0.5) * net.dt * b.second, namespace={})
        return parts.results()


def refractory_steps(population: Population, dt: float) -> np.ndarray:
    """Refractory periods in steps, shape () or (n,), rounded as Brian2's `timestep` does."""
    model = population.model
    if model is None or model.refractory is None:
        return np.zeros((), dtype=np.int64)
    seconds = np.asarray(evaluate(model.refractory, population.parameters), dtype=float)
    return np.floor(seconds / dt + 1e-3).astype(np.int64)


def input_spikes(net: Network, inputs: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Input population -> (steps, units) of its non-zero entries.

    >>> net = Network()
    >>> x, z = net.inputs(2, name="x"), net.inputs(1, name="z")
    >>> steps, units = input_spikes(net, np.array([[0, 0, 1], [0, 1, 0]]))["x"]
    >>> steps.tolist(), units.tolist()
    ([1], [1])
    """
    made, first = {}, 0
    for population in net.populations.values():
        if population.model is None:
            steps, units = np.nonzero(inputs[:, first : first + population.n])
            made[population.name] = (steps, units)
            first += population.n
    return made


def _spikes_only(net: Network, inputs: np.ndarray) -> np.ndarray:
    """The inputs, where those that send through synapses send spikes; rewards have values."""
    projections = net.projections.values()
    givers = {p.plasticity.modulator for p in projections if p.plasticity is not None}
    givers -= {p.source for p in projections}
    populations = [p for p in net.populations.values() if p.model is None]
    silent = np.repeat([p in givers for p in populations], [p.n for p in populations])
    if not np.isin(inputs[:, ~silent.astype(bool)], (0, 1)).all():
        raise BuildError(
            "Brian2 is given spikes, not values",
            where="inputs",
            given="other numbers than 0 and 1",
            expected="0 or 1 at every step",
        )
    return inputs


def _is_random(net: Network) -> bool:
    return any(p.model is not None and p.model.noise for p in net.populations.values())


@contextlib.contextmanager
def _settings(b: Any, dt: float) -> Iterator[None]:
    """NumPy code, our time step and silence, for the time of a run."""
    from brian2.utils.logger import catch_logs

    target, step = b.prefs.codegen.target, b.defaultclock.dt
    with warnings.catch_warnings(), catch_logs():
        warnings.simplefilter("ignore")
        b.prefs.codegen.target = "numpy"
        b.defaultclock.dt = dt * b.second
        try:
            yield
        finally:
            b.prefs.codegen.target = target
            b.defaultclock.dt = step


class _Parts:
    """The Brian2 objects of one network, made population by population."""

    def __init__(self, b: Any, net: Network, noise: dict[str, dict[str, np.ndarray]]) -> None:
        self.b, self.net, self.noise = b, net, noise
        self.made: dict[str, Any] = {}
        self.texts: dict[str, BrianText] = {}
        self.wires: list[Any] = []
        self.spikes: dict[str, Any] = {}
        self.states: dict[str, Any] = {}
        self.rewards: Rewards = {}
        self.plastic: dict[str, PlasticWire] = {}

    def sources(self, inputs: np.ndarray) -> None:
        for name, (steps, units) in input_spikes(self.net, inputs).items():
            times = steps * self.net.dt * self.b.second
            n = self.net.populations[name].n
            self.made[name] = self.b.SpikeGeneratorGroup(n, units, times)

    def groups(self) -> None:
        for population in self.net.populations.values():
            if population.model is not None:
                self.made[population.name] = self._group(population, population.model)

    def _group(self, population: Population, model: Model) -> Any:
        per_unit = [k for k, v in population.parameters.items() if np.ndim(v)]
        held = bool(refractory_steps(population, self.net.dt).any())
        held = held or model.refractory_while is not None
        calls = {channel: f"given_{channel}(t, i)" for channel in model.noise}
        text = to_brian(model, per_unit=per_unit, refractory=held, noise=calls)
        self.texts[population.name] = text
        group = self.b.NeuronGroup(
            population.n,
            text.equations,
            threshold=text.threshold,
            reset=text.reset,
            refractory=text.refractory or False,
            method=text.method,
            events=reward_events(self.net, population),
            namespace=self._shared(population) | self._given(population) | self.rewards,
        )
        own = {k: population.parameters[k] for k in per_unit} | population.initial
        values = {text.names[k]: np.broadcast_to(v, population.n) for k, v in own.items()}
        group.set_states(values, units=False)
        return group

    def _given(self, population: Population) -> dict[str, Any]:
        """Our own draws as arrays of time: both sides follow the same sampled path."""
        made, dt = {}, self.net.dt
        for channel, path in self.noise.get(population.name, {}).items():
            white = channel.startswith("xi")
            values = path / np.sqrt(dt) * self.b.second**-0.5 if white else path
            made[f"given_{channel}"] = self.b.TimedArray(values, dt=dt * self.b.second)
        return made

    def _shared(self, population: Population) -> dict[str, Any]:
        return quantities(self.b, self.texts[population.name], population.parameters)

    def synapses(self) -> None:
        for projection in self.net.projections.values():
            if not projection.pre.size:
                continue
            if projection.plasticity is None:
                self.wires.append(self._wire(projection))
            else:
                made = self._plastic(projection, projection.plasticity)
                self.plastic[projection.name] = made
                self.wires.append(made.group)

    def _plastic(self, projection: Projection, given: Plasticity) -> PlasticWire:
        text = self.texts[projection.target.name]
        ends = self.made[projection.source.name], self.made[projection.target.name]
        shared = self._shared(projection.target) | self.rewards
        arrival = text.on_pre[projection.port.name]
        return plastic_wire(self.b, projection, given, ends, arrival, shared)

    def _wire(self, projection: Projection) -> Any:
        text = self.texts[projection.target.name]
        wire = self.b.Synapses(
            self.made[projection.source.name],
            self.made[projection.target.name],
            text.weights[projection.port.name],
            on_pre=text.on_pre[projection.port.name],
            namespace=self._shared(projection.target),
        )
        wire.connect(i=projection.pre, j=projection.post)
        wire.set_states({"w": projection.weights}, units=False)
        wire.delay = projection.delay * self.net.dt * self.b.second
        return wire

    def monitors(self, record: Sequence[str]) -> None:
        for name, group in self.made.items():
            if name not in self.texts or self.texts[name].threshold is not None:
                self.spikes[name] = self.b.SpikeMonitor(group)
        for key in record:
            name, state = key.split(".")
            wire = self.plastic.get(name)
            group = self.made[name] if wire is None else wire.group
            names = self.texts[name].names if wire is None else wire.names
            self.states[key] = self.b.StateMonitor(group, names[state], record=True)

    def network(self) -> Any:
        parts = [*self.made.values(), *self.wires, *self.spikes.values(), *self.states.values()]
        return self.b.Network(*parts)

    def results(self) -> Run:
        dt = self.net.dt
        spikes = {
            name: (np.rint(np.asarray(m.t) / dt).astype(np.int64), np.array(m.i, dtype=np.int64))
            for name, m in self.spikes.items()
        }
        states = {}
        for key, monitor in self.states.items():
            (theirs,) = monitor.record_variables
            states[key] = np.array(monitor.get_states([theirs], units=False)[theirs]).T
        return Run(spikes, states)

"""Random small networks that are alive, for comparing the engine with its twin.

On a silent network, or with one error over the whole sequence, a comparison passes with a broken
trace. So a case is drawn again until units of every spiking population spike, sometimes rest and
have a surrogate that is not zero, and until every array that learns has a gradient.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

import neuro_rtrl as nr
from neuro_rtrl.contracts import SECOND, Model
from neuro_rtrl.equations.derive import derive
from neuro_rtrl.equations.library import model_files
from neuro_rtrl.equations.model_text import load_model, model_from_text, with_changes
from neuro_rtrl.equations.parser import symbol
from neuro_rtrl.equations.surrogates import SHAPES
from neuro_rtrl.equations.units import unit, unit_name
from neuro_rtrl.errors import NeuroRtrlError
from tests.reference.twin import LOSSES, Twin, twin

DT = 1e-3
WIRINGS = ("recurrent", "layers", "excitation_inhibition", "free")
WINDOWS = ("every", "last", "window", "scattered")
MOST_DRAWS, LARGEST_SCALE = 60, 10.0


@dataclass(frozen=True)
class Case:
    """A network with something to learn, and what the twin says about it."""

    net: nr.Network
    inputs: np.ndarray
    targets: np.ndarray
    loss: str
    twin: Twin


def _influential() -> list[str]:
    """Spiking models; without sources of given or random spikes: they have no influence."""
    models = {name: load_model(name) for name in model_files()}
    return [n for n, m in models.items() if m.threshold is not None and m.surrogate.shape != "none"]


@functools.cache
def shipped(spiking: bool) -> tuple[str, ...]:
    """Names of the shipped models that spike (without `in_volts`), or of those that never do."""
    if spiking:
        return tuple(name for name in _influential() if name not in in_volts())
    return tuple(name for name in model_files() if load_model(name).threshold is None)


@functools.cache
def plain() -> tuple[str, ...]:
    """The spiking models for twins of other rules: these draw no noise.

    Izhikevich's, with numbers of millivolts squared, amplifies rounding beyond their tolerance.
    """
    names = shipped(True)
    return tuple(n for n in names if not load_model(n).noise and n != "izhikevich")


@functools.cache
def in_volts() -> tuple[str, ...]:
    """The spiking models with a membrane in volts, and weights in nA, nS or mV.

    They have cases of their own: together with pure numbers they are hard to bring to life.
    """
    return tuple(name for name in _influential() if load_model(name).states[0].dimension)


def random_case(rng: np.random.Generator, models: tuple[str, ...] | None = None) -> Case:
    """A case that is alive; hidden populations have one of `models`.

    By default these are all that spike, but for those `in_volts`.
    """
    names = shipped(True) if models is None else models
    scale = 1.0
    for _ in range(MOST_DRAWS):
        net = random_network(rng, names, scale)
        inputs = random_inputs(rng, net)
        loss = str(rng.choice(sorted(LOSSES)))
        outputs = sum(p.n for p in net.populations.values() if is_readout(p))
        targets = random_targets(rng, len(inputs), outputs, loss)
        try:
            with np.errstate(over="raise", invalid="raise"):
                found = twin(net, inputs, targets, loss)
        except (OverflowError, FloatingPointError):  # a network that explodes
            scale *= 0.5
            continue
        rate = min(float(s.mean()) for n, s in found.spikes.items() if not is_readout_name(net, n))
        if is_alive(net, found):
            return Case(net, inputs, targets, loss, found)
        scale *= 1.5 if rate < 0.1 else 0.8
        if scale > LARGEST_SCALE:  # not the strength is what was wrong
            scale = 1.0
    raise AssertionError(f"no network alive in {MOST_DRAWS} draws of {names}")


def is_readout(population: Any) -> bool:
    return population.model is not None and population.model.threshold is None


def is_readout_name(net: nr.Network, name: str) -> bool:
    return is_readout(net.populations[name])


def is_alive(net: nr.Network, found: Twin) -> bool:
    """Spikes and live surrogates in every spiking population, a gradient in every array."""
    for name, spikes in found.spikes.items():
        if not is_readout_name(net, name):
            model = net.populations[name].model
            if model is not None and "threshold" not in model.text:
                continue  # a rate unit emits at every step, and has no surrogate
            rested = 0.02 < spikes.mean() < 0.9
            if not rested or not found.live[name].any() or np.isnan(spikes).any():
                return False
    # Far below the largest one, an array is a sum that cancels: its rounding errors are its size.
    sizes = np.array([abs(g).max(initial=0) * s for g, s in _scaled(net, found.gradient)])
    return bool(sizes.size and sizes.max() < 1e3 and sizes.min() > 1e-5 * sizes.max())


def _scaled(net: nr.Network, gradient: dict[str, np.ndarray]) -> list[tuple[np.ndarray, float]]:
    """Each gradient with the size of what it is by: 1, or where it has a unit its own size."""
    made = []
    for name, array in gradient.items():
        population, _, key = name.partition(".")
        if key:
            model = net.populations[population].model
            parameter = model.parameters[key] if model is not None else None
            known = parameter is not None and parameter.dimension not in ((), SECOND)
            own = abs(parameter.value) or unit(parameter.unit)[0] if known and parameter else 1.0
            made.append((array, own))
        else:
            projection = net.projections[name]
            size = abs(projection.weights).max(initial=0) if projection.port.dimension else 1.0
            made.append((array, size))
    return made


def random_network(rng: np.random.Generator, names: tuple[str, ...], scale: float) -> nr.Network:
    """Inputs, one to three hidden populations, one or two readouts."""
    upstroke = any(load_model(name).states[0].dimension for name in names)
    dt = 0.25 * DT if upstroke and len(names) == 1 else DT
    net = nr.Network(dt=dt, seed=int(rng.integers(2**31)))
    wiring = str(rng.choice(WIRINGS))
    count = {"recurrent": 1, "excitation_inhibition": 2}.get(wiring, int(rng.integers(2, 4)))
    x = [net.inputs(int(rng.integers(1, 4)), name=f"x{i}") for i in range(rng.integers(1, 3))]
    hidden = [random_population(rng, net, str(rng.choice(names)), f"h{i}") for i in range(count)]
    model = str(rng.choice(shipped(False)))
    y = [random_population(rng, net, model, f"y{i}", 2) for i in range(rng.integers(1, 3))]
    for source, target, sign in _edges(rng, wiring, x, hidden, y):
        _connect(rng, net, source, target, sign * scale)
    return net


def _edges(
    rng: np.random.Generator, wiring: str, x: list[Any], hidden: list[Any], y: list[Any]
) -> list[tuple[Any, Any, float]]:
    """(source, target, sign of the mean weight; 0: both signs alike)."""
    first, last = hidden[0], hidden[-1]
    edges = [(source, first, 1.0) for source in x]
    if wiring == "layers":
        edges += [(a, b, 1.0) for a, b in itertools.pairwise(hidden)]
        edges += [(h, h, 0.0) for h in hidden if rng.random() < 0.5]
    elif wiring == "excitation_inhibition":
        edges += [(first, first, 0.5), (first, last, 1.0), (last, first, -0.5), (last, last, -0.5)]
    elif wiring == "free":
        edges += [(x[-1], h, 1.0) for h in hidden[1:]]
        edges += [(a, b, 0.0) for a in hidden for b in hidden if a is b or rng.random() < 0.5]
    else:
        edges += [(first, first, 0.0)]
    edges += [(h, y[0], 0.0) for h in hidden if h is last or rng.random() < 0.5]
    return edges + [(last, extra, 0.0) for extra in y[1:]]


def _connect(
    rng: np.random.Generator, net: nr.Network, source: Any, target: Any, strength: float
) -> None:
    """Through one entry of the target or several, with a delay of each kind, sparse or not."""
    ports = list(target.model.ports)
    chosen = [p for p in ports if rng.random() < 0.5] or [str(rng.choice(ports))]
    for port in chosen:
        density = float(rng.choice([1.0, 0.6]))
        made = net.connect(
            source,
            target,
            name=f"{source.name}_{target.name}_{port}",
            density=density,
            port=port,
            learn=bool(rng.random() < 0.85),
        )
        made.weights[:] = rng.normal(0.4 * strength, max(abs(strength), 0.7), made.pre.size)
        made.weights[:] *= natural_size(target.model, port)
        kind = rng.integers(4)
        steps = {0: 0, 1: 1, 2: 3}.get(int(kind), rng.integers(0, 4, made.pre.size))
        made.delay[:] = steps


def natural_size(model: Model, port: str) -> float:
    """What a strong arrival adds to a state or input: a potential by the surrogate's width."""
    entry = model.ports[port]
    tested = model.threshold is not None and symbol(entry.target) in model.threshold.free_symbols
    if tested:
        return max(model.surrogate.width, 0.01) if entry.is_state else 1.0
    return {"amp": 2e-9, "siemens": 1e-7}.get(unit_name(entry.dimension), 1.0)


def random_population(
    rng: np.random.Generator, net: nr.Network, name: str, label: str, most: int = 5
) -> Any:
    """Heterogeneous parameters, either reset, refractory or not, some parameters that learn."""
    model = load_model(name)
    changes = random_changes(rng, model)
    changed = with_changes(model, {k: v for k, v in changes.items() if k != "surrogate"})
    n = int(rng.integers(min(2, most), most + 1))
    candidates = learnable(changed)
    # Of many parameters some have no effect in so few steps.
    learn = [p for p in candidates if rng.random() < min(0.4, 2.0 / len(candidates))]
    initial = {
        s.name: rng.normal(0, 0.3, n)
        for s in model.states
        if not s.dimension and rng.random() < 0.3
    }
    parameters = random_parameters(rng, changed, n)
    return net.neurons(n, model, name=label, learn=learn, initial=initial, **changes, **parameters)


def random_parameters(rng: np.random.Generator, model: Model, n: int) -> dict[str, Any]:
    """One value per unit: times above 0, periods of 0 to 3 steps, others around their default."""
    period = model.refractory.free_symbols if model.refractory is not None else set()
    made: dict[str, Any] = {}
    for name, parameter in model.parameters.items():
        if symbol(name) in period:
            if rng.random() < 0.6:
                made[name] = DT * rng.integers(0, 4, n)
        elif parameter.dimension == SECOND:
            made[name] = parameter.value * rng.uniform(0.3, 1.3, n)
        elif not parameter.dimension:
            made[name] = parameter.value + 0.2 * rng.uniform(-1, 1, n)
    return made


def random_changes(rng: np.random.Generator, model: Model) -> dict[str, Any]:
    """Other lines for a model's text: reset, method, threshold, surrogate."""
    changes: dict[str, Any] = {}
    # The twin walks every expression as a tree: four stages of a long one are out of its reach.
    short = sum(f.count_ops() for f in model.rates.values()) < 12
    if model.kind == "ode" and short and not model.noise and rng.random() < 0.4:
        changes["method"] = str(rng.choice(other_methods(model)))
    if "threshold" not in model.text:
        return changes
    if model.reset and rng.random() < 0.5:
        changes["reset"] = str(rng.choice(other_resets(model)))
    if rng.random() < 0.2:
        some = list(model.reset)[: int(rng.integers(2))]
        changes["reset_gradient"] = some or False
    if rng.random() < 0.2:
        changes["threshold"] = model.text["threshold"].replace(">=", ">").replace(">", ">=")
    if rng.random() < 0.6:
        width = model.surrogate.width * rng.uniform(0.4, 1.2)
        shape = str(rng.choice(sorted({*SHAPES} - {"none"})))
        changes["surrogate"] = {"shape": shape, "width": float(width)}
    return changes


def other_methods(model: Model) -> list[str]:
    """The approximate methods that fit the equations."""
    made = ["euler", "rk4"]
    try:
        derive(with_changes(model, {"method": "exponential_euler"}))
    except NeuroRtrlError:
        return made
    return [*made, "exponential_euler"]


def other_resets(model: Model) -> list[str]:
    """The model's reset, and the same with its first statement to a value or by subtraction."""
    first, *rest = model.text["reset"].split(";")
    state = next(iter(model.reset))
    texts = [first, *(f"{state} {s}" for s in ("-= v_th", "= v_reset", "= 0", f"= 0.3*{state}"))]
    made = []
    for text in texts:
        try:
            made.append(with_changes(model, {"reset": ";".join([text, *rest])}).text["reset"])
        except NeuroRtrlError:
            continue
    return made


def learnable(model: Model) -> list[str]:
    """Parameters that may learn, with this model's method."""
    return list(_learnable(model.source, model.method if model.kind == "ode" else None))


@functools.cache
def _learnable(source: str, method: str | None) -> tuple[str, ...]:
    model = with_changes(model_from_text(source), {"method": method} if method else {})
    found = []
    for name in model.parameters:
        try:
            derive(model, (name,))
        except NeuroRtrlError:
            continue
        found.append(name)
    return tuple(found)


def random_inputs(rng: np.random.Generator, net: nr.Network) -> np.ndarray:
    """(steps, inputs): spikes, or values."""
    n = sum(p.n for p in net.populations.values() if p.model is None)
    steps = int(rng.integers(20, 36))
    spikes = (rng.random((steps, n)) < 0.4).astype(float)
    return spikes if rng.random() < 0.6 else spikes * rng.normal(1, 0.5, (steps, n))


def random_targets(rng: np.random.Generator, steps: int, outputs: int, loss: str) -> np.ndarray:
    """(steps, outputs), NaN outside of the steps with an error."""
    targets = rng.normal(size=(steps, outputs))
    if loss in ("bce", "cross_entropy"):
        targets = np.exp(targets)
        targets /= targets.sum(axis=1, keepdims=True)
    kind, keep = str(rng.choice(WINDOWS)), np.ones(steps, bool)
    if kind == "last":
        keep = np.arange(steps) == steps - 1
    elif kind == "window":
        start = int(rng.integers(steps // 2))
        keep = (np.arange(steps) >= start) & (np.arange(steps) < start + steps // 2)
    elif kind == "scattered":
        keep = rng.random(steps) < 0.3
    targets[~keep] = np.nan
    return targets

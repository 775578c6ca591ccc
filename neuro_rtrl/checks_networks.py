"""Random live networks of one model, for checks of gradients: two populations, loops, delays.

Input weights go up and down a ladder until some units spike and not all of them do.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.contracts import Model, Port
from neuro_rtrl.equations.derive import derive
from neuro_rtrl.equations.units import unit
from neuro_rtrl.errors import BuildError, SimulationError
from neuro_rtrl.learner import Learner
from neuro_rtrl.network.describe import Network

STEPS, INPUTS, SIZES = 60, 6, (6, 5)
GAINS = (1.0, 0.5, 2.0, 0.25, 4.0, 8.0, 0.125, 16.0, 32.0, 100.0, 300.0)


def trial() -> tuple[np.ndarray, np.ndarray]:
    """Inputs (1, steps, inputs) and targets (1, steps, 2) with two gaps."""
    rng = np.random.default_rng(0)
    inputs = (rng.random((1, STEPS, INPUTS)) < 0.3) * rng.uniform(0.5, 1.5, (1, STEPS, INPUTS))
    targets = rng.standard_normal((1, STEPS, 2))
    targets[:, : STEPS // 4] = np.nan
    targets[:, STEPS // 2 : 2 * STEPS // 3] = np.nan
    return inputs, targets


def live_network(model: Model, inputs: np.ndarray) -> Network:
    """The first network, over a ladder of weights, in which some units spike and not all do."""
    chosen: tuple[float, Network] | None = None
    for gain in GAINS:
        net = _network(model, gain)
        if model.threshold is None:
            return net
        try:
            spikes, sensitive = _activity(net, inputs)
        except SimulationError:
            continue
        rate = spikes / (STEPS * sum(SIZES)) if sensitive else 0.0
        distance = abs(rate - 0.2)
        if chosen is None or distance < chosen[0]:
            chosen = (distance, net)
        if 0.05 < rate < 0.5:
            break
    if chosen is None:
        raise BuildError(
            "no live network was found",
            where=model.name,
            given=f"input weights scaled by {min(GAINS):g} to {max(GAINS):g}",
            expected="finite states and some spikes",
        )
    return chosen[1]


def _activity(net: Network, inputs: np.ndarray) -> tuple[int, int]:
    """Spikes, and unit-steps with a surrogate that is not zero."""
    learner = Learner(net, rule="bptt", update="sequence")
    learner.run(inputs, learn=False)
    return learner.ledger.spikes, learner.ledger.sensitive


def _network(model: Model, gain: float) -> Network:
    net = Network(dt="1 ms", seed=1)
    x = net.inputs(INPUTS, name="x")
    learn = _learnable(model)
    if model.threshold is None:
        y = net.neurons(2, model, name="y", learn=learn)
        net.connect(x, y, weights=f"normal(0, {gain})", delay="uniform(0 ms, 3 ms)")
        return net
    hidden = [net.neurons(n, model, name=f"h{i}", learn=learn) for i, n in enumerate(SIZES)]
    y = net.neurons(2, "readout", name="y", learn="bias")
    for port in model.ports.values():
        size = gain * _unit(model, port)
        for target in hidden:
            net.connect(
                x, target, weights=f"normal({0.5 * size}, {size})", port=port.name, density=0.7
            )
            for source in hidden:
                net.connect(
                    source, target, weights=f"normal(0, {0.5 * size})", port=port.name,
                    density=0.5, delay="uniform(0 ms, 3 ms)",
                )  # fmt: skip
    for source in hidden:
        net.connect(source, y, delay="1 ms")
    return net


def _unit(model: Model, port: Port) -> float:
    """The unit in which the model writes what an entry adds to: 1e-9 for nS."""
    units = [s.unit for s in model.states if port.is_state and s.name == port.target]
    return unit(units[0])[0] if units else 1.0


def _learnable(model: Model) -> tuple[str, ...]:
    """Unit parameters that this model can learn with its method: all that `derive` accepts."""
    names: list[str] = []
    for name in model.parameters:
        try:
            derive(model, (*names, name))
        except BuildError:
            continue
        names.append(name)
    return tuple(names)

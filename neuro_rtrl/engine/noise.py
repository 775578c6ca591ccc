"""The sampled path of a network's noise: what its random channels are, step by step."""

from __future__ import annotations

import numpy as np

from neuro_rtrl.engine.build import build
from neuro_rtrl.engine.fresh_run import make_run
from neuro_rtrl.kernels.entry import noise_path
from neuro_rtrl.network.describe import Network


def noise_of(net: Network, steps: int) -> dict[str, dict[str, np.ndarray]]:
    """The numbers that `simulate(net)` draws: population -> channel -> (steps, n).

    "xi..." are standard normal (the noise of a step is this over sqrt(dt)), "rand..." uniform.

    >>> net = Network(seed=1)
    >>> unit = net.neurons(2, "lif_noise", name="unit")
    >>> noise_of(net, 5)["unit"]["xi"].shape
    (5, 2)
    """
    built = build(net)
    run = make_run(built)
    path = np.zeros((steps, run.a.size))
    noise_path(built.units, run, path)
    made: dict[str, dict[str, np.ndarray]] = {}
    for p, population in enumerate(built.plan.populations):
        if population.derived is None:
            continue
        names, n = population.derived.inputs, population.n
        first = int(built.units.at_a[p])
        chosen = [v for v in range(len(names)) if built.units.chance[p, v]]
        made[population.name] = {names[v]: path[:, first + v * n :][:, :n] for v in chosen}
    return made

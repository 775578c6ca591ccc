"""Networks that rules really run: the user's, with other surrogates or with more readouts.

The user's network is left as it is. What is put in has a name that ends in its purpose, does not
learn, has no targets of its own (`Population.auxiliary`), and comes last, so that no random draw of
the network changes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from functools import cache

import numpy as np

from neuro_rtrl.contracts import Model
from neuro_rtrl.equations.derive import derive
from neuro_rtrl.equations.model_text import load_model, model_from_text
from neuro_rtrl.errors import BuildError, unknown
from neuro_rtrl.network.describe import Network, Population

COUNTER = """
equations = "count[t+1] = count : 1"
readout = "count"
[states]
count = { initial = 0, meaning = "spikes so far" }
[synapses]
spike = "count += w"
"""


def copied(net: Network) -> Network:
    """A network of the same populations and projections, to which others can be added."""
    made = Network(net.dt, net.seed)
    made.populations, made.projections = dict(net.populations), dict(net.projections)
    return made


def with_models(net: Network, change: Callable[[Model], Model]) -> Network:
    """A copy whose spiking units have another model (of the same states and entries)."""
    made = copied(net)
    for name, population in net.populations.items():
        if population.model is not None and population.model.threshold is not None:
            model = change(population.model)
            made.populations[name] = dataclasses.replace(
                population, model=model, derived=derive(model, population.learn)
            )
    for name, projection in net.projections.items():
        made.projections[name] = dataclasses.replace(
            projection,
            source=made.populations[projection.source.name],
            target=made.populations[projection.target.name],
        )
    return made


def spiking(net: Network) -> list[Population]:
    """Populations with a threshold."""
    models = [(p, p.model) for p in net.populations.values()]
    return [p for p, m in models if m is not None and m.threshold is not None]


def readouts(net: Network) -> list[Population]:
    """Populations that a loss reads."""
    models = [(p, p.model) for p in net.populations.values()]
    return [p for p, m in models if m is not None and m.readout is not None and not p.auxiliary]


@cache
def _counter() -> Model:
    return model_from_text(COUNTER, name="counter", where="spike counter")


def with_counters(net: Network, names: Iterable[str]) -> Network:
    """A copy with a spike counter for each unit of the named populations.

    Raises:
        DescriptionError: there is no such population; BuildError: it does not spike.
    """
    made, known = copied(net), {p.name for p in spiking(net)}
    for name in names:
        if name not in net.populations:
            raise unknown("population", name, net.populations, where="firing_rate")
        if name not in known:
            raise BuildError(
                "this population has no spikes to count",
                where=f"firing_rate: {name}",
                given="a population without threshold",
                expected=f"one of {', '.join(sorted(known)) or 'none: nothing spikes here'}",
            )
        size = net.populations[name].n
        _add_readout(made, f"{name}_count", size, _counter())
        each = np.arange(size)
        made.connect(name, f"{name}_count", pairs=(each, each), weights=1.0, learn=False)
    return made


def is_counter(population: Population) -> bool:
    """Whether a population counts the spikes of another one."""
    return population.auxiliary and population.model is _counter()


def with_local_readouts(net: Network) -> Network:
    """A copy with fixed random readouts of each spiking population: as many as outputs."""
    made, outputs = copied(net), sum(p.n for p in readouts(net))
    for population in spiking(net):
        _add_readout(made, f"{population.name}_local", outputs, load_model("readout"))
        made.connect(population, f"{population.name}_local", learn=False)
    return made


def with_all_feedback(net: Network) -> Network:
    """A copy in which every spiking unit has a synapse to every readout, if only of weight 0."""
    made = copied(net)
    for source in spiking(net):
        for target in readouts(net):
            missing = np.ones((source.n, target.n), bool)
            for projection in net.projections.values():
                if projection.source is source and projection.target is target:
                    missing[projection.pre, projection.post] = False
            if missing.any():
                pairs, name = np.nonzero(missing), f"{source.name}_{target.name}_feedback"
                made.connect(source, target, pairs=pairs, weights=0.0, learn=False, name=name)
    return made


def _add_readout(net: Network, name: str, n: int, model: Model) -> None:
    net.neurons(n, model, name=name).auxiliary = True

"""What `connect(plasticity=...)` takes: a synapse model, its parameters, and who modulates it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neuro_rtrl.contracts import Model, Port
from neuro_rtrl.contracts_plasticity import Synapse
from neuro_rtrl.equations.synapse_text import load_synapse, synapse_from_text
from neuro_rtrl.equations.units import unit_name
from neuro_rtrl.errors import BuildError, DescriptionError
from neuro_rtrl.network.arguments import find_port
from neuro_rtrl.network.values import parameters_and_states

if TYPE_CHECKING:
    from neuro_rtrl.network.describe import Population


@dataclass(eq=False)
class Plasticity:
    """How the weights of a projection change as it runs.

    Attributes:
        synapse: the synapse model.
        parameters: name -> () or (synapses,) in SI units.
        initial: state, but w -> () or (synapses,) in SI units.
        modulator: the population whose events are rewards, or None.
    """

    synapse: Synapse
    parameters: dict[str, np.ndarray]
    initial: dict[str, np.ndarray]
    modulator: Population | None


@dataclass(frozen=True)
class Given:
    """What a user wrote: the synapse model, parameters and initial states of its variables."""

    synapse: Synapse
    parameters: dict[str, Any]
    initial: dict[str, Any]


def read(given: Any, where: str) -> Given | None:
    """A name, a path, a `Synapse`, or a table {name = ..., parameter = ..., initial = {...}}.

    >>> given = read({"name": "stdp", "tau_pre": "10 ms"}, "a_b")
    >>> given is not None and given.parameters
    {'tau_pre': '10 ms'}
    """
    if given is None:
        return None
    table = dict(given) if isinstance(given, Mapping) else {"name": given}
    name, initial = table.pop("name", None), table.pop("initial", {})
    if not isinstance(name, str | Path | Synapse) or not isinstance(initial, Mapping):
        raise DescriptionError(
            "this is not a plasticity",
            where=where,
            given=repr(given),
            expected='the name of a synapse model, as in "stdp", or a table '
            '{"name": "stdp", "tau_pre": "10 ms", "initial": {...}}',
        )
    synapse = name if isinstance(name, Synapse) else load_synapse(name)
    return Given(synapse, table, dict(initial))


def port_for(
    given: Given | None, name: str, model: Model | None, port: str | None, where: str
) -> Port:
    """The entry that the synapse sends to: the one asked for, or the one that its text names."""
    target = None if given is None else given.synapse.target
    if given is None or not target:
        return find_port(name, model, port, where)
    fitting = [p for p in (model.ports.values() if model is not None else ()) if p.target == target]
    if port is not None:
        fitting = [p for p in fitting if p.name == port]
    fitting = [p for p in fitting if p.gain.is_number and float(p.gain) == 1.0]
    if not fitting:
        raise BuildError(
            f"{name} has no entry for what this synapse sends",
            where=where,
            given=f"{target}_post += ... in {given.synapse.name}",
            expected=f'an entry "{target} += w" in [synapses] of the target',
            remedy='With "post += ..." the synapse sends to any entry.',
        )
    return fitting[0]


def fit(
    given: Given, port: Port, n: int, rng: np.random.Generator, modulator: Any, where: str
) -> Plasticity:
    """The plasticity of a projection with `n` synapses.

    Args:
        given: what `read` returned.
        port: the entry of the target; a text with the unit "weight" takes it from there.
        rng: the generator of the projection.
        modulator: the population whose events are rewards, or None.

    Raises:
        BuildError: what is sent has another unit than the entry, or a modulator is missing.
        DescriptionError: an unknown parameter, a wrong unit or shape.
    """
    place = f"{where}: plasticity"
    synapse = given.synapse
    if synapse.target is not None and synapse.sent != port.dimension:
        unit = unit_name(port.dimension)
        synapse = synapse_from_text(synapse.source, name=synapse.name, where=place, weight=unit)
    if synapse.target is not None and synapse.sent != port.dimension:
        raise BuildError(
            "what this synapse sends has the wrong unit",
            where=place,
            given=unit_name(synapse.sent),
            expected=f"{unit_name(port.dimension)}, as the entry {port.name} takes",
            remedy='Give w the unit "weight", which is that of the entry.',
        )
    if ("reward" in synapse.on) != (modulator is not None):
        raise BuildError(
            "nobody modulates these synapses"
            if modulator is None
            else "these synapses take no reward",
            where=place,
            given="no modulator" if modulator is None else f"{synapse.name} without on_reward",
            expected="on_reward in the synapse model, and modulator= in connect",
        )
    others = replace(synapse, states=synapse.states[1:])
    parameters, initial = parameters_and_states(
        others, n, place, rng, given.parameters, given.initial
    )
    return Plasticity(synapse, parameters, initial, modulator)

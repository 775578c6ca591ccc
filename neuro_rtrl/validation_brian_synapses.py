"""Plastic projections on Brian2's side: `(event-driven)` synapses with the same text.

A reward reaches all synapses of a projection at once: on Brian2's side all targets have an event of
its own whenever the reward is not 0, and the synapses a pathway that follows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuro_rtrl.compile.brian import BrianText
from neuro_rtrl.compile.brian_synapse import BrianSynapse, to_brian_synapse
from neuro_rtrl.errors import BuildError
from neuro_rtrl.network.describe import Network, Population, Projection
from neuro_rtrl.network.plasticity import Plasticity
from neuro_rtrl.network.wires import plastic

# SI base units as pint names them -> as Brian2's `get_or_create_dimension` does
_KEYWORDS = {
    "meter": "m",
    "kilogram": "kg",
    "second": "s",
    "ampere": "A",
    "kelvin": "K",
    "mole": "mol",
    "candela": "cd",
}
Rewards = dict[str, Any]


@dataclass(frozen=True)
class PlasticWire:
    """A `Synapses` object, and what our variables are called in it."""

    group: Any
    names: dict[str, str]


def quantities(
    b: Any, text: BrianText | BrianSynapse, parameters: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """The shared parameters of a text as Brian2's quantities, by their names there."""
    back = {theirs: ours for ours, theirs in text.names.items()}
    made = {}
    for k, (_, dimension) in text.shared.items():
        powers = {_KEYWORDS[name]: power for name, power in dimension}
        value = float(parameters[back[k]])
        made[k] = b.Quantity(value, dim=b.get_or_create_dimension(**powers))
    return made


def rewards_of(net: Network, inputs: np.ndarray) -> dict[str, np.ndarray]:
    """Plastic projection that is modulated -> (steps,) what its inputs send together.

    Raises:
        BuildError: units modulate; Brian2 is given the rewards from outside.
    """
    made, columns, first = {}, {}, 0
    for population in net.populations.values():
        if population.model is None:
            columns[population.name] = inputs[:, first : first + population.n]
            first += population.n
    for projection, given in plastic(net):
        giver = given.modulator
        if giver is None:
            continue
        if giver.model is not None:
            raise BuildError(
                "only inputs can modulate in a comparison with Brian2",
                where=projection.name,
                given=f"modulator = {giver.name}",
                expected="a population of inputs",
            )
        made[projection.name] = columns[giver.name].sum(axis=1)
    return made


def given_rewards(b: Any, net: Network, inputs: np.ndarray) -> Rewards:
    """The rewards as arrays of time."""
    dt = net.dt * b.second
    return {
        f"reward_of_{name}": b.TimedArray(values, dt=dt)
        for name, values in rewards_of(net, inputs).items()
    }


def reward_events(net: Network, population: Population) -> dict[str, str]:
    """Event -> condition, of the rewards that synapses onto a population hear."""
    return {
        f"rewarded_{p.name}": f"reward_of_{p.name}(t) != 0"
        for p, given in plastic(net)
        if p.target is population and given.modulator is not None
    }


def plastic_wire(
    b: Any,
    projection: Projection,
    given: Plasticity,
    ends: tuple[Any, Any],
    arrival: str,
    shared: dict[str, Any],
) -> PlasticWire:
    """The `Synapses` of a plastic projection.

    Args:
        b: the module brian2.
        projection, given: what is connected, and its plasticity.
        ends: the groups it comes from and goes to.
        arrival: what an arrival does, as in "v_post += w".
        shared: names that the arrival uses.
    """
    parameters, initial = given.parameters, given.initial
    text = to_brian_synapse(
        given.synapse,
        arrival,
        per_synapse=[k for k, v in parameters.items() if np.ndim(v)],
        reward=f"reward_of_{projection.name}(t)",
    )
    after = {k: text.on[k] for k in ("post", "reward") if k in text.on}
    events = {"pre": "spike", "post": "spike", "reward": f"rewarded_{projection.name}"}
    wire = b.Synapses(
        *ends,
        text.equations,
        on_pre=text.on.get("pre"),
        on_post=after or None,
        method=text.method,
        on_event={k: v for k, v in events.items() if k in text.on},
        namespace=shared | quantities(b, text, parameters),
    )
    wire.connect(i=projection.pre, j=projection.post)
    if "reward" in after:
        wire.reward.order = 2  # after the spikes of the targets
    own = {k: v for k, v in parameters.items() if np.ndim(v)} | initial
    values = {text.names[k]: np.broadcast_to(v, projection.pre.size) for k, v in own.items()}
    wire.set_states(values | {"w": projection.weights}, units=False)
    if "pre" in text.on:
        wire.pre.delay = projection.delay * b.defaultclock.dt
    return PlasticWire(wire, text.names)

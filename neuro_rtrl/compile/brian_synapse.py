"""A synapse model's text -> the strings of a Brian2 `Synapses`. Text only.

Arrivals and spikes of targets are Brian2's pathways `pre` and `post`. A reward reaches all synapses
at once; Brian2 has that as an event of the target group, with a pathway of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from neuro_rtrl.compile.brian import translate, unit_text, usable_names
from neuro_rtrl.contracts import Dimension
from neuro_rtrl.contracts_plasticity import Synapse
from neuro_rtrl.equations import units
from neuro_rtrl.equations.synapse_build import WEIGHT_UNIT
from neuro_rtrl.equations.synapse_flow import solve
from neuro_rtrl.equations.synapse_lines import read_assignments, read_variables


@dataclass(frozen=True)
class BrianSynapse:
    """A synapse model as Brian2 reads it.

    Attributes:
        equations: for `Synapses(model=...)`; parameters that differ are lines of their own.
        on: event ("pre", "post", "reward") -> its statements, one a line.
        method: of what Brian2 cannot solve exactly: it computes these variables at every step.
        shared: name in Brian2 -> (value in SI base units, dimension) of the shared parameters.
        names: name in the text -> name in Brian2.
    """

    equations: str
    on: dict[str, str]
    method: str
    shared: dict[str, tuple[float, Dimension]]
    names: dict[str, str]


def to_brian_synapse(
    synapse: Synapse, arrival: str, *, per_synapse: Collection[str] = (), reward: str = "reward"
) -> BrianSynapse:
    """The Brian2 texts of a synapse model.

    Args:
        synapse: the model.
        arrival: what an arrival of weight w does, "v_post += w": Brian2's text of the entry.
        per_synapse: the parameters that differ from synapse to synapse.
        reward: text that stands for the reward.

    >>> from neuro_rtrl.equations.synapse_text import load_synapse
    >>> text = to_brian_synapse(load_synapse("short_term"), "v_post += w")
    >>> print(text.equations)
    w : 1
    du/dt = -u / tau_f : 1 (event-driven)
    dx/dt = (1 - x) / tau_d : 1 (event-driven)
    released = u * x : 1
    >>> print(text.on["pre"])
    u += U * (1 - u)
    v_post += (w * released)
    x -= released
    """
    lines = read_variables(synapse.text["equations"])
    names = usable_names([line.name for line in lines] + list(synapse.parameters))
    # Brian2 solves each equation, but not all systems of them: what is coupled goes step by step.
    coupled = solve(synapse).together
    rows = []
    for line in lines:
        name = names[line.name]
        of_weight = line.unit == WEIGHT_UNIT
        unit = unit_text(synapse.states[0].dimension if of_weight else units.unit(line.unit)[1])
        left = {"rate": f"d{name}/dt = ", "plain": "", "subexpression": f"{name} = "}[line.kind]
        flag = " (clock-driven)" if line.name in coupled else " (event-driven)"
        flag = flag if line.kind == "rate" else ""
        right = translate(line.expression, names) if line.expression else name
        rows.append(f"{left}{right} : {unit}{flag}")
    for k in per_synapse:
        rows.append(f"{names[k]} : {unit_text(synapse.parameters[k].dimension)} (constant)")
    shared = {k: p for k, p in synapse.parameters.items() if k not in per_synapse}
    calls = names | {"reward": reward}
    return BrianSynapse(
        equations="\n".join(rows),
        on={event: _statements(synapse, event, calls, arrival) for event in synapse.on},
        method="rk4",
        shared={names[k]: (p.value, p.dimension) for k, p in shared.items()},
        names=names,
    )


def _statements(synapse: Synapse, event: str, names: Mapping[str, str], arrival: str) -> str:
    rows = []
    for written in read_assignments(synapse.text[f"on_{event}"], event):
        value = translate(written.value, names)
        if written.name in names:
            rows.append(f"{names[written.name]} {written.operator}= {value}")
        else:
            left, _, right = arrival.partition("+=")
            rows.append(f"{left.strip()} += {translate(right, {'w': f'({value})'})}")
    return "\n".join(rows)

"""A synapse model's text (TOML) -> `Synapse`; checked like a neuron model's.

    equations   w : weight; dA/dt = -A/tau : 1 (event-driven); r = u*x : 1
    on_pre      when a presynaptic spike arrives, after the delay: post += w; A += dA; ...
    on_post     when the target spikes
    on_reward   when units of the modulating population send; `reward` is the sum of their events

Between events every variable follows its equation exactly; it is computed when it is needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neuro_rtrl.contracts_plasticity import Synapse
from neuro_rtrl.equations.library import synapse_files
from neuro_rtrl.equations.model_text import line_of, read_text, read_toml
from neuro_rtrl.equations.synapse_build import build
from neuro_rtrl.errors import NeuroRtrlError, unknown


def load_synapse(name: str | Path) -> Synapse:
    """The synapse model called `name` (a shipped text) or stored in a `.toml` file.

    Raises:
        DescriptionError: no such text, or it is wrong.

    >>> load_synapse("stdp").states[0].name
    'w'
    """
    shipped = synapse_files()
    path = shipped.get(str(name), Path(name))
    if path.suffix != ".toml":
        raise unknown("synapse model", str(name), shipped)
    return synapse_from_text(read_text(path), name=path.stem, where=path.name)


def synapse_from_text(
    source: str, *, name: str = "synapse", where: str = "synapse text", weight: str = "1"
) -> Synapse:
    """A synapse model from TOML text.

    Args:
        source: the text.
        name: of the model.
        where: the place that errors name.
        weight: the unit that `weight` stands for in the text.

    >>> text = '''
    ... equations = "w : 1"
    ... on_pre = "post += w; w = clip(0.9*w, 0.1, 1)"
    ... '''
    >>> synapse_from_text(text).on["pre"][1].expression
    clip(0.9*w, 0.1, 1)
    """
    table: dict[str, Any] = read_toml(source, where)
    try:
        return build(name, table, source, weight)
    except NeuroRtrlError as error:
        raise error.at(f"{where}{line_of(source, error.where)}") from error

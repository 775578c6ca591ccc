"""`rewiring` in the section `[learning]`: how synapses come and go.

rewiring = { name = "deep_r", l1 = 1e-4 }                           # all that learn
rewiring = { name = "deep_r", l1 = 1e-4, projections = ["recurrent"] }
rewiring = { recurrent = { name = "deep_r" }, x_hidden = { name = "magnitude", ... } }
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuro_rtrl import registry
from neuro_rtrl.contracts_rewiring import Rewiring
from neuro_rtrl.errors import NeuroRtrlError, unknown
from neuro_rtrl.experiment_keys import Table
from neuro_rtrl.network.describe import Network

Methods = Mapping[str, Table]


def read_rewiring(table: Table | None, network: Network) -> dict[str, Rewiring]:
    """Name of a projection -> how it is rewired; empty if the wiring is fixed.

    Raises:
        DescriptionError: an unknown name, or an option that is unknown or out of its range.
    """
    if table is None:
        return {}
    learned = [name for name, projection in network.projections.items() if projection.learn]
    if isinstance(table.values.get("name"), str) or not table.values:
        chosen = table.names("projections") if "projections" in table.values else tuple(learned)
        for name in chosen:
            if name not in learned:
                where = table.place("projections")
                raise unknown("projection that learns", name, learned, where=where)
        method = _method(table, ("name", "projections"))
        return dict.fromkeys(chosen, method)
    table.only(learned, "projection that learns")
    return {name: _method(table.table(name), ("name",)) for name in table.values}


def _method(table: Table, ours: tuple[str, ...]) -> Rewiring:
    name = table.choice("name", registry.files("rewiring"))
    options: dict[str, Any] = {k: v for k, v in table.values.items() if k not in ours}
    registry.check_options("rewiring", name, options, where=table.place())
    try:
        made: Rewiring = registry.find("rewiring", name)(**options)
    except NeuroRtrlError as error:
        raise error.at(table.place()) from error
    return made

"""`optimizer` in the section `[learning]`, with settings of its own for some projections.

optimizer = { name = "adam", learning_rate = 1e-3 }

[learning.optimizer.projections]
hidden_y = { learning_rate = 1e-2 }                   # the other options as above
x_hidden = { frozen = true }
recurrent = { name = "sgd", learning_rate = 0.1 }     # another one: nothing is as above
"hidden.bias" = { clip_norm = 1.0 }                   # unit parameters that learn, too
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neuro_rtrl import registry
from neuro_rtrl.contracts import Optimizer
from neuro_rtrl.errors import NeuroRtrlError, unknown
from neuro_rtrl.experiment_keys import Table
from neuro_rtrl.network.describe import Network
from neuro_rtrl.optimizers._per_projection import PerProjection


@dataclass(frozen=True)
class OptimizerText:
    """An optimizer by its name and options.

    Attributes:
        projections: name of a projection, or of a unit parameter that learns -> its own settings;
            None: it does not change.
        place: for errors.
    """

    name: str
    options: Mapping[str, Any]
    projections: Mapping[str, OptimizerText | None]
    place: str


def read_optimizer(learning: Table) -> OptimizerText:
    """The optimizer of `[learning]`: a registered name and options that it has."""
    table = learning.table("optimizer", required=True)
    name = table.choice("name", registry.files("optimizers"))
    hidden = ("name", "projections")
    options = {key: value for key, value in table.values.items() if key not in hidden}
    registry.check_options("optimizers", name, options, where=table.place())
    own = table.table("projections")
    return OptimizerText(
        name,
        options,
        {key: _own(own.table(key), name, options) for key in own.values},
        table.place(),
    )


def _own(table: Table, name: str, options: Mapping[str, Any]) -> OptimizerText | None:
    given = {key: value for key, value in table.values.items() if key not in ("name", "frozen")}
    if table.flag("frozen", False):
        table.only(("frozen",))
        return None
    chosen = table.choice("name", registry.files("optimizers"), name)
    made = {**options, **given} if chosen == name else given
    registry.check_options("optimizers", chosen, made, where=table.place())
    return OptimizerText(chosen, made, {}, table.place())


def optimizer_of(text: OptimizerText) -> Optimizer:
    """The optimizer.

    Raises:
        DescriptionError: an option is out of its range.
    """
    try:
        rest: Optimizer = registry.find("optimizers", text.name)(**text.options)
    except NeuroRtrlError as error:
        raise error.at(text.place) from error
    if not text.projections:
        return rest
    own = {name: None if t is None else optimizer_of(t) for name, t in text.projections.items()}
    return PerProjection(rest, own)


def check_names(text: OptimizerText, network: Network) -> None:
    """Refuses settings for what does not learn."""
    learned = [name for name, p in network.projections.items() if p.learn]
    learned += [f"{name}.{k}" for name, p in network.populations.items() for k in p.learn]
    for name in text.projections:
        if name not in learned:
            where = f"{text.place}.projections"
            raise unknown("name of anything that learns", name, learned, where=where)

"""What a simulation reads and leaves behind: inputs from users, and room for what is recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neuro_rtrl.engine import stream
from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.memory import require
from neuro_rtrl.engine.stream import events_of, numbers, traced_places
from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.kernels.cells import Tape
from neuro_rtrl.network.arguments import numbers_of, within

Record = Sequence[str] | Mapping[str, Any]
"""States to keep: names "population.state", or name -> numbers of the units. The variables of
plastic synapses are called "projection.w"."""


def monitored(
    built: Built, record: Record, synapses: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Name -> places of what is recorded, as `Tape.traced` has them.

    Args:
        built: the network.
        record: what was asked for.
        synapses: the same of all variables of plastic synapses.
    """
    places = traced_places(built, record, synapses)
    if not isinstance(record, Mapping):
        return places
    for name, units in record.items():
        chosen = numbers_of(units, places[name].size, f"record: {name}", "units (or synapses)")
        places[name] = places[name][chosen]
    return places


def make_tape(
    built: Built, inputs: np.ndarray, traced: np.ndarray, begin: int = 0, every: int = 1
) -> Tape:
    """The stream of one call: inputs (steps, inputs), and room for what is recorded."""
    within(every, 1, 10**9, "every", whole=True)
    pointer, index, value = events_of(inputs[None])
    outputs, states = built.outputs
    kind, steps = built.units.population[outputs], len(inputs)
    inside = states * built.units.size[kind] + outputs - built.units.first[kind]
    # The kernel stops for lack of room when not every unit could spike once more.
    records = min(stream.RECORD_EVENTS, steps * built.plan.n) + built.plan.n
    rows = -(-(begin + steps) // every) - -(-begin // every)
    size = 8.0 * steps * (1 + outputs.size) + 8.0 * rows * traced.size
    require(size, "record", "Use fewer steps at once, or record fewer units or every 10th step.")
    return Tape(
        begin=np.array([begin, begin + steps]),
        pointer=pointer,
        input=index,
        value=value,
        outputs=built.units.at_h[kind] + inside,
        predictions=np.zeros((steps, outputs.size)),
        event_step=np.empty(records, np.int64),
        event_unit=np.empty(records, np.int64),
        traced=traced,
        every=np.array([every]),
        trace=np.zeros((rows, traced.size)),
    )


def inputs_of(inputs: Any, steps: int | None, width: int) -> np.ndarray:
    """(steps, width); silent where only the number of steps is given."""
    if inputs is not None:
        return numbers(inputs, (steps, width), "inputs")
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 0:
        raise DescriptionError(
            "neither inputs nor a number of steps",
            where="steps",
            given=repr(steps),
            expected="a whole number from 0, or inputs (steps, inputs)",
        )
    require(8.0 * steps * width, "steps", "Use fewer steps at once: a Simulation goes on.")
    return np.zeros((int(steps), width))

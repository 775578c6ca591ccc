"""What a simulation reads and leaves behind: inputs from users, and room for what is recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neuro_rtrl.engine import stream
from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.stream import events_of, numbers, traced_places
from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.kernels.cells import Tape
from neuro_rtrl.network.arguments import within

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
    named = [record] if isinstance(record, str) else list(record)
    places = traced_places(built, named, synapses)
    if not isinstance(record, Mapping):
        return places
    for name, units in record.items():
        chosen, n = np.asarray(units), places[name].size
        good = chosen.ndim == 1 and chosen.dtype.kind in "iu" and chosen.size > 0
        if not good or chosen.min() < 0 or chosen.max() >= n:
            raise DescriptionError(
                "these are not numbers of units (or synapses)",
                where=f"record: {name}",
                given=units,
                expected=f"a list of whole numbers from 0 to {n - 1}",
            )
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
    return Tape(
        begin=np.array([begin, begin + steps]),
        pointer=pointer,
        input=index,
        value=value,
        outputs=built.units.at_h[kind] + inside,
        predictions=np.zeros((steps, outputs.size)),
        event_step=np.zeros(records, np.int64),
        event_unit=np.zeros(records, np.int64),
        traced=traced,
        every=np.array([every]),
        trace=np.zeros((-(-(begin + steps) // every) - -(-begin // every), traced.size)),
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
    return np.zeros((int(steps), width))

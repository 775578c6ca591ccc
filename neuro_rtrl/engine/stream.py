"""Arrays from users -> the stream that a kernel reads, with every shape checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.errors import DescriptionError, unknown
from neuro_rtrl.kernels.cells import CHUNK
from neuro_rtrl.kernels.events import enumerate_marked, mark
from neuro_rtrl.kernels.losses import LOSSES
from neuro_rtrl.kernels.stream import Stream
from neuro_rtrl.network.arguments import state_names

RECORD_EVENTS = 1 << 17
RECORD_STATES = 1 << 16
"""Numbers for which a stream has room; whoever runs it takes them out when it is full."""
NEVER = 1 << 62
"""Steps until a pause, where there is none."""
NOTHING: Mapping[str, np.ndarray] = {}
NO_NUMBERS, NO_STATES = np.zeros(0, np.int64), np.zeros((0, 0))
"""Where nothing is recorded all streams have the same arrays, of which a kernel is told once."""


def numbers(
    values: Any, shape: tuple[int | None, ...], what: str, *, nan: bool = False
) -> np.ndarray:
    """`values` as float64 of a shape (None: any length); NaN only where it is allowed."""
    try:
        raw = np.asarray(values)
        if raw.dtype.kind not in "fiubO":
            raise TypeError(raw.dtype)  # a date, a complex number: something would be lost
        array = raw.astype(float, copy=False)
    except (TypeError, ValueError, OverflowError) as error:
        raise DescriptionError(
            f"{what} must be numbers", given=repr(values), expected=_shape_text(shape)
        ) from error
    fits = array.ndim == len(shape)
    fits = fits and all(s is None or s == g for s, g in zip(shape, array.shape, strict=True))
    if not fits:
        raise DescriptionError(
            f"{what} have the wrong shape", given=array.shape, expected=_shape_text(shape)
        )
    if not np.isfinite(array).all() and not (nan and not np.isinf(array).any()):
        raise DescriptionError(
            f"{what} are not all finite", given="NaN or infinity", expected="finite numbers"
        )
    return array


def targets_of(values: Any, shape: tuple[int | None, ...]) -> np.ndarray:
    """Targets (..., outputs); a step has one for every output, or NaN for every output."""
    array = numbers(values, shape, "targets", nan=True)
    missing = np.isnan(array)
    if missing.any() and (missing.any(axis=-1) != missing.all(axis=-1)).any():
        raise DescriptionError(
            "a step has targets for some outputs only",
            given="NaN among numbers",
            expected="a number for every output, or NaN for every output of a step without error",
        )
    return array


def _shape_text(shape: tuple[int | None, ...]) -> str:
    return "shape (" + ", ".join("any" if s is None else str(s) for s in shape) + ")"


def events_of(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Non-zero entries of (sequences, steps, inputs) as (pointer, index, value)."""
    table = np.ascontiguousarray(inputs).reshape(-1)
    pointer = np.zeros(inputs.shape[0] * inputs.shape[1] + 1, np.int64)
    if table.size == 0:  # a simulation without inputs need not compile what finds them
        return pointer, np.zeros(0, np.int64), np.zeros(0)
    found = np.zeros(-(-table.size // CHUNK), np.uint64)
    count = mark(table, found)
    index, value = np.zeros(count, np.int64), np.zeros(count)
    enumerate_marked(found, table, pointer, index, value)
    return pointer, index, value


def traced_places(
    built: Built, record: Any, others: Mapping[str, np.ndarray] = NOTHING
) -> dict[str, np.ndarray]:
    """Places in `h` of all units of each "population.state"; `others` have places elsewhere."""
    known = {
        f"{p.name}.{s.name}": (i, v)
        for i, p in enumerate(built.plan.populations)
        if p.model is not None
        for v, s in enumerate(p.model.states)
    }
    places = {}
    for name in state_names(record):
        if name in others:
            places[name] = others[name]
            continue
        if name not in known:
            raise unknown("state to record", name, [*known, *others])
        i, v = known[name]
        n = int(built.units.size[i])
        start = int(built.units.at_h[i]) + v * n
        places[name] = np.arange(start, start + n)
    return places


def make_stream(
    built: Built,
    inputs: np.ndarray,
    targets: np.ndarray | None,
    *,
    loss: str = "mse",
    offset: int = 0,
    traced: np.ndarray | None = None,
    spikes: bool = False,
    rate: tuple[float, float] = (0.0, 0.0),
    average: bool = False,
    pause: np.ndarray | None = None,
    like: Stream | None = None,
) -> Stream:
    """A stream over `inputs` (sequences, steps, inputs); without targets there is no error.

    With `average` the loss of a sequence is the mean over its steps with targets, not the sum.
    `pause` (1,) counts the steps until the kernel leaves the stream for a while. `like` is what
    `blank` makes of the network, the loss, the rate and the pause, which then are not looked at.
    """
    sequences, steps = inputs.shape[:2]
    pointer, index, value = events_of(inputs)
    places = NO_NUMBERS if traced is None or traced.size == 0 else traced
    # The kernel stops for lack of room when not every unit could spike once more.
    records = min(RECORD_EVENTS, sequences * steps * built.plan.n) + built.plan.n if spikes else 0
    room = min(max(RECORD_STATES // max(places.size, 1), 1), steps)
    outputs = built.outputs[0].size
    same = like or blank(built, loss, rate, pause)
    return same._replace(
        pointer=pointer,
        input=index,
        value=value,
        targets=_targets(targets, (sequences, steps, built.width)),
        predictions=np.zeros((sequences, steps, outputs)),
        losses=np.zeros((sequences, steps)),
        share=_shares(sequences, targets if average else None),
        offset=np.array([offset]),
        span=np.array([sequences, steps]),
        event_step=np.empty(records, np.int64) if records else NO_NUMBERS,
        event_unit=np.empty(records, np.int64) if records else NO_NUMBERS,
        traced=places,
        trace=np.zeros((room, places.size)) if places.size else NO_STATES,
        filled=np.zeros(1, np.int64),
        holds=np.zeros(1, np.uint8),
    )


def blank(
    built: Built,
    loss: str = "mse",
    rate: tuple[float, float] = (0.0, 0.0),
    pause: np.ndarray | None = None,
) -> Stream:
    """A stream of no steps: what is the same in all of a session."""
    units, states = built.outputs
    return Stream(
        pointer=np.zeros(1, np.int64),
        input=NO_NUMBERS,
        value=np.zeros(0),
        targets=np.zeros((0, 0, built.width)),
        predictions=np.zeros((0, 0, units.size)),
        losses=np.zeros((0, 0)),
        slope=np.zeros(units.size),
        signal=np.zeros(built.widest),
        outputs=units,
        readout=states,
        loss=np.array([LOSSES.index(loss)]),
        copies=np.zeros(1, np.int64),
        share=np.zeros(0),
        rate=np.array(rate),
        offset=np.zeros(1, np.int64),
        span=np.zeros(2, np.int64),
        event_step=NO_NUMBERS,
        event_unit=NO_NUMBERS,
        traced=NO_NUMBERS,
        trace=NO_STATES,
        filled=np.zeros(1, np.int64),
        pause=np.array([NEVER]) if pause is None else pause,
        holds=np.zeros(1, np.uint8),
    )


def _targets(targets: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, np.nan) if targets is None else np.ascontiguousarray(targets)


def _shares(sequences: int, targets: np.ndarray | None) -> np.ndarray:
    """(sequences,) 1, or with targets 1/(number of steps that have one)."""
    if targets is None:
        return np.ones(sequences)
    steps = np.isfinite(targets[:, :, 0]).sum(axis=1)
    shares: np.ndarray = 1.0 / np.maximum(steps, 1)
    return shares

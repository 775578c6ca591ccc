"""Arrays from users -> the stream that a kernel reads, with every shape checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.errors import DescriptionError, unknown
from neuro_rtrl.kernels.losses import LOSSES
from neuro_rtrl.kernels.stream import Stream
from neuro_rtrl.network.arguments import state_names

RECORD_EVENTS = 1 << 16
RECORD_STATES = 1 << 16
"""Numbers for which a stream has room; whoever runs it takes them out when it is full."""
NEVER = 1 << 62
"""Steps until a pause, where there is none."""
NOTHING: Mapping[str, np.ndarray] = {}


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
    sequences, steps, width = inputs.shape
    flat = inputs.reshape(sequences * steps, width)
    # Of flags, and in one dimension, this is ten times as fast as of numbers.
    places = np.flatnonzero(flat != 0.0)
    row, index = np.divmod(places, max(width, 1))
    pointer = np.searchsorted(row, np.arange(sequences * steps + 1))
    return pointer, index, flat.reshape(-1)[places]


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
) -> Stream:
    """A stream over `inputs` (sequences, steps, inputs); without targets there is no error.

    With `average` the loss of a sequence is the mean over its steps with targets, not the sum.
    `pause` (1,) counts the steps until the kernel leaves the stream for a while.
    """
    units, states = built.outputs
    sequences, steps = inputs.shape[:2]
    pointer, index, value = events_of(inputs)
    shape = (sequences, steps, built.width)
    places = np.zeros(0, np.int64) if traced is None else traced
    # The kernel stops for lack of room when not every unit could spike once more.
    records = min(RECORD_EVENTS, sequences * steps * built.plan.n) + built.plan.n if spikes else 0
    room = min(max(RECORD_STATES // max(places.size, 1), 1), steps)
    return Stream(
        pointer=pointer,
        input=index,
        value=value,
        targets=np.full(shape, np.nan) if targets is None else np.ascontiguousarray(targets),
        predictions=np.zeros((sequences, steps, units.size)),
        losses=np.zeros((sequences, steps)),
        slope=np.zeros(units.size),
        signal=np.zeros(built.widest),
        outputs=units,
        readout=states,
        loss=np.array([LOSSES.index(loss)]),
        copies=np.zeros(1, np.int64),
        share=_shares(sequences, targets if average else None),
        rate=np.array(rate),
        offset=np.array([offset]),
        span=np.array([sequences, steps]),
        event_step=np.zeros(records, np.int64),
        event_unit=np.zeros(records, np.int64),
        traced=places,
        trace=np.zeros((room, places.size)),
        filled=np.zeros(1, np.int64),
        pause=np.array([NEVER]) if pause is None else pause,
        holds=np.zeros(1, np.uint8),
    )


def _shares(sequences: int, targets: np.ndarray | None) -> np.ndarray:
    """(sequences,) 1, or with targets 1/(number of steps that have one)."""
    if targets is None:
        return np.ones(sequences)
    steps = np.isfinite(targets[:, :, 0]).sum(axis=1)
    shares: np.ndarray = 1.0 / np.maximum(steps, 1)
    return shares

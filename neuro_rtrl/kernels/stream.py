"""What flows in and out of a block of steps: external events, targets, predictions, records.

Sequences follow each other; row `sequence * steps + step` of the pointers belongs to a step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuro_rtrl.kernels.cells import Course
from neuro_rtrl.kernels.exponential import EXPONENT, bits
from neuro_rtrl.kernels.jit import inline, jit
from neuro_rtrl.kernels.layout import FIRED, RECORDED, SEQUENCE, STEP, Limits, Run, Units
from neuro_rtrl.kernels.losses import loss_and_slope, slope_by_reward


class Stream(NamedTuple):
    """Inputs, targets and outputs of a call of a kernel."""

    pointer: np.ndarray  # (sequences * steps + 1,) external events of each step
    input: np.ndarray  # which input of each external event
    value: np.ndarray
    targets: np.ndarray  # (sequences, steps, outputs), NaN: no error
    predictions: np.ndarray  # (sequences, steps, outputs)
    losses: np.ndarray  # (sequences, steps)
    slope: np.ndarray  # (outputs,) scratch
    signal: np.ndarray  # (dm,) scratch
    outputs: np.ndarray  # (outputs,) readout units
    readout: np.ndarray  # (outputs,) state that is read
    loss: np.ndarray  # (1,) kind of loss
    copies: np.ndarray  # (1,) how often the targets are repeated: local readouts of layers
    share: np.ndarray  # (sequences,) by which the loss is multiplied, without that of rates
    rate: np.ndarray  # (2,) the outputs after these count spikes: coefficient, spikes a step
    offset: np.ndarray  # (1,) step of the run at which the stream begins
    span: np.ndarray  # (2,) sequences, steps
    event_step: np.ndarray  # records: spikes
    event_unit: np.ndarray
    traced: np.ndarray  # places in h that are recorded at the start of each step
    trace: np.ndarray  # (room, traced) states of the first sequence
    filled: np.ndarray  # (1,) rows of `trace` that are; whoever takes them sets it to 0
    pause: np.ndarray  # (1,) steps until the kernel leaves the stream for a while
    holds: np.ndarray  # (1,) whether what was gathered may wait until a stream that does not hold


@inline
def place(stream: Stream, run: Run) -> int:
    """Row of the present step."""
    return run.clock[SEQUENCE] * stream.span[1] + run.clock[STEP] - stream.offset[0]


@inline
def trace_states(stream: Stream, run: Run) -> None:
    """Recorded states, as they are before the update (Brian2's convention)."""
    if stream.traced.shape[0] == 0 or run.clock[SEQUENCE] > 0:
        return
    row = stream.filled[0]
    for i in range(stream.traced.shape[0]):
        stream.trace[row, i] = run.h[stream.traced[i]]
    stream.filled[0] = row + 1


@inline
def records_fit(stream: Stream, run: Run) -> bool:
    """Whether the spikes and the recorded states of one more step certainly fit."""
    states = stream.traced.shape[0] > 0 and run.clock[SEQUENCE] == 0
    if states and stream.filled[0] == stream.trace.shape[0]:
        return False
    size = stream.event_step.shape[0]
    return size == 0 or size - run.clock[RECORDED] >= run.s.shape[0]


@inline
def record_room(stream: Stream, run: Run) -> bool:
    """Whether the records of one more step certainly fit, and no pause is due before it.

    There is none before the first step: whoever takes the stream up would begin it once more.
    """
    if not records_fit(stream, run):
        return False
    stream.pause[0] -= 1
    return stream.pause[0] >= 0 or run.clock[STEP] == stream.offset[0]


@inline
def record_spikes(stream: Stream, run: Run) -> None:
    """Spikes of this step, if they are recorded."""
    if stream.event_step.shape[0] == 0:
        return
    row = place(stream, run)
    for i in range(run.clock[FIRED]):
        stream.event_step[run.clock[RECORDED]] = row
        stream.event_unit[run.clock[RECORDED]] = run.fired[i]
        run.clock[RECORDED] += 1


@inline
def predict(units: Units, stream: Stream, run: Run) -> None:
    """Predictions: the readouts' states at the end of the step."""
    t = run.clock[STEP] - stream.offset[0]
    for o in range(stream.outputs.shape[0]):
        k = stream.outputs[o]
        p = units.population[k]
        at = units.at_h[p] + stream.readout[o] * units.size[p] + k - units.first[p]
        stream.predictions[run.clock[SEQUENCE], t, o] = run.h[at]


@jit
def all_finite(run: Run | Course) -> bool:
    """Whether every state is a finite number."""
    return finite(run.h)


@inline
def finite(numbers: np.ndarray) -> bool:
    """Whether all of them are."""
    # Infinity and NaN have the highest exponent; the largest of whole numbers is vector code.
    largest = 0
    for i in range(numbers.shape[0]):
        exponent = bits(numbers[i]) & EXPONENT
        largest = exponent if exponent > largest else largest
    return largest < EXPONENT


@jit
def step_loss(
    stream: Stream, limits: Limits | None, sequence: int, t: int, slope: np.ndarray
) -> None:
    """Loss of a step; `slope` (outputs,) <- its derivative by every output.

    First come the outputs that have targets; then local readouts with the same targets (their loss
    is not counted); both are multiplied by the sequence's share. Then, for each spiking unit that
    is regularised, the number of its spikes in this sequence, with the loss
    coefficient (rate - target)^2 / 2 at the last step.
    """
    target, y = stream.targets[sequence, t], stream.predictions[sequence, t]
    width, kind = target.shape[0], stream.loss[0]
    stream.losses[sequence, t] = loss_and_slope(kind, y[:width], target, slope[:width])
    if limits is not None and limits.reward[0] != 0.0:
        slope_by_reward(kind, y[:width], target, slope[:width], limits.reward, limits.random)
    used = width
    for _ in range(stream.copies[0]):
        loss_and_slope(kind, y[used : used + width], target, slope[used : used + width])
        used += width
    stream.losses[sequence, t] *= stream.share[sequence]
    for o in range(used):
        slope[o] *= stream.share[sequence]
    steps = stream.span[1]
    for o in range(used, slope.shape[0]):
        slope[o] = 0.0
        if t == steps - 1:
            slope[o] = stream.rate[0] * (y[o] / steps - stream.rate[1]) / steps

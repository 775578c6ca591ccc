"""Synthetic gradients: a linear prediction of what later losses will say about a state.

Jaderberg et al. 2017 (arXiv 1608.05343), in the form of Marschall, Cho & Savin 2020 (JMLR 21:86,
section 3.2.4). With the state z = [h; a] at the end of a step (a: arrivals collected for the next
update), its targets y* and c = dL_later/dz:

    features   x_t = [z_t; y*_t; 1]
    predicted  c_t ~ A x_t
    target     c*_t = (dz_{t+1}/dz_t)^T ([q_{t+1}; 0] + A x_{t+1})        q = dL_{t+1}/dh
    learning   A <- A - eta (A x_t - c*_t) x_t^T,   eta = rate / max(1, rate |x_t|^2)

The way back through step t + 1 has c*_t as its result, so a target costs nothing. The bound on eta
keeps a step from overshooting, however large the network is.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from neuro_rtrl.kernels.jit import inline
from neuro_rtrl.kernels.layout import MULTIPLY_ADDS, Run
from neuro_rtrl.kernels.stream import Stream
from neuro_rtrl.kernels.tape import ROWS, START, Tape


class Credit(NamedTuple):
    """The predictor; Z numbers of z, X features. Without one, all arrays are empty."""

    matrix: np.ndarray  # (Z, X) A
    rate: np.ndarray  # (1,)
    now: np.ndarray  # (X,) features at the end of this window
    before: np.ndarray  # (X,) features at the end of the window before
    known: np.ndarray  # (1,) whether there was one


@inline
def predict_credit(credit: Credit, run: Run, stream: Stream, tape: Tape, sequence: int) -> None:
    """Adjoints at the end of the window: A x of its last step, or 0 without a predictor."""
    last, states = tape.window[ROWS], run.h.shape[0]
    for i in range(states):
        tape.adjoint[i] = 0.0
    for i in range(run.a.shape[0]):
        tape.at_inputs[last, i] = 0.0
    if credit.matrix.shape[0] > 0:
        t = tape.window[START] + last - 1 - stream.offset[0]
        features(credit, run, stream.targets[sequence, t])
        for i in range(credit.matrix.shape[0]):
            total = 0.0
            for j in range(credit.now.shape[0]):
                total += credit.matrix[i, j] * credit.now[j]
            if i < states:
                tape.adjoint[i] = total
            else:
                tape.at_inputs[last, i - states] = total
        tape.counts[MULTIPLY_ADDS] += credit.matrix.size


@inline
def features(credit: Credit, run: Run, target: np.ndarray) -> None:
    """x = [h; a; y*; 1]; a target that is missing counts as 0."""
    at = 0
    for i in range(run.h.shape[0]):
        credit.now[at] = run.h[i]
        at += 1
    for i in range(run.a.shape[0]):
        credit.now[at] = run.a[i]
        at += 1
    for o in range(target.shape[0]):
        credit.now[at] = 0.0 if math.isnan(target[o]) else target[o]
        at += 1
    credit.now[at] = 1.0


@inline
def learn_credit(credit: Credit, tape: Tape) -> None:
    """One step of A towards the adjoints with which the way back has arrived at its start."""
    if credit.matrix.shape[0] > 0:
        if credit.known[0]:
            size = 0.0
            for j in range(credit.before.shape[0]):
                size += credit.before[j] * credit.before[j]
            eta = credit.rate[0] / max(1.0, credit.rate[0] * size)
            states = tape.adjoint.shape[0]
            for i in range(credit.matrix.shape[0]):
                error = -(tape.adjoint[i] if i < states else tape.at_inputs[0, i - states])
                for j in range(credit.before.shape[0]):
                    error += credit.matrix[i, j] * credit.before[j]
                for j in range(credit.before.shape[0]):
                    credit.matrix[i, j] -= eta * error * credit.before[j]
            tape.counts[MULTIPLY_ADDS] += 2 * credit.matrix.size
        for j in range(credit.before.shape[0]):
            credit.before[j] = credit.now[j]
        credit.known[0] = 1

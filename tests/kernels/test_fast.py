"""The fast loop gives what the plain one gives, bit for bit, for every shipped model."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.engine.build import build
from neuro_rtrl.engine.fresh_run import make_run
from neuro_rtrl.engine.shares import Shares
from neuro_rtrl.engine.simulation import not_finite
from neuro_rtrl.engine.spike_buffer import SpikeBuffer
from neuro_rtrl.engine.stream import make_stream
from neuro_rtrl.engine.tape import make_tape
from neuro_rtrl.equations.library import model_files
from neuro_rtrl.equations.model_text import load_model
from neuro_rtrl.kernels import simulate
from neuro_rtrl.kernels.layout import FINISHED, RECORD_FULL
from neuro_rtrl.network.describe import Network
from neuro_rtrl.validation_cases import UNITS, Case, cases, find_gain, network, poisson_input

STEPS, DT = 600, 1e-4
UNCHANGED = Case("none", None, None)
Found = tuple[dict[str, tuple[np.ndarray, np.ndarray]], np.ndarray, np.ndarray]


def plainly(net: Network, inputs: np.ndarray) -> Found:
    """Spikes, final states and predictions of the loop that learners share."""
    built = build(net)
    run, buffer = make_run(built), SpikeBuffer(built)
    stream = make_stream(built, inputs[None], None, spikes=True)
    answer = RECORD_FULL
    while answer == RECORD_FULL:
        answer = simulate.simulate(built.units, built.wires, built.values, run, stream, True)
        buffer.take(run, stream)
    if answer != FINISHED:
        raise not_finite(built, run)
    return buffer.spikes(), run.h, stream.predictions[0]


def quickly(net: Network, inputs: np.ndarray, threads: int = 1) -> Found:
    """The same by the fast loop."""
    built = build(net, learn=False)
    shares, buffer = Shares(built, threads), SpikeBuffer(built)
    assert shares.threads == threads
    tape = make_tape(built, inputs, np.zeros(0, np.int64))
    answer = shares.run(tape, buffer.take)
    if answer != FINISHED:
        raise not_finite(built, shares.course)
    return buffer.spikes(), shares.course.h, tape.predictions


def assert_same(net: Network, inputs: np.ndarray, threads: int = 1) -> int:
    one, other = plainly(net, inputs), quickly(net, inputs, threads)
    for name, (steps, units) in one[0].items():
        np.testing.assert_array_equal(other[0][name][0], steps)
        np.testing.assert_array_equal(other[0][name][1], units)
    np.testing.assert_array_equal(other[1], one[1])
    np.testing.assert_array_equal(other[2], one[2])
    return sum(steps.size for steps, _ in one[0].values())


@pytest.mark.parametrize("name", model_files())
def test_every_model_runs_as_in_the_plain_loop(name: str) -> None:
    """Mixed delays, refractory periods where the model has them, units that differ."""
    model, inputs = load_model(name), poisson_input(STEPS * DT, DT, 0)
    # With another reset than its own a model need not have a rate that can be aimed at.
    own = [c for c in cases(model) if c.reset is None] if "threshold" in model.text else []
    case = own[-1] if own else UNCHANGED

    def made(gain: float) -> Network:
        return network(model, case, DT, 1, gain)[0]

    def rate(gain: float) -> float:
        """Spikes per second and unit."""
        spikes = quickly(made(gain), inputs)[0]
        return spikes["units"][0].size / (UNITS * STEPS * DT) if spikes else 15.0

    spikes = assert_same(made(find_gain(rate)), inputs)
    assert model.threshold is None or spikes > 5


def test_graded_events_inputs_and_several_populations() -> None:
    rng = np.random.default_rng(0)
    net = Network(dt="1 ms", seed=3)
    x = net.inputs(12, name="x")
    cells = net.neurons(70, "egru", name="cells")
    units = net.neurons(130, "lif", name="units", t_ref="uniform(0 ms, 4 ms)")
    out = net.neurons(3, "leaky_readout", name="out")
    for port in ("cand_x", "cand_h"):
        net.connect(x if port == "cand_x" else cells, cells, port=port, weights="normal(0.2, 1)")
    net.connect(cells, units, weights="normal(0.2, 0.4)", delay="uniform(0 ms, 3 ms)")
    net.connect(units, units, weights="normal(0, 0.3)", delay="uniform(0 ms, 3 ms)")
    net.connect(units, out, delay="2 ms")
    inputs = (rng.random((200, 12)) < 0.2) * rng.normal(1, 0.5, (200, 12))
    assert assert_same(net, inputs) > 200

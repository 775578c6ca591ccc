"""SnAp-n and e-prop: the engine on a restricted pattern equals the twin with entries dropped."""

from __future__ import annotations

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.registry import find
from tests.reference.masked import masked_gradient
from tests.reference.networks import plain, random_case


def gradient(case, rule: str) -> dict[str, np.ndarray]:
    learner = nr.Learner(
        case.net, rule=rule, precision="float64", loss=case.loss, update="sequence"
    )
    learner.run(case.inputs[None], case.targets[None])
    return dict(learner.gradient)


def assert_same(found, wanted, tolerance: float = 1e-10) -> None:
    size = max(abs(a).max(initial=0.0) for a in wanted.values())
    assert size > 0
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=tolerance * size, err_msg=name)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("model", plain())
def test_snap_is_the_twin_with_dropped_entries(model: str, order: int) -> None:
    case = random_case(np.random.default_rng([order, 7]), (model,))
    wanted = masked_gradient(case.net, case.inputs, case.targets, case.loss, order)
    # Where v grows like its square (izhikevich), one rounding of v is far larger in its derivative.
    assert_same(gradient(case, f"snap-{order}"), wanted, 1e-9)


@pytest.mark.parametrize("model", plain())
def test_eprop_is_the_twin_without_recurrence(model: str) -> None:
    case = random_case(np.random.default_rng([0, 8]), (model,))
    wanted = masked_gradient(case.net, case.inputs, case.targets, case.loss, 1, local=True)
    assert_same(gradient(case, "eprop"), wanted)


@pytest.mark.parametrize("seed", range(4))
def test_large_order_is_exact(seed: int) -> None:
    case = random_case(np.random.default_rng([seed, 9]))
    assert_same(gradient(case, "snap-50"), gradient(case, "rtrl"), 1e-12)


def diagonal(
    rng: np.random.Generator, connected: bool
) -> tuple[nr.Network, np.ndarray, np.ndarray]:
    """A layer without connections between its units (or with some)."""
    net = nr.Network(dt="1 ms", seed=4)
    x, hidden = net.inputs(5, name="x"), net.neurons(8, "alif", name="h")
    y = net.neurons(2, "leaky_readout", name="y")
    net.connect(x, hidden, weights="normal(0.5, 0.6)", delay="uniform(0 ms, 3 ms)")
    net.connect(hidden, y)
    if connected:
        net.connect(hidden, hidden, weights="normal(0, 0.6)")
    inputs = (rng.random((1, 80, 5)) < 0.4).astype(float)
    targets = rng.standard_normal((1, 80, 2))
    targets[:, 20:40] = np.nan
    return net, inputs, targets


@pytest.mark.parametrize("rule", ["eprop", "snap-1"])
def test_exactness_statement(rule: str, rng: np.random.Generator) -> None:
    """Exact without connections between spiking units, and not exact with them."""
    for connected in (False, True):
        net, inputs, targets = diagonal(rng, connected)
        found = {}
        for name in (rule, "rtrl"):
            learner = nr.Learner(net, rule=name, precision="float64", update="sequence")
            learner.run(inputs, targets)
            found[name] = learner.gradient["x_h"]
        error = abs(found[rule] - found["rtrl"]).max() / abs(found["rtrl"]).max()
        assert (error < 1e-12) is not connected


def test_cost_grows_with_the_order(rng: np.random.Generator) -> None:
    net, inputs, targets = diagonal(rng, True)
    counts = []
    for rule in ("eprop", "snap-2"):
        learner = nr.Learner(net, rule=rule, update="sequence")
        learner.run(inputs, targets)
        counts.append(learner.ledger.multiply_adds)
    assert counts[0] < counts[1]


@pytest.mark.parametrize("order", ["0", "x", "1001", "-1", ""])
def test_wrong_orders_are_refused(order: str) -> None:
    with pytest.raises(nr.NeuroRtrlError, match="expected"):
        find("rules", f"snap-{order}")


@pytest.mark.parametrize("model", ["elstm", "lru"])
def test_snap_1_is_exact_for_units_that_recur_on_themselves(
    model: str, rng: np.random.Generator
) -> None:
    net = nr.Network(dt="1 ms", seed=2)
    x, hidden = net.inputs(4, name="x"), net.neurons(6, model, name="h")
    y = net.neurons(2, "readout", name="y", learn="bias")
    for port in hidden.model.ports:
        net.connect(x, hidden, port=port)
    net.connect(hidden, y)
    inputs, targets = rng.standard_normal((2, 40, 4)), rng.standard_normal((2, 40, 2))
    targets[:, 10:20] = np.nan
    found = {}
    for rule in ("snap-1", "rtrl", "bptt"):
        learner = nr.Learner(net, rule=rule, precision="float64", update="sequence")
        learner.run(inputs, targets)
        found[rule] = dict(learner.gradient)
    assert_same(found["snap-1"], found["bptt"], 1e-12)
    assert_same(found["rtrl"], found["bptt"], 1e-12)

"""Plain descent that waits gives what an update at every step gives, whenever somebody looks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine import online
from neuro_rtrl.errors import SimulationError
from tests.engine.test_local import DIAGONAL, RULES, layer, layer_refractory, unlike
from tests.engine.test_local import trial as local_trial
from tests.engine.test_online import STEPS, Hidden, network, trial

LOCAL = ["eprop", "d-rtrl", "snap-1", "eprop-random"]
RATE = 1e-2
LOSSES = STEPS - 20  # steps with an error


def waits(learner: nr.Learner) -> bool:
    return learner._session._inside._waits


def pair(net: nr.Network, rule: str, optimizer: Any = None, **options: Any) -> list[nr.Learner]:
    """One whose updates wait, and one that goes back to Python for each."""
    made = optimizer or (lambda: nr.Sgd(RATE))
    one = nr.Learner(net, rule, made(), update=1, **options)
    two = nr.Learner(net, rule, Hidden(made()), update=1, **options)
    assert (waits(one), waits(two)) == (True, False)
    return [one, two]


def copied(learner: nr.Learner) -> dict[str, np.ndarray]:
    return {name: values.copy() for name, values in learner.parameters.items()}


def assert_close(one: nr.Learner, two: nr.Learner, tolerance: float) -> None:
    for found, wanted in ((one.parameters, two.parameters), (one.gradient, two.gradient)):
        for name, values in wanted.items():
            size = np.abs(values).max(initial=0) + 1e-300
            np.testing.assert_allclose(found[name], values, atol=tolerance * size, rtol=0)


def assert_learns_alike(
    one: nr.Learner, two: nr.Learner, tolerance: float = 1e-10, least: float = 1e-3
) -> None:
    before = copied(one)
    for _ in range(2):
        a, b = one.run(*trial(), spikes=True), two.run(*trial(), spikes=True)
    np.testing.assert_allclose(a.losses, b.losses, rtol=100 * tolerance, atol=tolerance)
    for found, wanted in zip(a.spikes.values(), b.spikes.values(), strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert sum(steps.size for steps, _ in b.spikes.values()) > 50
    for name, values in one.parameters.items():
        assert np.abs(values - before[name]).max() > least, name
    assert_close(one, two, tolerance)


@pytest.mark.parametrize("rule", LOCAL)
@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-10), ("float32", 2e-5)])
def test_every_rule(rule: str, precision: str, tolerance: float) -> None:
    delay = "0 ms" if rule == "snap-1" else "uniform(0 ms, 3 ms)"  # else its loops are in rows
    assert_learns_alike(*pair(network(delay=delay), rule, precision=precision), tolerance)


def with_gains() -> nr.Network:
    """Synapses that do not add their weights as they are."""
    net = nr.Network(dt="1 ms", seed=4)
    unit = nr.make_model(
        "dv/dt = -v/tau : 1", method="exact", threshold="v > 1", reset="v -= 1",
        synapses={"delta": "v += 0.5*w"}, parameters={"tau": "20 ms"},
    )  # fmt: skip
    memory = nr.make_model(
        "dy/dt = -y/tau : 1", method="exact", readout="y",
        synapses={"delta": "y += 2*w"}, parameters={"tau": "20 ms"},
    )  # fmt: skip
    x, h, y = net.inputs(5), net.neurons(9, unit, name="h"), net.neurons(4, memory, name="y")
    net.connect(x, h, weights="normal(0.8, 1.6)")
    net.connect(h, h, weights="normal(0.4, 1.2)")
    net.connect(h, y)
    return net


NETWORKS = {
    "parameters": lambda: layer("lif"),
    "two states": lambda: layer("alif"),
    "an event at every step": lambda: layer("egru", memory="readout"),
    "gains": with_gains,
    "refractory": layer_refractory,
    "each with its own time constant": unlike,
}


BY_ROWS = ("an event at every step", "snap-1")
CASES = [(name, rule) for name in NETWORKS for rule in (*RULES, *DIAGONAL)]


@pytest.mark.parametrize(("name", "rule"), [case for case in CASES if case != BY_ROWS])
def test_every_network(name: str, rule: str) -> None:
    """Also readouts that share no traces, and pay at every step."""
    before, learners = [], pair(NETWORKS[name](), rule, precision="float64")
    for learner in learners:
        before.append(copied(learner))
        losses = [learner.run(*sequence(), spikes=True).losses for _ in range(3)]
        assert np.isfinite(losses).all()
    for values, start in zip(learners[1].parameters.values(), before[1].values(), strict=True):
        assert np.abs(values - start).max() > 1e-3
    assert_close(*learners, 1e-10)


def sequence() -> tuple[np.ndarray, np.ndarray]:
    return tuple(array[:1] for array in local_trial(4))


def test_readouts_that_do_not_learn() -> None:
    net = network()
    net.projections["h_y"].learn = False
    assert_learns_alike(*pair(net, "eprop", precision="float64"))


def test_a_schedule_and_one_rate_that_is_zero() -> None:
    schedule = {"schedule": "cosine", "steps": STEPS}
    one, two = pair(network(), "eprop", lambda: nr.Sgd(RATE, **schedule), precision="float64")
    assert_learns_alike(one, two)
    assert np.any(one.gradient["h_h"])


def test_steps_one_by_one_after_a_run() -> None:
    one, two = pair(network(), "eprop", precision="float64")
    for learner in (one, two):
        learner.run(*trial())
        for x, target in zip(trial()[0][0, :30], trial()[1][0], strict=False):
            learner.step(x, target)
    assert_close(one, two, 1e-10)


@pytest.mark.parametrize("most", [2, 16, 43])
def test_many_calls(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(online, "MOST_STEPS", most)
    assert_learns_alike(*pair(network(), "eprop", precision="float64"))


@pytest.mark.parametrize("rate", [1e60, 1e300])
def test_what_is_not_finite_is_told(rate: float) -> None:
    learner = nr.Learner(network(), "eprop", nr.Sgd(rate))
    assert waits(learner)
    with pytest.raises(SimulationError, match=r"not finite.*smaller learning rate"):
        learner.run(*trial())


def test_states_that_are_not_finite_leave_the_weights_alone() -> None:
    inputs, targets = trial()
    inputs[0, 44] = 1e308
    told, learners = [], pair(network(), "eprop", precision="float64")
    for learner in learners:
        with pytest.raises(SimulationError, match="not finite") as error:
            learner.run(inputs, targets)
        told.append(str(error.value))
    assert told[0] == told[1]
    for name, values in learners[1].parameters.items():
        np.testing.assert_allclose(learners[0].parameters[name], values, rtol=1e-10)
    assert np.isfinite(learners[0].run(*trial()).losses).all()


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": nr.Sgd(RATE, momentum=0.5)},
        {"optimizer": nr.Sgd(RATE, clip_norm=1.0)},
        {"optimizer": nr.Sgd(RATE, clip_value=1.0)},
        {"optimizer": nr.Adam(RATE)},
        {"update": 2},
        {"rule": "rtrl"},
        {"rule": "eprop-adaptive"},
    ],
)
def test_where_updates_do_not_wait(options: dict[str, Any]) -> None:
    given = {"rule": "eprop", "optimizer": nr.Sgd(RATE), "update": 1} | options
    learner = nr.Learner(network(), **given)
    learner.run(*trial())
    assert not waits(learner)


def test_several_sequences_do_not_wait_for_each_other() -> None:
    one, two = pair(network(), "eprop", precision="float64")
    for learner in (one, two):
        learner.run(*trial(2))
    assert_close(one, two, 1e-10)


def test_work_follows_events() -> None:
    """What is added to gradients: own synapses of live units, and readouts at every step."""
    one, two = pair(network(), "eprop")
    for learner in (one, two):
        learner.run(*trial())
    assert one.ledger.sensitive == two.ledger.sensitive
    own = one.parameters["x_h"].size + one.parameters["h_h"].size
    assert two.ledger.multiply_adds - one.ledger.multiply_adds > 0.5 * own * LOSSES

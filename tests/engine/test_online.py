"""Updates within a call of a kernel are, to the last bit, those of an optimizer in Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.contracts import Optimizer
from neuro_rtrl.engine import online
from neuro_rtrl.errors import DescriptionError, SimulationError
from neuro_rtrl.optimizers.delayed_sgd import DelayedSgd
from neuro_rtrl.rewiring.deep_r import DeepR

STEPS = 130
OPTIMIZERS: list[Any] = [
    lambda: nr.Sgd(1e-3, momentum=0.5),
    lambda: nr.Adam(1e-3, clip_norm=0.5),
    lambda: nr.AdamW(1e-3, schedule="cosine", steps=50),
    lambda: nr.RmsProp(1e-4, clip_value=0.1),
]


class Hidden:
    """An optimizer whose steps no kernel can take."""

    def __init__(self, inner: Optimizer) -> None:
        self.inner = inner

    def update(self, values: np.ndarray, gradient: np.ndarray) -> None:
        self.inner.update(values, gradient)


def network(model: str = "lif", delay: str = "0 ms", frozen: bool = False) -> nr.Network:
    net = nr.Network(dt="1 ms", seed=1)
    x, h = net.inputs(20, name="x"), net.neurons(40, model, name="h")
    y = net.neurons(2, "leaky_readout", name="y")
    net.connect(x, h, density=0.5, weights="normal(0, 0.6)", learn=not frozen)
    net.connect(h, h, density=0.3, weights="normal(0, 0.3)", delay=delay)
    net.connect(h, y)
    return net


def trial(batch: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Errors are missing in some steps."""
    rng = np.random.default_rng(0)
    targets = rng.standard_normal((batch, STEPS, 2))
    targets[:, 40:60] = np.nan
    return (rng.random((batch, STEPS, 20)) < 0.1) * 1.0, targets


def inside(learner: nr.Learner) -> bool:
    return learner._session._inside._able


def pair(net: nr.Network, rule: str, optimizer: Any, update: int) -> tuple[nr.Learner, nr.Learner]:
    """One that learns within kernels, and one that does not."""
    one = nr.Learner(net, rule, optimizer(), update=update)
    two = nr.Learner(net, rule, Hidden(optimizer()), update=update)
    assert (inside(one), inside(two)) == (True, False)
    return one, two


def assert_same(one: nr.Learner, two: nr.Learner) -> None:
    for name, values in two.parameters.items():
        np.testing.assert_array_equal(one.parameters[name], values)
    for name, values in two.gradient.items():
        np.testing.assert_array_equal(one.gradient[name], values)
    assert one.ledger == two.ledger


def assert_alike(one: nr.Learner, two: nr.Learner) -> None:
    before = {name: values.copy() for name, values in one.parameters.items()}
    for _ in range(2):
        a, b = one.run(*trial(), spikes=True), two.run(*trial(), spikes=True)
        np.testing.assert_array_equal(a.losses, b.losses)
        np.testing.assert_array_equal(a.predictions, b.predictions)
        np.testing.assert_array_equal(a.spikes["h"], b.spikes["h"])
        assert a.loss == b.loss
    assert a.spikes["h"][0].size > 50
    assert max(np.abs(values - before[name]).max() for name, values in one.parameters.items()) > 0
    assert_same(one, two)


@pytest.mark.parametrize("update", [1, 7])
@pytest.mark.parametrize("rule", ["eprop", "d-rtrl", "snap-1", "rtrl", "snap-2", "eprop-random"])
def test_every_rule(rule: str, update: int) -> None:
    assert_alike(*pair(network(), rule, OPTIMIZERS[1], update))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("frozen", [False, True])
def test_every_optimizer(optimizer: Any, frozen: bool) -> None:
    net = network("alif", "uniform(0 ms, 3 ms)", frozen)
    assert_alike(*pair(net, "d-rtrl", optimizer, 3))


@pytest.mark.parametrize("rule", ["eprop", "rtrl"])
def test_many_calls(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(online, "MOST_STEPS", 16)
    assert_alike(*pair(network(), rule, OPTIMIZERS[2], 3))


def test_a_record_that_fills_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuro_rtrl.engine.stream.RECORD_EVENTS", 20)
    assert_alike(*pair(network(), "eprop", OPTIMIZERS[0], 2))


@pytest.mark.parametrize("rule", ["eprop", "rtrl"])
@pytest.mark.parametrize("update", [1, 4])
def test_single_steps(rule: str, update: int) -> None:
    one, two = pair(network(), rule, OPTIMIZERS[1], update)
    inputs, targets = trial()
    for x, target in zip(inputs[0, :70], targets[0], strict=False):
        given = None if np.isnan(target).any() else target
        np.testing.assert_array_equal(one.step(x, given), two.step(x, given))
    assert_same(one, two)


@pytest.mark.parametrize("every", [1, 5, 11])
@pytest.mark.parametrize("update", [1, 4])
def test_pauses(update: int, every: int) -> None:
    """They come after as many steps as without updates inside, and change nothing."""
    one, two = pair(network(), "eprop", OPTIMIZERS[1], update)
    seen: dict[int, list[int]] = {0: [], 1: []}
    found = []
    for number, learner in enumerate((one, two)):

        def between(done: int, number: int = number) -> int:
            seen[number].append(done)
            return every

        found.append(learner.run(*trial(), between=between))
    assert seen[0] == seen[1]
    assert len(seen[0]) > STEPS // (every + 1) - 3
    np.testing.assert_array_equal(found[0].losses, found[1].losses)
    assert_same(one, two)


def test_a_run_goes_on_from_a_pause() -> None:
    whole, first, second = (nr.Learner(network(), "eprop", nr.Adam(1e-3)) for _ in range(3))
    wanted = whole.run(*trial())
    kept: list[Any] = []

    def between(done: int) -> int:
        if done > 60:
            second.restore(first.state())
            kept.append(done)
            raise KeyboardInterrupt
        return 30

    with pytest.raises(KeyboardInterrupt):
        first.run(*trial(), between=between)
    found = second.run(*trial())
    assert kept
    np.testing.assert_array_equal(found.losses, wanted.losses)
    assert found.loss == wanted.loss
    for name, values in whole.parameters.items():
        np.testing.assert_array_equal(second.parameters[name], values)


@pytest.mark.parametrize("rule", ["eprop", "rtrl"])
@pytest.mark.parametrize("rate", [1e80, 1e300, 1.7e308])
def test_what_is_not_finite_is_told_alike(rule: str, rate: float) -> None:
    told = []
    for learner in pair(network(), rule, lambda: nr.Sgd(rate, momentum=0.1), 1):
        with pytest.raises(SimulationError, match="not finite") as error:
            learner.run(*trial())
        told.append(str(error.value))
    assert told[0] == told[1]


@pytest.mark.parametrize("rule", ["eprop", "rtrl"])
def test_states_are_looked_at_before_each_update(rule: str) -> None:
    """Also in steps without an error, which leave no mark on the gradient."""
    inputs, targets = trial()
    inputs[0, 44] = 1e308
    told = []
    one, two = pair(network(), rule, OPTIMIZERS[1], 2)
    for learner in (one, two):
        with pytest.raises(SimulationError, match="not finite") as error:
            learner.run(inputs, targets)
        told.append(str(error.value))
    assert told[0] == told[1]
    assert "step 4" in told[0]
    assert done(one) == done(two) == 22


def done(learner: nr.Learner) -> int:
    """Updates that its optimizer has counted."""
    optimizer: Any = learner._session.optimizer
    count: int = (optimizer.inner if isinstance(optimizer, Hidden) else optimizer).steps.done
    return count


def test_updates_that_were_done_are_counted_when_a_run_ends_in_an_error() -> None:
    one, two = pair(network(), "eprop", lambda: nr.Adam(1e200), 1)
    for learner in (one, two):
        with pytest.raises(SimulationError):
            learner.run(*trial())
    assert done(one) == done(two) > 0


class Halved(nr.Adam):
    """Does something else with the gradient."""

    def update(self, values: np.ndarray, gradient: np.ndarray) -> None:
        super().update(values, 0.5 * gradient)


class Counted(Hidden):
    """Has a number of the name of what kernels look for."""

    steps = 0

    def __init__(self) -> None:
        super().__init__(nr.Sgd(1e-3))


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": Halved(1e-3)},
        {"optimizer": Counted()},
        {"optimizer": DelayedSgd(1e-3, 2)},
        {"rule": "eprop-adaptive"},
        {"rule": "rtrl-tolerance-1e-2"},
        {"rewiring": DeepR(1e-3)},
        {"optimizer": None},
        {"update": "sequence"},
    ],
)
def test_where_something_else_has_to_see_each_update(options: dict[str, Any]) -> None:
    given = {"rule": "eprop", "optimizer": nr.Adam(1e-3), "update": 5} | options
    if "rewiring" in options:
        given["rule"] = "rtrl"
    learner = nr.Learner(network(), **given)
    learner.run(*trial())
    assert not inside(learner)


@pytest.mark.parametrize("size", [0, 3, 5000])
def test_a_forged_memory_is_refused(size: int) -> None:
    """Kernels do not look where arrays end."""
    first, second = (nr.Learner(network(frozen=True), "eprop", nr.Adam(1e-3)) for _ in range(2))
    first.run(*trial())
    kept = first.state()
    places = [place for place in kept.arrays if "/steps/_" in place]
    assert len(places) == 2
    kept.arrays[places[1]] = np.zeros(size)
    second.restore(kept)
    with pytest.raises(DescriptionError, match="remembers other values"):
        second.run(*trial())
    with pytest.raises(DescriptionError, match="remembers other values"):
        second.step(trial()[0][0, 0], [0.0, 0.0])


def test_where_nothing_learns_nothing_changes() -> None:
    net = nr.Network(dt="1 ms", seed=1)
    x, h, y = net.inputs(20), net.neurons(4, "lif"), net.neurons(2, "leaky_readout")
    for source, target in ((x, h), (h, y)):
        net.connect(source, target, learn=False)
    learner = nr.Learner(net, "eprop", nr.Adam(1.0))
    before = learner._built.values.copy()
    learner.run(*trial())
    np.testing.assert_array_equal(learner._built.values, before)


def test_several_sequences_learn_together() -> None:
    one = nr.Learner(network(), "eprop", nr.Adam(1e-3), update=5)
    two = nr.Learner(network(), "eprop", Hidden(nr.Adam(1e-3)), update=5)
    for learner in (one, two):
        learner.run(*trial(2))
    assert_same(one, two)

"""Rules that drop, forget or redirect: each equals the twin that does so literally."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine.feedback import Feedback, to_readouts
from neuro_rtrl.engine.lanes import RowsRule
from neuro_rtrl.network.auxiliary import with_models
from neuro_rtrl.registry import find
from neuro_rtrl.rules import eprop
from tests.reference.masked import masked_gradient
from tests.reference.networks import plain, random_case
from tests.reference.variants import Active, Diagonal, Fed, Layered


def gradient(case: Any, rule: Any, **options: Any) -> dict[str, np.ndarray]:
    learner = nr.Learner(
        case.net, rule=rule, precision="float64", loss=case.loss, update="sequence", **options
    )
    learner.run(case.inputs[None], case.targets[None])
    return dict(learner.gradient)


def flat(arrays: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([arrays[name] for name in sorted(arrays)])


def assert_same(found: Any, wanted: Any, tolerance: float = 1e-10) -> None:
    size = max(abs(a).max(initial=0.0) for a in wanted.values())
    assert size > 0
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=tolerance * size, err_msg=name)


@pytest.mark.parametrize("rule", ["ostl", "d-rtrl"])
@pytest.mark.parametrize("model", [*plain(), "all"])
def test_layers(model: str, rule: str) -> None:
    case = random_case(np.random.default_rng([3, 7]), None if model == "all" else (model,))
    twin = Layered(case.net) if rule == "ostl" else Diagonal(case.net)
    assert_same(gradient(case, rule), twin.gradient(case.inputs, case.targets, case.loss))


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("models", [("lif",), ("alif",), ("egru",), ("lif", "alif", "egru")])
def test_active_reach(models: tuple[str, ...], order: int) -> None:
    case = random_case(np.random.default_rng([order, 17]), models)
    wanted = Active(case.net, order - 1).gradient(case.inputs, case.targets, case.loss)
    assert_same(gradient(case, f"snap-active-{order}"), wanted)


@pytest.mark.parametrize("seed", range(3))
def test_large_active_order_is_exact(seed: int) -> None:
    case = random_case(np.random.default_rng([seed, 9]))
    assert_same(gradient(case, "snap-active-50"), gradient(case, "rtrl"), 1e-12)
    assert_same(gradient(case, "random-paths-1000"), gradient(case, "rtrl"), 1e-12)
    assert_same(gradient(case, "rtrl-tolerance-0"), gradient(case, "rtrl"), 1e-12)


def test_activity_drops_more_than_the_graph() -> None:
    """A direct synapse that is never live does not open a way for a longer one."""
    different = 0
    for seed in range(4):
        case = random_case(np.random.default_rng([seed, 21]))
        static, active = (flat(gradient(case, r)) for r in ("snap-2", "snap-active-2"))
        different += not np.allclose(static, active, rtol=1e-9)
    assert different > 0


def with_feedback(case: Any, weights: dict[Any, float]) -> RowsRule:
    def replace(built: Any) -> tuple[np.ndarray, np.ndarray]:
        places = to_readouts(built)
        names = [(p.name, k) for p in built.plan.populations for k in range(p.n)]
        ends = zip(built.plan.wiring.source[places], built.wires.target[places], strict=True)
        return places, np.array([weights[names[a], names[b]] for a, b in ends])

    return RowsRule("fed", "", pattern=eprop.pattern, feedback=Feedback(replace))


@pytest.mark.parametrize("model", [*plain()])
def test_feedback_weights(model: str) -> None:
    rng = np.random.default_rng([5, 7])
    case = random_case(rng, (model,))
    units = [(p.name, k) for p in case.net.populations.values() for k in range(p.n)]
    weights = {(a, b): rng.standard_normal() for a in units for b in units}
    wanted = Fed(case.net, weights).gradient(case.inputs, case.targets, case.loss)
    assert_same(gradient(case, with_feedback(case, weights)), wanted)


def test_no_paths_is_local_and_few_lie_between() -> None:
    case = random_case(np.random.default_rng([2, 5]), ("lif",))
    exact = flat(gradient(case, "rtrl"))
    errors = [
        np.linalg.norm(flat(gradient(case, f"random-paths-{k}")) - exact) for k in (0, 1, 4, 99)
    ]
    local = flat(gradient(case, "eprop"))
    np.testing.assert_allclose(flat(gradient(case, "random-paths-0")), local, atol=1e-12)
    assert errors[0] > 1e-6 and errors[3] < 1e-12
    assert 0 < errors[1] != errors[0]


def test_random_draws_repeat_with_the_seed() -> None:
    case = random_case(np.random.default_rng([2, 5]), ("lif",))
    for rule in ("random-paths-2", "reward-eprop"):
        first, again = (flat(gradient(case, rule)) for _ in range(2))
        np.testing.assert_array_equal(first, again)


def certified(case: Any, rule: str) -> tuple[np.ndarray, float]:
    learner = nr.Learner(
        case.net, rule=rule, precision="float64", loss=case.loss, update="sequence"
    )
    learner.run(case.inputs[None], case.targets[None])
    assert learner.certificate is not None
    return flat(dict(learner.gradient)), learner.certificate


TOLERANCES = ("1e-6", "1e-3", "1e-2", "0.1", "1", "30")


def errors_and_bounds(seed: int) -> np.ndarray:
    """(tolerances, 2) over the norm of the exact gradient; no error may pass its bound."""
    case = random_case(np.random.default_rng([seed, 31]))
    exact = flat(gradient(case, "rtrl"))
    size, found = np.linalg.norm(exact), []
    for tolerance in TOLERANCES:
        dropped, bound = certified(case, f"rtrl-tolerance-{tolerance}")
        error = np.linalg.norm(dropped - exact)
        assert error <= bound * (1 + 1e-9) + 1e-12 * size, (seed, tolerance)
        found.append((error / size, bound / size))
    return np.array(found)


@pytest.mark.parametrize("seed", range(8))
def test_certificate_bounds_the_true_error(seed: int) -> None:
    assert (errors_and_bounds(seed)[:, 0] > 1e-9).any()


@pytest.mark.verification
def test_a_thousand_certificates() -> None:
    found = np.concatenate([errors_and_bounds(seed) for seed in range(180)])
    error, bound = found[found[:, 0] > 1e-6].T
    print(f"{len(found)} cases, {error.size} with an error above 1e-6; bound / error: least")
    print(f"{(bound / error).min():.3f}, median {np.median(bound / error):.1f}")
    assert len(found) > 1000 and error.size > 300


def test_tolerance_saves_work() -> None:
    case = random_case(np.random.default_rng([2, 5]), ("lif",))
    counts = []
    for rule in ("rtrl-tolerance-0", "rtrl-tolerance-0.05"):
        learner = nr.Learner(case.net, rule=rule, loss=case.loss, update="sequence")
        learner.run(case.inputs[None], case.targets[None])
        counts.append(learner.ledger.multiply_adds)
    assert counts[1] < counts[0]


def test_reward_is_right_in_the_mean() -> None:
    """Over many draws the rule descends as e-prop does on the expected reward."""
    net = nr.Network(dt="1 ms", seed=4)
    x, y = net.inputs(3, name="x"), net.neurons(3, "readout", name="y", learn="bias")
    net.connect(x, y, weights="normal(0, 1)")
    learner = nr.Learner(net, rule="reward-eprop", loss="cross_entropy", update="sequence")
    inputs, targets = np.zeros((4000, 1, 3)), np.zeros((4000, 1, 3))
    inputs[:], targets[:] = [1.0, 0.0, 0.5], [0.0, 1.0, 0.0]
    result = learner.run(inputs, targets)
    scores = result.predictions[0, 0]
    p = np.exp(scores) / np.exp(scores).sum()
    wanted = -p[1] * (np.eye(3)[1] - p)  # of the expected reward p[1], downhill
    found = learner.gradient["y.bias"]
    np.testing.assert_allclose(found, wanted, atol=4 * 0.5 / np.sqrt(4000))
    assert abs(wanted).max() > 0.05


def test_reward_with_numbers_and_without_actions() -> None:
    net = nr.Network(dt="1 ms", seed=4)
    x, y = net.inputs(1, name="x"), net.neurons(1, "readout", name="y", learn="bias")
    net.connect(x, y, weights=0.3)
    inputs, targets = np.ones((4000, 1, 1)), np.ones((4000, 1, 1))
    learner = nr.Learner(net, rule="reward-eprop", loss="mse", update="sequence")
    learner.run(inputs, targets)
    assert learner.gradient["y.bias"][0] == pytest.approx(2 * (0.3 - 1.0), rel=0.2)
    with pytest.raises(nr.NeuroRtrlError, match=r"no actions.*eprop"):
        nr.Learner(net, rule="reward-eprop", loss="bce", update="sequence").run(inputs, targets)


@pytest.mark.parametrize("rule", ["eprop-random", "eprop-adaptive", "rflo", "superspike-uniform"])
def test_feedback_reaches_layers_without_a_readout(rule: str) -> None:
    """A layer that projects to no readout learns by direct feedback, and by nothing else."""
    net = nr.Network(dt="1 ms", seed=3)
    x, a, b = net.inputs(4, name="x"), net.neurons(5, "lif", name="a"), net.neurons(5, "lif")
    y = net.neurons(1, "leaky_readout")
    first = net.connect(x, a, weights="uniform(0.3, 0.8)")
    net.connect(a, b, weights="uniform(0.3, 0.8)")
    net.connect(b, y)
    learner = nr.Learner(net, rule=rule, update="sequence")
    learner.run(np.ones((1, 40, 4)), np.ones((1, 40, 1)))
    assert np.any(learner.gradient[first.name])
    local = nr.Learner(net, rule="eprop", update="sequence")
    local.run(np.ones((1, 40, 4)), np.ones((1, 40, 1)))
    assert not np.any(local.gradient[first.name])


def test_adaptive_feedback_follows_the_weights() -> None:
    net = nr.Network(dt="1 ms", seed=3)
    x, a, y = net.inputs(4), net.neurons(5, "lif", name="a"), net.neurons(1, "leaky_readout")
    net.connect(x, a, weights="uniform(0.3, 0.8)")
    net.connect(a, y, name="out")
    learner = nr.Learner(net, rule="eprop-adaptive", optimizer=nr.Sgd(0.1), update="sequence")
    route = learner._session.shared.route
    before, old = route.fixed.copy(), learner.parameters["out"].copy()
    for _ in range(2):
        learner.run(np.ones((1, 40, 4)), np.ones((1, 40, 1)))
        new, seen = learner.parameters["out"].copy(), route.fixed.copy()
    change = new - old
    assert np.any(change)
    learner.run(np.ones((1, 40, 4)), np.ones((1, 40, 1)), learn=False)
    wanted = before.copy()
    assert not np.allclose(route.fixed, before)
    assert np.corrcoef(route.fixed - wanted, change)[0, 1] > 0.999
    assert seen.shape == before.shape


def test_decolle_learns_each_layer_from_its_own_readouts() -> None:
    net = nr.Network(dt="1 ms", seed=3)
    x, a, b = net.inputs(4, name="x"), net.neurons(5, "lif", name="a"), net.neurons(5, "lif")
    y = net.neurons(2, "leaky_readout")
    net.connect(x, a, weights="uniform(0.1, 0.2)", name="first")
    net.connect(a, b, weights="uniform(0.1, 0.4)", name="second")
    net.connect(b, y, name="out")
    inputs, targets = np.ones((1, 40, 4)), np.full((1, 40, 2), 0.5)
    learner = nr.Learner(net, rule="decolle", update="sequence")
    result = learner.run(inputs, targets)
    plain = nr.Learner(net, rule="eprop", update="sequence")
    assert result.predictions.shape == (1, 40, 2)
    assert result.loss == plain.run(inputs, targets).loss
    assert np.any(learner.gradient["first"])
    assert np.any(learner.gradient["second"])
    np.testing.assert_allclose(learner.gradient["out"], plain.gradient["out"])
    assert not np.allclose(learner.gradient["second"], plain.gradient["second"])


@pytest.mark.parametrize(
    ("rule", "nearest"),
    [("eprop-randm", "random"), ("superspike-unifrm", "uniform"), ("rflo-symetric", "symmetric")],
)
def test_typing_mistakes(rule: str, nearest: str) -> None:
    with pytest.raises(nr.NeuroRtrlError, match=nearest):
        find("rules", rule)


@pytest.mark.parametrize("rule", ["pp-prop-1.5", "rtrl-tolerance--1", "random-paths-x", "pp-prop-"])
def test_numbers_out_of_range(rule: str) -> None:
    with pytest.raises(nr.NeuroRtrlError, match="expected"):
        find("rules", rule)


def changed(case: Any, change: Any) -> Any:
    """The case on a network whose spiking units have another model."""
    return dataclasses.replace(case, net=with_models(case.net, change))


@pytest.mark.parametrize("model", plain())
def test_superspike_and_rflo_are_local_rules_on_changed_units(model: str) -> None:
    case = random_case(np.random.default_rng([6, 7]), (model,))
    no_reset = changed(case, lambda m: dataclasses.replace(m, reset_gradient=False))
    wanted = masked_gradient(no_reset.net, case.inputs, case.targets, case.loss, 1, local=True)
    assert_same(gradient(case, "rflo-symmetric"), wanted)
    smooth = changed(
        no_reset,
        lambda m: dataclasses.replace(
            m, surrogate=dataclasses.replace(m.surrogate, shape="fast_sigmoid", cutoff=None)
        ),
    )
    wanted = masked_gradient(smooth.net, case.inputs, case.targets, case.loss, 1, local=True)
    assert_same(gradient(case, "superspike"), wanted)


def test_rank_one_traces_by_hand() -> None:
    """A unit, a synapse, an output: the recursion of the paper, written down again."""
    rng = np.random.default_rng(8)
    x = rng.uniform(0, 1, 60)
    net = nr.Network(dt="1 ms")
    source, unit = net.inputs(1, name="x"), net.neurons(
        1, "lif", name="h", tau_m="10 ms", v_th=1.0, refractory="0 ms", reset="v -= 0",
        reset_gradient=False, surrogate={"shape": "triangle", "height": 0.3, "width": 1.0},
    )  # fmt: skip
    y = net.neurons(1, "readout", name="y")
    net.connect(source, unit, weights=0.4, name="w")
    net.connect(unit, y, weights=0.7, name="u")
    learner = nr.Learner(net, rule="pp-prop-0.8", precision="float64", update="sequence")
    result = learner.run(x[None, :, None], np.full((1, 60, 1), 0.5), spikes=True)
    assert len(result.spikes["h"][0]) > 5
    alpha, v, heard, local, total = np.exp(-1 / 10), 0.0, 0.0, 0.0, 0.0
    for xt in x:
        v, local, heard = alpha * v, 0.8 * alpha * local, 0.8 * heard
        psi, spike = 0.3 * max(0.0, 1 - abs(v - 1.0)), v > 1.0
        total += 2 * (0.7 * spike - 0.5) * 0.7 * psi * local * heard
        v, heard, local = v + 0.4 * xt, heard + xt, local + 0.2
    assert learner.gradient["w"][0] == pytest.approx(total, rel=1e-12)
    assert abs(total) > 1e-3

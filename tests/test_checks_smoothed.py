"""The smoothed network: Psi is the integral of psi, and it runs as the network does."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.checks_smoothed import Noise, smooth_step, smoothed_losses
from neuro_rtrl.contracts import Surrogate
from neuro_rtrl.equations.surrogates import SHAPES, psi
from neuro_rtrl.learner import Learner
from tests.reference.networks import Case, random_case


def losses(case: Case, values: dict[str, np.ndarray]) -> np.ndarray:
    return smoothed_losses(
        case.net, case.inputs, case.targets, case.loss, values, Noise(case.net.seed)
    )


@pytest.mark.parametrize("cut", [None, 0.7])
@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_the_slope_of_the_smooth_step_is_psi(shape: str, cut: float | None) -> None:
    surrogate = Surrogate(shape, height=0.4, width=0.9, cutoff=cut)
    for g in (-9.0, -1.3, -0.65, -0.3, 0.01, 0.2, 0.69, 0.8, 1.1, 6.0):
        ends = smooth_step(surrogate, np.array([g + 1e-6, g - 1e-6]))
        slope = float(ends[0] - ends[1]) / 2e-6
        assert slope == pytest.approx(psi(surrogate, g, True), abs=1e-6), g
    assert smooth_step(surrogate, np.zeros(1))[0] == 0.0


@pytest.mark.parametrize("seed", range(12))
def test_at_the_present_parameters_it_is_the_network(seed: int) -> None:
    """All copies alike: the losses are those of the network, step by step."""
    case = random_case(np.random.default_rng([seed, 41]))
    learner = Learner(case.net, rule="bptt", loss=case.loss, update="sequence")
    wanted = learner.run(case.inputs[None], case.targets[None], learn=False).losses[0]
    values = {k: np.repeat(v[None], 2, axis=0) for k, v in learner.parameters.items()}
    found = smoothed_losses(
        case.net, case.inputs, case.targets, case.loss, values, Noise(case.net.seed)
    )
    size = max(1.0, abs(wanted).max())
    np.testing.assert_allclose(found, [wanted, wanted], rtol=0, atol=1e-11 * size)


def test_it_is_smooth_where_the_network_jumps() -> None:
    """Smaller weights take spikes away from the network; this one only changes a little."""
    case = random_case(np.random.default_rng([1, 42]), ("lif",))
    learner = Learner(case.net, rule="bptt", loss=case.loss, update="sequence")
    values = {k: np.stack([v, 0.98 * v]) for k, v in learner.parameters.items()}
    found = smoothed_losses(
        case.net, case.inputs, case.targets, case.loss, values, Noise(case.net.seed)
    )
    near = {k: np.stack([v, (1 - 1e-8) * v]) for k, v in learner.parameters.items()}
    close = smoothed_losses(
        case.net, case.inputs, case.targets, case.loss, near, Noise(case.net.seed)
    )
    moved, little = (abs(x[1].sum() - x[0].sum()) for x in (found, close))
    assert 0 < little < 1e-4 * moved

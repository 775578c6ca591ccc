"""SK-RTRL: between SnAp-1 and exact, and never further off than it says."""

from __future__ import annotations

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.registry import find
from neuro_rtrl.rules.sk_rtrl import RULE
from tests.reference.networks import plain, random_case
from tests.reference.tangents import data, exact, flat, network, random_small


def gradient(rule: str) -> nr.Learner:
    learner = nr.Learner(network(), rule, update="sequence", precision="float64")
    learner.run(*data())
    return learner


def test_it_says_what_it_is() -> None:
    assert RULE.name == "sk-rtrl-8" and RULE.online and "bound" in RULE.exactness
    assert find("rules", "sk-rtrl") is RULE


def test_rank_0_is_snap_1() -> None:
    snap, sketch = gradient("snap-1"), gradient("sk-rtrl-0")
    assert np.linalg.norm(flat(snap) - exact()) > 0.01 * np.linalg.norm(exact())
    np.testing.assert_allclose(flat(sketch), flat(snap), rtol=1e-14)


def test_a_large_rank_is_exact_and_knows_it() -> None:
    learner = gradient("sk-rtrl-100")
    size = np.linalg.norm(exact())
    np.testing.assert_allclose(flat(learner), exact(), atol=1e-10 * size)
    assert learner.certificate is not None and learner.certificate < 1e-8 * size


@pytest.mark.parametrize("model", plain())
def test_every_model(model: str) -> None:
    case = random_case(np.random.default_rng([1, 41]), (model,))
    wanted = np.concatenate([case.twin.gradient[k] for k in sorted(case.twin.gradient)])
    for rank in (2, 200):
        learner = nr.Learner(case.net, f"sk-rtrl-{rank}", loss=case.loss, update="sequence")
        learner.run(case.inputs[None], case.targets[None])
        error = np.linalg.norm(flat(learner) - wanted)
        assert learner.certificate is not None
        assert error <= learner.certificate + 1e-12 * np.linalg.norm(wanted)
    assert error < 1e-10 * np.linalg.norm(wanted)


def test_error_and_bound_fall_with_the_rank() -> None:
    found = [gradient(f"sk-rtrl-{rank}") for rank in (0, 4, 16)]
    errors = [np.linalg.norm(flat(learner) - exact()) for learner in found]
    bounds = [learner.certificate for learner in found]
    assert errors[0] > errors[1] > errors[2] and bounds[0] > bounds[1] > bounds[2]


def certificates(seeds: range) -> np.ndarray:
    """(cases, 2): true error and its bound, over the norm of the exact gradient."""
    found = []
    for seed in seeds:
        rng = np.random.default_rng([seed, 42])
        net, inputs, targets = random_small(rng)
        rank, learners = int(rng.integers(0, 5)), []
        for rule in ("rtrl", f"sk-rtrl-{rank}"):
            learners.append(nr.Learner(net, rule, update="sequence", precision="float64"))
            learners[-1].run(inputs, targets)
        wanted, certificate = flat(learners[0]), learners[1].certificate
        size = np.linalg.norm(wanted)
        if size > 0 and certificate is not None:
            found.append((np.linalg.norm(flat(learners[1]) - wanted) / size, certificate / size))
    return np.array(found)


def check(found: np.ndarray) -> None:
    error, bound = found.T
    # Two ways of adding up the same numbers differ by rounding.
    assert (error <= bound + 1e-13).all()
    assert (error > 1e-3).sum() > 0.3 * len(found)


def test_the_bound_is_never_below_the_error() -> None:
    check(certificates(range(40)))


@pytest.mark.verification
def test_a_thousand_bounds() -> None:
    found = certificates(range(1400))
    check(found)
    error, bound = found[found[:, 0] > 1e-6].T
    ratio = bound / error
    print(f"{len(found)} cases, {ratio.size} with an error above 1e-6; bound / error: least")
    print(f"{ratio.min():.3f}, quartiles {np.round(np.quantile(ratio, [0.25, 0.5, 0.75]), 1)}")
    assert len(found) >= 1000


@pytest.mark.parametrize("order", ["x", "10001", "-1", ""])
def test_wrong_ranks_are_refused(order: str) -> None:
    with pytest.raises(nr.NeuroRtrlError, match=r"rank of sk-rtrl|unknown rule"):
        find("rules", f"sk-rtrl-{order}")

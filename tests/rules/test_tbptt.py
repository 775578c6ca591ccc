"""`tbptt-K`: the readable twin with its derivatives cut, updates, refusals, memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine import stream as streams
from neuro_rtrl.registry import find
from tests.reference.networks import Case, plain, random_case
from tests.reference.windowed import windowed_gradient


def learner(case: Case, rule: str, **changes: Any) -> nr.Learner:
    options = {"precision": "float64", "loss": case.loss, "update": "sequence"}
    return nr.Learner(case.net, rule=rule, **(options | changes))


def gradient(case: Case, rule: str) -> dict[str, np.ndarray]:
    one = learner(case, rule)
    one.run(case.inputs[None], case.targets[None])
    return dict(one.gradient)


def assert_same(
    found: dict[str, np.ndarray], wanted: dict[str, np.ndarray], tolerance: float
) -> None:
    size = max(abs(a).max(initial=0.0) for a in wanted.values())
    assert size > 0
    assert set(found) == set(wanted)
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=tolerance * size, err_msg=name)


@pytest.mark.parametrize("window", [1, 4])
@pytest.mark.parametrize("model", plain())
def test_every_model_is_the_twin_cut_at_windows(model: str, window: int) -> None:
    for draw in range(9):
        case = random_case(np.random.default_rng([draw, window, 21]), (model,))
        wanted = windowed_gradient(case.net, case.inputs, case.targets, case.loss, window)
        # A window of one step may hold no path from a weight to an error.
        if any(array.any() for name, array in wanted.items() if "y" not in name):
            break
    assert_same(gradient(case, f"tbptt-{window}"), wanted, 1e-10)


@pytest.mark.parametrize("seed", range(6))
def test_mixed_networks_are_the_twin_cut_at_windows(seed: int) -> None:
    rng = np.random.default_rng([seed, 22])
    case, window = random_case(rng), int(rng.integers(1, 12))
    wanted = windowed_gradient(case.net, case.inputs, case.targets, case.loss, window)
    assert_same(gradient(case, f"tbptt-{window}"), wanted, 1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_a_cut_matters(seed: int) -> None:
    """Without it the twin is another one: the comparison above can fail."""
    case = random_case(np.random.default_rng([seed, 23]))
    with pytest.raises(AssertionError, match="Mismatch"):
        assert_same(gradient(case, "tbptt-2"), case.twin.gradient, 1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_a_window_as_long_as_the_sequence_is_bptt(seed: int) -> None:
    case = random_case(np.random.default_rng([seed, 24]))
    steps = len(case.inputs)
    wanted = gradient(case, "bptt")
    for window in (steps, steps + 1, 1000):
        assert_same(gradient(case, f"tbptt-{window}"), wanted, 1e-12)


def test_updates_within_a_sequence_fall_at_windows() -> None:
    """Chunks of windows, each with its update, are the windows of the whole sequence."""
    case = random_case(np.random.default_rng(25))
    wanted = learner(case, "tbptt-3")
    result = wanted.run(case.inputs[None], case.targets[None])
    for update in (3, 6, 9):
        found = learner(case, "tbptt-3", update=update)
        same = found.run(case.inputs[None], case.targets[None])
        np.testing.assert_array_equal(same.predictions, result.predictions)
        np.testing.assert_array_equal(same.losses, result.losses)
    total = {name: np.zeros_like(g) for name, g in wanted.gradient.items()}
    for t in range(0, len(case.inputs), 6):
        only = np.full_like(case.targets, np.nan)
        only[t : t + 6] = case.targets[t : t + 6]
        one = learner(case, "tbptt-3", update=6)
        one.run(case.inputs[None], only[None], learn=False)
        for name, array in one.gradient.items():
            total[name] += array
    assert_same(total, dict(wanted.gradient), 1e-12)


def test_it_learns_within_a_sequence() -> None:
    """With an update at every window the loss falls within a sequence."""
    rng = np.random.default_rng(26)
    losses = {}
    for update in (5, "sequence"):
        net = nr.Network(seed=3)
        x, h, y = net.inputs(3), net.neurons(8, "vanilla"), net.neurons(1, "readout")
        net.connect(x, h)
        net.connect(h, h)
        net.connect(h, y)
        one = nr.Learner(net, rule="tbptt-5", optimizer=nr.Sgd(0.05), update=update)
        inputs = rng.standard_normal((1, 400, 3))
        target = np.tanh(inputs[:, :, :1] + 0.5 * np.roll(inputs[:, :, 1:2], 2, axis=1))
        losses[update] = one.run(inputs, target).losses[0, 200:].mean()
    assert losses[5] < 0.5 * losses["sequence"]


@pytest.mark.parametrize(("update", "nearest"), [("step", 4), (2, 4), (5, 4), (6, 8), (11, 12)])
def test_updates_between_windows_are_refused(update: Any, nearest: int) -> None:
    case = random_case(np.random.default_rng(27))
    with pytest.raises(nr.NeuroRtrlError, match=rf"tbptt-4 has a gradient .* update={nearest}\."):
        learner(case, "tbptt-4", update=update)


def test_single_steps_are_refused_by_name() -> None:
    case = random_case(np.random.default_rng(28))
    with pytest.raises(nr.NeuroRtrlError, match=r"the rule tbptt-4 needs whole windows"):
        learner(case, "tbptt-4").step(case.inputs[0])


def test_windows_of_one_step_go_step_by_step() -> None:
    case = random_case(np.random.default_rng(29))
    one = learner(case, "tbptt-1")
    for x, y in zip(case.inputs, case.targets, strict=True):
        one.step(x, y)
    assert_same(dict(one.gradient), gradient(case, "tbptt-1"), 1e-12)


def test_a_batch_in_lanes_is_the_mean() -> None:
    case = random_case(np.random.default_rng(30))
    inputs = np.stack([case.inputs, case.inputs[::-1]])
    targets = np.stack([case.targets, case.targets[::-1]])
    found = {}
    for update in ("sequence", 1000 * 4):
        one = learner(case, "tbptt-4", update=update)
        one.run(inputs, targets)
        found[update] = dict(one.gradient)
    assert_same(found[4000], found["sequence"], 1e-12)


def test_a_full_record_of_spikes_does_not_disturb_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    case = random_case(np.random.default_rng(31), ("lif",))
    wanted = gradient(case, "tbptt-7")
    monkeypatch.setattr(streams, "RECORD_EVENTS", 3)
    one = learner(case, "tbptt-7")
    result = one.run(case.inputs[None], case.targets[None], spikes=True)
    assert result.spikes["h0"][0].size > 6
    for name, array in wanted.items():
        np.testing.assert_array_equal(one.gradient[name], array)


def test_memory_is_that_of_a_window() -> None:
    case = random_case(np.random.default_rng(32), ("lif",))
    sizes = {}
    for rule in ("tbptt-5", "bptt"):
        for copies in (1, 20):
            one = learner(case, rule)
            one.run(
                np.tile(case.inputs, (copies, 1))[None], np.tile(case.targets, (copies, 1))[None]
            )
            sizes[rule, copies] = one.ledger.influence_bytes
    assert sizes["tbptt-5", 1] == sizes["tbptt-5", 20]
    assert sizes["bptt", 20] > 5 * sizes["bptt", 1]


@pytest.mark.parametrize("length", ["0", "x", "1000001", ""])
def test_wrong_lengths_are_refused(length: str) -> None:
    with pytest.raises(nr.NeuroRtrlError, match=r"a whole number of steps from 1"):
        find("rules", f"tbptt-{length}")

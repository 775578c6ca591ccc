"""What is owed to the weights stays owed in pauses, and is seen by whoever looks at them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from tests.engine.test_online import STEPS, Hidden, network, trial
from tests.engine.test_postponed import LOCAL, RATE, assert_close, copied, pair, waits


def assert_equal(one: nr.Learner, two: nr.Learner) -> None:
    for found, wanted in ((one.parameters, two.parameters), (one.gradient, two.gradient)):
        for name, values in wanted.items():
            np.testing.assert_array_equal(found[name], values)


def test_a_record_that_fills_up(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = (nr.Learner(network(), "eprop", nr.Sgd(RATE)) for _ in range(2))
    wanted = one.run(*trial(), spikes=True)
    monkeypatch.setattr("neuro_rtrl.engine.stream.RECORD_EVENTS", 20)
    found = two.run(*trial(), spikes=True)
    np.testing.assert_array_equal(found.losses, wanted.losses)
    np.testing.assert_array_equal(found.spikes["h"], wanted.spikes["h"])
    assert_equal(one, two)


@pytest.mark.parametrize("every", [1, 5, 11])
@pytest.mark.parametrize("rule", LOCAL)
def test_pauses_change_nothing(rule: str, every: int) -> None:
    """Not a bit; and in each of them the weights are those of an update at every step."""
    one, two, eager = (nr.Learner(network(), rule, o, precision="float64") for o in optimizers(3))
    seen: list[list[dict[str, np.ndarray]]] = [[], []]
    wanted = one.run(*trial())
    for learner, found in zip((two, eager), seen, strict=True):
        result = learner.run(*trial(), between=looking(learner, found, every))
        np.testing.assert_allclose(result.losses, wanted.losses, rtol=1e-9)
    assert_equal(one, two)
    assert len(seen[0]) == len(seen[1]) > STEPS // (every + 1) - 3
    for a, b in zip(*seen, strict=True):
        for name, values in b.items():
            np.testing.assert_allclose(a[name], values, rtol=0, atol=1e-11)
    assert any(np.any(a["h_h"] != seen[0][0]["h_h"]) for a in seen[0])


def optimizers(count: int) -> list[Any]:
    """The last of them is one that no kernel can take."""
    return [*(nr.Sgd(RATE) for _ in range(count - 1)), Hidden(nr.Sgd(RATE))]


def looking(learner: nr.Learner, found: list[dict[str, np.ndarray]], every: int) -> Any:
    """Notes the weights in pauses that come after as many updates, whether these wait or not."""

    def between(done: int) -> int:
        found.append(copied(learner))
        return every + (waits(learner) and done > 0)

    return between


@pytest.mark.parametrize("rule", LOCAL)
def test_a_run_goes_on_from_a_pause(rule: str) -> None:
    """In another learner, with all that is owed, to the last bit."""
    whole, first, second = (nr.Learner(network(), rule, nr.Sgd(RATE)) for _ in range(3))
    wanted = whole.run(*trial())

    def between(done: int) -> int:
        if done > 60:
            second.restore(first.state())
            raise KeyboardInterrupt
        return 30

    with pytest.raises(KeyboardInterrupt):
        first.run(*trial(), between=between)
    found = second.run(*trial())
    np.testing.assert_array_equal(found.losses, wanted.losses)
    assert_equal(whole, second)


def test_weights_that_somebody_changes_in_a_pause() -> None:
    one, two = pair(network(), "eprop", precision="float64")

    def halve(learner: nr.Learner) -> None:
        learner.set_parameters({"h_h": 0.5 * learner.parameters["h_h"]})

    def between(done: int) -> int:
        if done:
            halve(one)
        return STEPS if done else 50

    one.run(*trial(), between=between)
    for t, (x, target) in enumerate(zip(trial()[0][0], trial()[1][0], strict=True)):
        if t == 50:
            halve(two)
        two.step(x, None if np.isnan(target).any() else target)
    assert_close(one, two, 1e-10)


def test_a_run_that_somebody_broke_off() -> None:
    one, two = pair(network(), "eprop", precision="float64")

    def between(done: int) -> int:
        if done:
            raise KeyboardInterrupt
        return 50

    with pytest.raises(KeyboardInterrupt):
        one.run(*trial(), between=between)
    for x, target in zip(trial()[0][0, :50], trial()[1][0], strict=False):
        two.step(x, None if np.isnan(target).any() else target)
    for learner in (one, two):
        learner.run(*trial())
    assert_close(one, two, 1e-10)

"""The least possible number of multiply-adds: by hand, and against dense influence."""

from __future__ import annotations

import numpy as np
import pytest

import neuro_rtrl as nr
from benchmarks import least
from benchmarks.network import Case, describe, make
from tests.engine.test_ledger import chain


def test_a_chain_by_hand() -> None:
    """input -> a -> b -> y with weights of 2: a and b spike once each, so high that
    only a triangle of half-width 0.95 is not zero. a has one parameter when it spikes, b two, and
    each has one target.
    """
    walk = least.Walk(least.wires(chain()), 0.95).run(np.array([[1.0], [0.0], [0.0]]))
    assert (walk.spikes, walk.live) == (2, 2)
    assert walk.least == 1 * 1 + 1 * 2


def test_a_spike_outside_the_support_empties_its_row() -> None:
    walk = least.Walk(least.wires(chain()), 0.5).run(np.array([[1.0], [0.0], [0.0]]))
    assert (walk.spikes, walk.live, walk.least) == (2, 0, 0)
    assert not walk.there[1:3].any()
    assert walk.there[3, 2] and walk.there[3].sum() == 1


@pytest.mark.parametrize("delays", [False, True])
def test_the_ledger_is_near_the_least_possible(delays: bool) -> None:
    if delays:
        rng = np.random.default_rng(1)
        x, target = least.stream(rng, 60, 0.1), rng.normal(size=(60, 2))
        net, width = least.pair(3.0), 0.3
        assert {int(d) for d in np.unique(least.wires(net).delay)} == {0, 1, 2, 3}
    else:
        problem = make(Case(48, 1.0, 1.0), 300)
        x, target, net, width = problem.x, problem.target, describe(problem), 0.3
    found = least.compared(net, x, target, width)
    assert "absent" not in found.details
    assert found.details["spikes"] > 50
    assert 1.0 < found.details["counted_over_least"] < (1.3 if not delays else 2.0)
    # Windows sum over more columns than are alive at each step.
    replayed = least.compared(net, x, target, width, windows=True)
    assert replayed.details["counted_over_least"] > found.details["counted_over_least"]


def test_entries_are_those_of_influence() -> None:
    """What the walk calls there is where the package's influence is not zero, at the end."""
    problem = make(Case(12, 0.4, 0.4, rate=0.05), 80)
    walk = least.Walk(least.wires(describe(problem)), 0.3).run(problem.x)
    net = describe(problem)
    learner = nr.Learner(net, update="sequence", precision="float64")
    looked = learner.influence(problem.x, units={"hidden": list(range(12))}, every=80 - 1)
    hidden = looked["hidden"]
    sizes, first = [p.pre.size for p in net.projections.values()], 100
    offsets = dict(zip(net.projections, np.cumsum([0, *sizes]), strict=False))
    there = np.zeros_like(walk.there)
    last = hidden.step == hidden.step.max()
    for unit, name, number in zip(
        hidden.unit[last], hidden.learned[last], hidden.number[last], strict=True
    ):
        there[first + unit, offsets[hidden.names[name]] + number] = True
    assert there.any()
    np.testing.assert_array_equal(there[first : first + 12], walk.there[first : first + 12])


def test_the_second_half_of_a_sequence() -> None:
    problem = make(Case(24, 0.5, 0.5), 100)
    given = describe(problem), problem.x, problem.target
    whole = least.compared(*given, 0.3).details
    begun = least.compared(given[0], problem.x[:50], problem.target[:50], 0.3).details
    found = least.later(*given, 0.3).details
    for name in ("least_per_step", "counted_per_step"):
        assert 0.5 * (begun[name] + found[name]) == pytest.approx(whole[name], rel=1e-12)
    assert 1.0 < found["counted_over_least"] < 2.0

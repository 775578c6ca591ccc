"""No search for garbage while much is made, and after that as before."""

from __future__ import annotations

import gc
import weakref

import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine import build
from neuro_rtrl.kernels.uncollected import uncollected


def test_an_error_does_not_leave_it_off() -> None:
    with pytest.raises(ZeroDivisionError), uncollected():
        assert not gc.isenabled()
        raise ZeroDivisionError
    assert gc.isenabled()


def test_what_the_caller_switched_off_stays_off() -> None:
    gc.disable()
    try:
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_one_inside_another_does_not_switch_it_on() -> None:
    with uncollected():
        with uncollected():
            pass
        assert not gc.isenabled()


def test_building_is_free_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    plan = build.plan
    monkeypatch.setattr(build, "plan", lambda net: seen.append(gc.isenabled()) or plan(net))
    net = nr.Network(dt="1 ms")
    net.neurons(1, "lif", name="unit")
    nr.Simulation(net)
    assert seen == [False]
    assert gc.isenabled()


class Ring:
    """Garbage in a cycle."""

    def __init__(self) -> None:
        self.itself = self


@pytest.mark.parametrize("many", [True, False])
def test_many_objects_count_as_old_and_are_collected_in_the_end(
    many: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neuro_rtrl.kernels.uncollected.MANY", 10 if many else 10**6)
    gc.collect()
    with uncollected():
        lost = weakref.ref(Ring())
        kept = [[i] for i in range(100)]
    young = any(one is kept[0] for one in gc.get_objects(generation=0))
    assert young is not many
    gc.collect()
    assert lost() is None and len(kept) == 100


def test_what_is_frozen_stays_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuro_rtrl.kernels.uncollected.MANY", 0)
    gc.freeze()
    try:
        with uncollected():
            pass
        assert gc.get_freeze_count() > 1000
    finally:
        gc.unfreeze()

"""No search for garbage while much is made, and after that as before."""

from __future__ import annotations

import gc

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

"""One known number for each shipped neuroscience model: a rate, an equilibrium, a variance."""

from __future__ import annotations

import math

import numpy as np
import pytest

import neuro_rtrl as nr


def rate(model: str, *, seconds: float = 1.0, dt: str = "0.05 ms", **parameters: str) -> float:
    """Spikes in a second of one unit without input, after 0.2 s; in hertz."""
    net = nr.Network(dt=dt)
    net.neurons(1, model, name="unit", **parameters)
    steps = round((seconds + 0.2) / net.dt)
    times = nr.simulate(net, steps=steps)["unit"].t
    late = times[times > 0.2]
    return float((late.size - 1) / (late[-1] - late[0]))


def test_lif_conductance_fires_at_its_analytic_rate() -> None:
    """Drive by the leak alone: T = t_ref + tau ln((E_l - v_reset)/(E_l - v_th))."""
    period = 5e-3 + 20e-3 * math.log((-45 + 60) / (-45 + 50))
    assert rate("lif_conductance", E_l="-45 mV") == pytest.approx(1 / period, rel=0.01)


def test_lif_alpha_peaks_at_its_weight() -> None:
    net = nr.Network(dt="0.1 ms")
    x, unit = net.inputs(1), net.neurons(1, "lif_alpha", name="unit")
    net.connect(x, unit, weights=0.5)
    inputs = np.zeros((200, 1))
    inputs[0] = 1
    current = nr.simulate(net, inputs, record=["unit.current"]).states["unit.current"][0]
    assert current.max() == pytest.approx(0.5, rel=1e-4)
    assert np.argmax(current) == pytest.approx(50, abs=1)


def test_quadratic_if_fires_at_sqrt_of_its_drive() -> None:
    """From -a to a: T = 2 tau/sqrt(I) atan(a/sqrt(I)) (Ermentrout & Kopell 1986)."""
    period = 2 * 10e-3 / 2 * math.atan(10 / 2)
    assert rate("quadratic_if", drive="4") == pytest.approx(1 / period, rel=0.01)


def test_exponential_if_has_its_rheobase() -> None:
    """The stable point vanishes at drive = v_T - delta_T - E_l (Fourcaud-Trocme et al. 2003)."""
    net = nr.Network(dt="0.05 ms")
    rheobase = -59.9e-3 - 3.48e-3 + 65e-3
    net.neurons(2, "exponential_if", name="unit", drive=rheobase + np.array([-1e-4, 1e-4]))
    counts = np.bincount(nr.simulate(net, steps=40_000)["unit"].i, minlength=2)
    assert counts[0] == 0 < counts[1]


def test_adex_has_the_rheobase_of_its_paper() -> None:
    """Without adaptation by voltage I = g_l (v_T - E_l - delta_T) (Brette & Gerstner 2005)."""
    rheobase = 30e-9 * (20.2e-3 - 2e-3)
    net = nr.Network(dt="0.1 ms")
    bounds = rheobase * np.array([0.99, 1.01])
    net.neurons(2, "adex", name="unit", a="0 nS", I_ext=bounds)
    counts = np.bincount(nr.simulate(net, steps=20_000)["unit"].i, minlength=2)
    assert counts[0] == 0 < counts[1]


def test_izhikevich_rests_at_minus_70() -> None:
    """0.04 v^2 + 5 v + 140 = 0.2 v at v = -70 (Izhikevich 2003)."""
    net = nr.Network(dt="0.1 ms")
    net.neurons(1, "izhikevich", name="unit")
    v = nr.simulate(net, steps=10_000, record=["unit.v"]).states["unit.v"][0, -1]
    assert v == pytest.approx(-70, abs=0.01)


def test_hodgkin_huxley_is_refractory_once_a_spike() -> None:
    """Each upstroke counts once, although v stays above -20 mV for many steps."""
    net = nr.Network(dt="0.05 ms")
    net.neurons(1, "hodgkin_huxley", name="unit", I_ext="200 pA")
    found = nr.simulate(net, steps=10_000, record=["unit.v"])
    v = found.states["unit.v"][0]
    upward = int(((v[1:] > -0.02) & (v[:-1] <= -0.02)).sum())
    assert found["unit"].i.size == pytest.approx(upward, abs=1)
    assert upward > 5


def test_nmda_block_of_jahr_and_stevens() -> None:
    """At 1 mM magnesium the conductance is 1/(1 + exp(-0.062 v)/3.57): 0.0434 at -70 mV."""
    net = nr.Network(dt="0.1 ms")
    initial = {"g_nmda": np.array([0.0, 1.0])}
    net.neurons(2, "lif_nmda", name="unit", initial=initial, magnesium="1")
    v = nr.simulate(net, steps=2, record=["unit.v"]).states["unit.v"][:, 1]
    block = 1 / (1 + math.exp(0.062 * 70) / 3.57)
    assert v[1] - v[0] == pytest.approx(1e-4 / 20e-3 * block * 70e-3, rel=1e-9)


def test_noise_has_its_stationary_variance() -> None:
    """Ornstein & Uhlenbeck: sigma^2; of Euler's steps sigma^2/(1 - dt/(2 tau))."""
    net = nr.Network(dt="0.5 ms", seed=3)
    net.neurons(400, "lif_noise", name="unit", v_th="1e9", sigma="0.3")
    v = nr.simulate(net, steps=2000, record=["unit.v"]).states["unit.v"][:, 500:]
    assert v.var() == pytest.approx(0.09 / (1 - 0.5 / 40), rel=0.03)


def test_poisson_has_its_rate_and_a_fano_factor_of_one() -> None:
    net = nr.Network(dt="0.5 ms", seed=4)
    net.neurons(1000, "poisson", name="unit", base="50 Hz")
    counts = np.bincount(nr.simulate(net, steps=2000)["unit"].i, minlength=1000)
    assert counts.mean() == pytest.approx(50, rel=0.02)
    assert counts.var() / counts.mean() == pytest.approx(1 - 0.025, rel=0.15)


def test_spike_source_is_a_clock_and_passes_on() -> None:
    net = nr.Network(dt="1 ms")
    x, unit = net.inputs(1), net.neurons(1, "spike_source", name="unit", rate="10 Hz")
    net.connect(x, unit, weights=1.0)
    inputs = np.zeros((1000, 1))
    assert nr.simulate(net, inputs)["unit"].step.tolist() == list(range(99, 1000, 100))
    inputs[5] = 1
    assert nr.simulate(net, inputs)["unit"].step[0] == 6

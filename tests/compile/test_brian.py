"""The strings that Brian2 is given, and that Brian2 takes them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from neuro_rtrl.compile.brian import BrianText, _taken, to_brian, translate, unit_text
from neuro_rtrl.equations import units
from neuro_rtrl.equations.library import model_files
from neuro_rtrl.equations.model_text import load_model, model_from_text
from neuro_rtrl.errors import BuildError

AWKWARD = '''
equations = """
q = sigmoid((e - v_half)/slope) : 1
de/dt = (rest - e)/tau_post + q*sqrt(abs(q))*delay/C : volt (unless refractory)
ddelay/dt = -delay/(5*ms) : amp
"""
method = "euler"
threshold = "e > -50*mV + 3*uV"
reset = "e = rest; delay += 0.5*pA"
refractory = "2*t_pre"
[synapses]
fast = "delay += w*kick"
slow = "e += w"
[states]
e = { initial = "-70 mV" }
[parameters]
tau_post = { value = 20, unit = "ms", meaning = "time constant" }
v_half = { value = -55, unit = "mV", meaning = "half-way" }
slope = { value = 4, unit = "mV", meaning = "slope" }
rest = { value = -70, unit = "mV", meaning = "rest" }
C = { value = 200, unit = "pF", meaning = "capacitance" }
kick = { value = 2, unit = "nA", meaning = "current for a weight of 1" }
t_pre = { value = 1, unit = "ms", meaning = "half the refractory period" }
'''


def awkward(**options: Any) -> BrianText:
    return to_brian(model_from_text(AWKWARD, name="awkward"), **options)


def test_each_part_of_lif() -> None:
    text = to_brian(load_model("lif"), per_unit=["tau_m", "t_ref"])
    assert text.equations.splitlines() == [
        "dv/dt = (bias - v) / tau_m : 1 (unless refractory)",
        "tau_m : second (constant)",
        "t_ref : second (constant)",
    ]
    assert (text.threshold, text.reset, text.refractory) == ("v > v_th", "v = v_reset", "t_ref")
    assert text.shared == {"v_th": (1.0, ()), "v_reset": (0.0, ()), "bias": (0.0, ())}
    assert text.method == "exact"


def test_without_refractoriness_the_flags_go_too() -> None:
    text = to_brian(load_model("lif"), refractory=False)
    assert text.refractory is None
    assert "unless refractory" not in text.equations


def test_names_that_mean_something_to_brian_are_replaced() -> None:
    text = awkward()
    changed = {k: v for k, v in text.names.items() if k != v}
    assert changed == {
        "e": "our_e_0",
        "delay": "our_delay_0",
        "tau_post": "our_tau_post_0",
        "t_pre": "our_t_pre_0",
    }
    assert text.threshold == "our_e_0 > -50 * (0.001 * volt) + 3 * (1e-06 * volt)"
    assert text.reset == "our_e_0 = rest\nour_delay_0 += 0.5 * (1e-12 * amp)"
    assert text.refractory == "2 * our_t_pre_0"


def test_a_replaced_name_is_free() -> None:
    rows = 'equations = "de/dt = -e/our_e_0 : 1"\n[parameters]\n'
    model = model_from_text(rows + 'our_e_0 = { value = 1, unit = "ms", meaning = "tau" }')
    assert to_brian(model).names == {"e": "our_e_00", "our_e_0": "our_e_0"}


def test_entries_see_units_of_the_target() -> None:
    text = awkward(per_unit=["kick"])
    assert text.on_pre == {
        "fast": "our_delay_0_post += w * kick_post",
        "slow": "our_e_0_post += w",
    }
    assert text.weights == {"fast": "w : 1 (constant)", "slow": "w : volt (constant)"}
    assert awkward().on_pre["fast"] == "our_delay_0_post += w * kick"


def test_sigmoid_is_written_out() -> None:
    assert translate("2*sigmoid(a + b)", {}) == "2 * (1 / (1 + exp(-(a + b))))"
    assert "sigmoid" not in awkward().equations


@pytest.mark.parametrize(
    ("unit", "text"),
    [("1", "1"), ("mV", "volt"), ("nS", "siemens"), ("m/s", "metre*second**-1"), ("ms", "second")],
)
def test_units(unit: str, text: str) -> None:
    assert unit_text(units.unit(unit)[1]) == text


def test_maps_are_refused() -> None:
    with pytest.raises(BuildError, match=r"egru: Brian2 has no recurrences"):
        to_brian(load_model("egru"))


# -- with Brian2 itself ---------------------------------------------------------------------------


def brian() -> Any:
    return pytest.importorskip("brian2", reason="Brian2 reads the texts in this test")


def ode_models() -> list[str]:
    return [name for name in model_files() if load_model(name).kind == "ode"]


def group(text: BrianText) -> Any:
    b = brian()
    space = {k: b.Quantity(value, dim=_dim(unit_text(d))) for k, (value, d) in text.shared.items()}
    made = b.NeuronGroup(
        3,
        text.equations,
        threshold=text.threshold,
        reset=text.reset,
        refractory=text.refractory or False,
        method=text.method,
        namespace=space,
        dt=0.1 * b.ms,
    )
    port, statement = next(iter(text.on_pre.items()))
    synapses = b.Synapses(made, made, text.weights[port], on_pre=statement, namespace=space)
    synapses.connect()
    return b.Network(made, synapses)


def _dim(text: str) -> Any:
    from brian2.equations.equations import dimensions_and_type_from_string

    return dimensions_and_type_from_string(text)[0]


@pytest.mark.parametrize("name", ode_models())
def test_brian_takes_every_shipped_model(name: str) -> None:
    b = brian()
    b.prefs.codegen.target = "numpy"
    text = to_brian(load_model(name))
    if text.threshold:
        group(text).run(1 * b.ms)
    else:
        b.Equations(text.equations)


def test_brian_takes_an_awkward_model() -> None:
    b = brian()
    b.prefs.codegen.target = "numpy"
    group(awkward()).run(1 * b.ms)


def test_every_name_that_brian_refuses_is_known() -> None:
    b = brian()
    from brian2.core.functions import DEFAULT_FUNCTIONS
    from brian2.core.namespace import DEFAULT_CONSTANTS, DEFAULT_UNITS

    words = {*DEFAULT_FUNCTIONS, *DEFAULT_CONSTANTS, *DEFAULT_UNITS}
    ours = set(units.EQUATION_UNITS) | {"pi", "inf", "rand", "-inf", "abs", "exp", "log", "sqrt"}
    ours |= {"tanh", "sinh", "cosh", "sin", "cos"}  # taken in our own texts already
    missed = [word for word in words - ours if not _taken(word)]
    assert not missed
    assert b.Equations("dv/dt = -v/tau : 1").names == {"v"}


def test_usual_names_stay_as_they_are() -> None:
    usual = "v u a m h n g_e g_i I current tau_m tau C E_L V_T w_max bias ge gi gm Vm Delta_T c p"
    renamed = [name for name in usual.split() if _taken(name)]
    assert not renamed
    assert all(re.fullmatch(r"\w+", name) for name in usual.split())

"""A model's text: what is read from it, and how each mistake in it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuro_rtrl.contracts import Model, Surrogate
from neuro_rtrl.equations.model_text import LARGEST, load_model, model_from_text, with_changes
from neuro_rtrl.equations.parser import symbol
from neuro_rtrl.errors import DescriptionError

ODE = '''
summary = "a test"
reference = "none"
equations = """
# a comment
drive = gain*x : volt
dv/dt = (drive - v)/tau : volt (unless refractory)
dx/dt = -x/tau : 1
"""
method = "exact"
threshold = "v > v_th"
reset = "v -= v_th; x *= 2; v += x*mV"
refractory = "t_ref"

[states]
v = { initial = "-1 mV", meaning = "membrane" }

[synapses]
fast = "x += w"
slow = "v += w*gain/2"

[parameters]
tau = { value = 10, unit = "ms", meaning = "time constant" }
gain = { value = 2, unit = "mV", meaning = "gain" }
v_th = { value = 15, unit = "mV", meaning = "threshold" }
t_ref = { value = 2, unit = "ms", meaning = "refractory period" }

[surrogate]
shape = "boxcar"
width = 0.01
'''
MAP = """
equations = "c[t+1] = c/2 + tanh(drive) : 1"
threshold = "c >= 1"
output = "c"
reset_gradient = false
[inputs]
drive = { unit = "1" }
[synapses]
drive = "drive += w"
"""


def test_a_model_of_differential_equations() -> None:
    model = model_from_text(ODE, name="test")
    v, x, gain, v_th = (symbol(n) for n in ("v", "x", "gain", "v_th"))
    assert (model.name, model.kind, model.method, model.strict) == ("test", "ode", "exact", True)
    assert [(s.name, s.initial, s.held) for s in model.states] == [
        ("v", -0.001, True),
        ("x", 0.0, False),
    ]
    assert model.parameters["gain"].value == pytest.approx(0.002)
    assert model.rates["v"].equals((gain * x - v) / symbol("tau"))
    assert model.threshold == v - v_th
    assert model.refractory == symbol("t_ref")
    assert model.surrogate == Surrogate("boxcar", 0.3, 0.01)
    assert model.readout is None
    fast, slow = model.ports.values()
    assert (fast.name, fast.target, fast.gain, fast.is_state) == ("fast", "x", 1, True)
    assert (slow.gain / gain).equals(0.5)
    assert slow.dimension == ()
    assert model.text["reset"] == "v -= v_th; x *= 2; v += x*mV"


def test_the_statements_of_a_reset_act_one_after_the_other() -> None:
    reset = model_from_text(ODE).reset
    v, x, v_th = symbol("v"), symbol("x"), symbol("v_th")
    at = {v: 0.02, x: 3.0, v_th: 0.015}
    assert float(reset["x"].subs(at)) == 6.0
    assert float(reset["v"].subs(at)) == pytest.approx(0.02 - 0.015 + 6.0 * 0.001)


def test_a_recurrence() -> None:
    model = model_from_text(MAP)
    assert (model.kind, model.method, model.inputs) == ("map", "recurrence", ("drive",))
    assert not model.strict
    assert model.output == symbol("c")
    assert not model.reset_gradient
    assert not model.ports["drive"].is_state


def test_a_recurrence_knows_the_step_and_may_rest() -> None:
    text = 'refractory = "2*dt"\n' + changed("c/2", "c*exp(-dt/(3*ms))", MAP)
    model = model_from_text(text)
    assert model.refractory == 2 * symbol("dt")
    assert symbol("dt") in model.rates["c"].free_symbols


@pytest.mark.parametrize(
    ("given", "of_v", "of_x"), [("true", 1, 1), ("false", 0, 0), ('["x"]', 0, 1), ("[]", 0, 0)]
)
def test_the_jumps_that_take_part_in_the_gradient(given: str, of_v: bool, of_x: bool) -> None:
    model = model_from_text(f"reset_gradient = {given}\n{ODE}")
    assert [model.differentiates(state) for state in ("v", "x")] == [of_v, of_x]


def test_a_state_without_a_jump_has_none_to_differentiate() -> None:
    text = 'reset_gradient = ["y"]\n' + ODE
    with pytest.raises(DescriptionError, match=r"reset_gradient: unknown state that.*one of v, x"):
        model_from_text(text)
    with pytest.raises(DescriptionError, match=r"expected: true, false, or a list of states"):
        model_from_text("reset_gradient = 1\n" + ODE)


def test_a_unit_without_threshold_is_read_by_its_first_state() -> None:
    text = ODE.replace('threshold = "v > v_th"', "").replace('reset = "v -', '#"')
    assert model_from_text(text).readout == "v"


def test_subexpressions_are_known_to_threshold_and_reset() -> None:
    model = with_changes(model_from_text(ODE), {"threshold": "drive > v_th", "reset": "v = drive"})
    assert model.reset["v"] == symbol("gain") * symbol("x")


def changed(old: str, new: str, text: str = ODE) -> str:
    assert old in text
    return text.replace(old, new)


MISTAKES = {
    "not TOML": ("[states]", "[states", "this is not valid TOML"),
    "unknown key": (
        'summary = "a',
        'sumary = "a',
        "line 2: sumary: unknown key.*Did you mean 'summary'",
    ),
    "kind of a key": ('summary = "a test"', "summary = 3", "wrong kind of value.*given: 3"),
    "no equations": ('equations = """', 'eqs = """', "unknown key.*'eqs'"),
    "method": ('method = "exact"', 'method = "rk5"', "unknown method.*Did you mean 'rk4'"),
    "recurrence": ('method = "exact"', 'method = "recurrence"', "unknown method"),
    "two kinds": ("drive = gain*x", "drive[t+1] = gain*x", "equations of two kinds"),
    "name": (
        "dx/dt = -x",
        "dx/dt = -xx",
        "line 8: equations: equation 4: .*unknown name.*Did you mean 'x'",
    ),
    "no unit": ("/tau : 1", "/tau", "equation 4: an equation without a unit"),
    "bad unit": ("/tau : 1", "/tau : vot", "this is not a unit"),
    "sides": ("dx/dt = -x/tau", "dx/dt = -x", "the two sides of the equation have different units"),
    "sum": ("drive - v", "drive - x", "two sides of a sum have different units.*volt and 1"),
    "twice": ("dx/dt = -x", "dv/dt = -v", "two equations for one variable"),
    "taken": ("dx/dt = -x", "dw/dt = -w", "this name is taken"),
    "flag": ("(unless refractory)", "(while refractory)", "an unknown flag"),
    "no period": ('refractory = "t_ref"', "", "without a refractory period"),
    "period": ('refractory = "t_ref"', 'refractory = "v_th"', "refractory period is not a time"),
    "state": ("[states]\nv", "[states]\ny", "unknown state"),
    "initial": ('"-1 mV"', '"-1 ms"', "wrong unit.*volt"),
    "initial, bare": ('"-1 mV"', "-1", "wrong unit"),
    "state key": ("{ initial =", "{ inital =", "Did you mean 'initial'"),
    "threshold": ('"v > v_th"', '"v == v_th"', "this is not a comparison"),
    "threshold units": ('"v > v_th"', '"v > 15"', "line 11: threshold: .*different units"),
    "no threshold": ('threshold = "v > v_th"', "", "a reset needs a threshold"),
    "reset": ("v -= v_th;", "v == v_th;", "this is not a reset"),
    "reset state": ("v -= v_th;", "y -= v_th;", "unknown state"),
    "reset units": ("x *= 2", "x = v", "the reset has the wrong unit"),
    "entry": ('"x += w"', '"x -= w"', "this is not an entry for synapses"),
    "entry target": ('"x += w"', '"y += w"', "unknown variable"),
    "entry, not linear": ('"x += w"', '"x += w**2"', "proportional to the weight"),
    "entry, offset": ('"x += w"', '"x += w + 1"', "proportional to the weight"),
    "entry, state": ('"x += w"', '"x += w*x"', "unknown name"),
    "parameter key": ('unit = "mV", meaning = "gain"', 'unit = "mV"', "meaning is missing"),
    "parameter unit": ('value = 10, unit = "ms"', "value = 10, unit = 3", "unit is not a text"),
    "parameter text": ("value = 10", 'value = "10 ms"', "the value is not a number"),
    "parameter row": ('{ value = 10, unit = "ms", meaning = "time constant" }', "10", "wrong kind"),
    "infinite": ("value = 10", "value = inf", "not a finite number"),
    "surrogate": ('"boxcar"', '"boxcars"', "unknown surrogate.*Did you mean 'boxcar'"),
    "surrogate width": ("width = 0.01", "width = -1", "the width of a surrogate is out of range"),
    "inputs": ("[states]", "[inputs]\nz = { unit = '1' }\n[states]", "inputs belong to map models"),
    "output": ('threshold = "v > v_th"', 'threshold = "v > v_th"\noutput = "xyz"', "unknown name"),
    "readout": ('method = "exact"', 'method = "exact"\nreadout = "vv"', "Did you mean 'v'"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_refused(mistake: str) -> None:
    old, new, problem = MISTAKES[mistake]
    with pytest.raises(DescriptionError, match=f"(?s){problem}") as error:
        model_from_text(changed(old, new), where="mine.toml")
    assert str(error.value).startswith("mine.toml")
    assert "expected:" in str(error.value)
    assert "\n" not in str(error.value)


def test_mistakes_of_recurrences() -> None:
    with pytest.raises(DescriptionError, match="the refractory period is not a time"):
        model_from_text('refractory = "2"\n' + MAP)
    with pytest.raises(DescriptionError, match=r"unknown name.*'drive'"):
        model_from_text(changed('"c >= 1"', '"c >= drive"', MAP))
    with pytest.raises(DescriptionError, match="no state variable"):
        model_from_text('equations = "u = 1 : 1"')


def test_loading(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(ODE, encoding="utf-8")
    assert load_model(path).name == "mine"
    assert load_model(str(path)).source == ODE
    with pytest.raises(DescriptionError, match=r"unknown neuron model.*Did you mean 'lif'"):
        load_model("lff")
    with pytest.raises(DescriptionError, match="cannot be read"):
        load_model(tmp_path / "other.toml")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DescriptionError, match="cannot be read"):
        load_model(path)
    path.write_text("#" * (LARGEST + 1), encoding="utf-8")
    with pytest.raises(
        DescriptionError, match=r"cannot be read; given: .* bytes, more than 100000"
    ):
        load_model(path)


def test_changes_replace_lines_of_the_text() -> None:
    model = load_model("lif")
    assert with_changes(model, {}) is model
    changed_model: Model = with_changes(model, {"threshold": "v >= v_th", "method": "rk4"})
    assert (changed_model.strict, changed_model.method) == (False, "rk4")
    with pytest.raises(
        DescriptionError, match=r"lif.*threshold: in 'v > vth'.*Did you mean 'v_th'"
    ):
        with_changes(model, {"threshold": "v > vth"})


def test_the_line_of_an_equation_that_begins_behind_the_quotes() -> None:
    text = 'summary = "x"\nequations = """dv/dt = -v/tau : 1\ndx/dt = -y/tau : 1"""\n'
    with pytest.raises(DescriptionError, match="model text, line 3: equations: equation 2"):
        model_from_text(text + '[parameters]\ntau = {value=1, unit="ms", meaning=""}')

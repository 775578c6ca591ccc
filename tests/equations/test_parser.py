"""Expressions are parsed, never run; dimensions are checked on the way."""

from __future__ import annotations

import pytest
import sympy

from neuro_rtrl.equations import units
from neuro_rtrl.equations.functions import Abs, sigmoid
from neuro_rtrl.equations.parser import (
    LONGEST,
    NOISE,
    NOISE_UNIT,
    Term,
    check_name,
    parse,
    parse_comparison,
    symbol,
)
from neuro_rtrl.errors import DescriptionError

V, U, TAU = symbol("v"), symbol("u"), symbol("tau")
NAMES = {
    "v": Term(V, ()),
    "u": Term(U, units.unit("volt")[1]),
    "tau": Term(TAU, units.unit("second")[1]),
}


@pytest.mark.parametrize(
    ("text", "expression", "unit"),
    [
        ("-v + +v*2", V, "1"),
        ("(u - 60*mV)/tau", (U - 0.06) / TAU, "volt/second"),
        ("u**2/u", U, "volt"),
        ("2**-1*v", 0.5 * V, "1"),
        ("v**0.5", V**0.5, "1"),
        ("tau**-2", TAU**-2, "second**-2"),
        ("2**v", 2**V, "1"),
        ("exp(-u/(10*mV))*tau", sympy.exp(-U / 0.01) * TAU, "second"),
        ("abs(u)", Abs(U), "volt"),
        ("sigmoid(v)", sigmoid(V), "1"),
        ("0*u", sympy.Integer(0), "volt"),
        ("1_000*v", 1000 * V, "1"),
        ("log(2)*v", 0.6931471805599453 * V, "1"),
        ("pi*v", 3.141592653589793 * V, "1"),
        ("abs(-3)*v", 3 * V, "1"),
    ],
)
def test_what_a_text_means(text: str, expression: sympy.Expr, unit: str) -> None:
    term = parse(text, NAMES)
    assert abs(sympy.N((term.expression - expression).subs({V: 1.7, U: 0.3, TAU: 0.02}))) < 1e-12
    assert term.dimension == units.unit(unit)[1]


@pytest.mark.parametrize("name", ["exp", "tanh", "sinh", "cosh", "sin", "cos", "log", "sqrt"])
def test_functions_are_sympy_s(name: str) -> None:
    assert parse(f"{name}(v)", NAMES).expression == getattr(sympy, name)(V)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("v + u", "the two sides of a sum have different units"),
        ("v - tau", "the two sides of a sum have different units"),
        ("exp(u)", "the argument of exp carries a unit"),
        ("2**tau", "an exponent carries a unit"),
        ("tau**v", "the base of a variable power carries a unit"),
        ("u**0.3", "a fractional power"),
        ("v**17", "an exponent out of range"),
        ("9**9**9", "an exponent out of range"),
        ("(-1)**0.5", "a power that is not real"),
        ("0**-1", "a power without a value"),
        ("1e300**16", "a power without a value"),
        ("(v - v)**v", "a variable power of no real value"),
        ("(0 - 2)**v", "a variable power of no real value"),
        ("v/0", "division by zero"),
        ("v/0.0", "division by zero"),
        ("v/(1 - 1)", "division by zero"),
        ("1e400", "a number out of range"),
        ("1e300*1e300", "a number out of range"),
        ("v*1e299*1e299", "a number out of range"),
        ("log(0)", "log has no value there"),
        ("exp(1000)", "exp has no value there"),
        ("sqrt(-1)", "sqrt has no value there"),
        ("1j*v", "not a number"),
        ("True", "not a number"),
        ("'v'", "not a number"),
        ("v % 2", "the operator Mod is not allowed"),
        ("v // 2", "the operator FloorDiv is not allowed"),
        ("v @ v", "the operator MatMult is not allowed"),
        ("~v", "UnaryOp is not allowed"),
        ("not v", "UnaryOp is not allowed"),
        ("v and v", "BoolOp is not allowed"),
        ("v if v else v", "IfExp is not allowed"),
        ("v > 1", "Compare is not allowed"),
        ("[v]", "List is not allowed"),
        ("v[0]", "Subscript is not allowed"),
        ("v.real", "Attribute is not allowed"),
        ("lambda: v", "Lambda is not allowed"),
        ("exp(v, v)", "this is not a call"),
        ("exp(x=v)", "this is not a call"),
        ("exp(v)(v)", "this is not a call"),
        ("__import__('os')", "unknown function"),
        ("", "this is not an expression"),
        ("v = 1", "this is not an expression"),
        ("v\nv", "this is not an expression"),
        ("(" * 300 + "v" + ")" * 300, "this is not an expression"),
        ("-" * 60 + "v", "nested too deeply"),
        ("v" + " + v" * 60, "nested too deeply"),
        ("v" * 2001, "this expression is too long"),
    ],
)
def test_what_is_refused(text: str, problem: str) -> None:
    with pytest.raises(DescriptionError, match=problem):
        parse(text, NAMES)


@pytest.mark.parametrize(("text", "near"), [("taau", "tau"), ("tnh(v)", "tanh")])
def test_the_nearest_name_is_given(text: str, near: str) -> None:
    with pytest.raises(DescriptionError, match=f"Did you mean '{near}'"):
        parse(text, NAMES)


def test_comparisons() -> None:
    assert parse_comparison("v > 1", NAMES) == (V - 1, True)
    assert parse_comparison("u >= 2*mV + u", NAMES)[1] is False


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("v", "this is not a threshold"),
        ("1 < v > 2", "this is not a comparison"),
        ("v > 1 > 0", "this is not a comparison"),
        ("v == 1", "this is not a comparison"),
        ("v > 1 and v < 2", "this is not a threshold"),
        ("u > 1", "the two sides of the comparison have different units"),
    ],
)
def test_what_is_not_a_threshold(text: str, problem: str) -> None:
    with pytest.raises(DescriptionError, match=problem):
        parse_comparison(text, NAMES)


@pytest.mark.parametrize("text", ["1/3*v", "0.1*v + 0.2", "9007199254740993*v", "v/7 - 1/7"])
def test_plain_numbers_stay_floats_or_small_integers(text: str) -> None:
    for number in parse(text, NAMES).expression.atoms(sympy.Number):
        assert number.is_Float or (number.is_Integer and abs(int(number)) < 2**53)


@pytest.mark.parametrize("name", ["v", "tau_m", "m", "g_Na", "beta"])
def test_good_names(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("_v", "not a usable name"),
        ("2v", "not a usable name"),
        ("v-w", "not a usable name"),
        ("v" * 41, "not a usable name"),
        ("dt", "this name is taken"),
        ("w", "this name is taken"),
        ("exp", "this name is taken"),
        ("mV", "this name is taken"),
    ],
)
def test_bad_names(name: str, problem: str) -> None:
    with pytest.raises(DescriptionError, match=problem):
        check_name(name)


def test_no_text_makes_giant_numbers() -> None:
    """Powers of powers of a fraction would have 16^20 digits, were they kept exact."""
    text = "(v*9007199254740991)**-1*(v*9007199254740989)"
    for _ in range(20):
        text = f"({text})**16"
    found = parse(f"v*{text}", NAMES).expression
    assert all(len(str(number)) < 40 for number in found.atoms(sympy.Number))


def test_numbers_end_at_a_limit() -> None:
    assert parse("1e300", {}).expression == sympy.Float(1e300)
    for text in ("1e301", "1e400"):
        with pytest.raises(DescriptionError, match=r"a number out of range"):
            parse(text, {})
    assert parse(str(2**53 - 1), {}).expression.is_Integer
    assert parse(str(2**53), {}).expression.is_Float


def test_white_noise_has_the_unit_of_the_root_of_a_rate() -> None:
    found = parse("xi*second**0.5", {NOISE: Term(symbol(NOISE), NOISE_UNIT)})
    assert found.dimension == ()
    with pytest.raises(DescriptionError, match=r"white noise has no place here"):
        parse("xi", {"v": Term(symbol("v"), ())})


def test_draws_are_numbered_and_take_nothing() -> None:
    names = {draw: Term(symbol(draw), ()) for draw in ("rand", "randn")}
    assert len(parse("rand() + rand()", names).expression.free_symbols) == 2
    with pytest.raises(DescriptionError):
        parse("rand(2)", names)


def test_texts_end_at_a_limit() -> None:
    assert parse("1" + " " * (LONGEST - 1), {}).expression == 1
    with pytest.raises(DescriptionError, match=r"too long; given: \d+ characters"):
        parse("1" + " " * LONGEST, {})

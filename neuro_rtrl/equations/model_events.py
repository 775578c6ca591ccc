"""What happens at a spike, from a model's table: threshold, output, reset, refractoriness.

And at the start: initial values that are expressions.
"""

from __future__ import annotations

import re
from typing import Any

import sympy

from neuro_rtrl.contracts import DIMENSIONLESS, SECOND, State, Surrogate
from neuro_rtrl.equations import surrogates, units
from neuro_rtrl.equations.parser import (
    DRAWS,
    NOISE,
    Term,
    parse,
    parse_comparison,
    parse_condition,
    symbol,
)
from neuro_rtrl.errors import DescriptionError, NeuroRtrlError, nearest, unknown

Names = dict[str, Term]


def at(where: str, function: Any, *arguments: Any) -> Any:
    """Call `function`; errors get `where` as their place."""
    try:
        return function(*arguments)
    except NeuroRtrlError as error:
        raise error.at(where) from error


def threshold(table: dict[str, Any], names: Names) -> tuple[sympy.Expr | None, bool]:
    """g and whether the test is g > 0 (strict) or g >= 0.

    A unit with an output and no threshold (a rate unit) emits its value at every step: g = 1.
    """
    if "threshold" not in table:
        return (sympy.Integer(1) if "output" in table else None), True
    drawn = {draw: Term(symbol(draw), DIMENSIONLESS) for draw in DRAWS}
    expression, strict = at("threshold", parse_comparison, table["threshold"], names | drawn)
    return expression, strict


def channels(*expressions: sympy.Expr | None) -> tuple[str, ...]:
    """The random channels that expressions use, noise first: "xi", "rand_1"."""
    found = {s.name for e in expressions if e is not None for s in e.free_symbols}
    noise = sorted(name for name in found if name == NOISE or name.startswith(f"{NOISE}_"))
    return (*noise, *sorted(n for n in found if n.startswith(tuple(f"{d}_" for d in DRAWS))))


def surrogate(table: dict[str, Any], threshold: sympy.Expr | None) -> Surrogate:
    """The surrogate of the text; a threshold that draws lots has none."""
    given = table.get("surrogate", {})
    if channels(threshold):
        if given:
            raise DescriptionError(
                "a random threshold has no surrogate derivative",
                where="surrogate",
                given=repr(given),
                expected="no table [surrogate]: nothing has influence through random spikes",
            )
        return Surrogate("none")
    made: Surrogate = at("surrogate", surrogates.make, given, Surrogate())
    return made


def output(table: dict[str, Any], names: Names) -> sympy.Expr | None:
    """The factor f of a graded event y = s f(h), or None."""
    if "output" not in table:
        return None
    term: Term = at("output", parse, table["output"], names)
    return term.expression


def reset(
    table: dict[str, Any], names: Names, states: tuple[State, ...], threshold: object
) -> dict[str, sympy.Expr]:
    """State name -> value after a spike."""
    text = table.get("reset", "")
    made: dict[str, sympy.Expr] = {}
    if text and threshold is None:
        raise DescriptionError(
            "a reset needs a threshold",
            where="reset",
            given=repr(text),
            expected='threshold = "..."',
        )
    for part in filter(None, (p.strip() for p in re.split(r"[;\n]", text))):
        match = re.match(r"^(\w+)\s*([+\-*/]?)=\s*([^=].*)$", part)
        if match is None:
            raise DescriptionError(
                "this is not a reset",
                where="reset",
                given=repr(part),
                expected='"v = v_reset" or "v -= v_th"; several with ";"',
            )
        name, operator, value = match.groups()
        known = {s.name: s.dimension for s in states}
        if name not in known:
            raise unknown("state", name, known, where="reset")
        full = f"{name} {operator} ({value})" if operator else value
        after = {k: Term(made[k], known[k]) for k in made}  # statements act one after the other
        term: Term = at("reset", parse, full, names | after)
        if term.dimension != known[name]:
            raise DescriptionError(
                "the reset has the wrong unit",
                where="reset",
                given=units.unit_name(term.dimension),
                expected=units.unit_name(known[name]),
            )
        made[name] = term.expression
    return made


def reset_gradient(table: dict[str, Any], reset: dict[str, sympy.Expr]) -> bool | tuple[str, ...]:
    """Whether the jumps at a spike are differentiated, or of which states they are."""
    given = table.get("reset_gradient", True)
    if isinstance(given, bool):
        return given
    for name in given:
        if name not in reset:
            raise unknown("state that the reset changes", name, reset, where="reset_gradient")
    return tuple(given)


def refractory(
    table: dict[str, Any], names: Names, states: tuple[State, ...], kind: str
) -> tuple[sympy.Expr | None, sympy.Expr | None]:
    """The refractory period in seconds, or the condition that ends it: at most one is not None.

    In a map model the recurrence goes on meanwhile; only spike and surrogate are off.
    """
    held = [s.name for s in states if s.held]
    if "refractory" in table and kind == "ode":
        condition = at("refractory", parse_condition, table["refractory"], names)
        if condition is not None:
            return None, condition
    if "refractory" not in table:
        if held:
            raise DescriptionError(
                '"(unless refractory)" without a refractory period',
                where="refractory",
                given="nothing",
                expected='refractory = "t_ref", with a parameter t_ref',
            )
        return None, None
    constants = {k: t for k, t in names.items() if k not in {s.name for s in states}}
    term: Term = at("refractory", parse, table["refractory"], constants)
    if term.dimension != SECOND:
        raise DescriptionError(
            "the refractory period is not a time",
            where="refractory",
            given=repr(table["refractory"]),
            expected="an expression in seconds",
            remedy='A condition such as "v > -40*mV" may stand there, too.',
        )
    return term.expression, None


def readout(table: dict[str, Any], states: tuple[State, ...], threshold: object) -> str | None:
    """The state that a loss reads: named, or the first of a unit without threshold."""
    names = [s.name for s in states]
    readout: str | None = table.get("readout")
    if readout is None:
        return names[0] if threshold is None else None
    if readout not in names:
        raise DescriptionError(
            "unknown state",
            where="readout",
            given=repr(readout),
            expected=f"one of {', '.join(names)}",
            remedy=nearest(readout, names),
        )
    return readout


def check_starts(states: tuple[State, ...], parameters: Names) -> None:
    """Initial values that are expressions: of the parameters, the unit's number i, and chance."""
    names = parameters | {k: Term(symbol(k), DIMENSIONLESS) for k in ("i", "N", *DRAWS)}
    for state in states:
        if state.start is None:
            continue
        where = f"states.{state.name}"
        term = at(where, parse, state.start, names)
        if term.dimension != state.dimension:
            raise DescriptionError(
                "the initial value has the wrong unit",
                where=where,
                given=units.unit_name(term.dimension),
                expected=units.unit_name(state.dimension),
            )

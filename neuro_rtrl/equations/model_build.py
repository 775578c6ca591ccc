"""The table of a model's text -> `Model`: names, units, expressions, entries, threshold, reset."""

from __future__ import annotations

import re
from typing import Any

import sympy

from neuro_rtrl.contracts import SECOND, Dimension, Model, Parameter, Port, State
from neuro_rtrl.equations import model_events as events
from neuro_rtrl.equations import units
from neuro_rtrl.equations.lines import Line, read_lines
from neuro_rtrl.equations.model_events import Names, at
from neuro_rtrl.equations.model_tables import read_parameters, read_state, row_of, text_of
from neuro_rtrl.equations.parser import NOISE, NOISE_UNIT, Term, check_name, parse, symbol
from neuro_rtrl.errors import DescriptionError, unknown

KEYS: dict[str, Any] = {
    "summary": str,
    "reference": str,
    "equations": str,
    "method": str,
    "threshold": str,
    "output": str,
    "reset": str,
    "refractory": str,
    "reset_gradient": bool | list,
    "readout": str,
    "states": dict,
    "inputs": dict,
    "synapses": dict,
    "parameters": dict,
    "surrogate": dict,
}
_EXPECTED = {str: "a text", bool | list: "true, false, or a list of states", dict: "a table"}
METHODS = ("exact", "exponential_euler", "euler", "rk4")


def build(name: str, table: dict[str, Any], source: str) -> Model:
    """A checked `Model` from the table of its text."""
    _check_keys(table)
    lines = at("equations", read_lines, _need(table, "equations"))
    parameters = read_parameters(table.get("parameters", {}))
    inputs = _inputs(table.get("inputs", {}))
    kind = _kind(lines, inputs)
    states = _states(lines, table.get("states", {}))
    names = _names(parameters, states)
    ports = _ports(table.get("synapses", {}), names, states, inputs)
    names |= {k: Term(symbol(k), d) for k, d in inputs.items()}
    rates = _rates(lines, names, kind)
    outside: Names = {k: t for k, t in names.items() if k not in inputs}
    threshold, strict = events.threshold(table, outside)
    period, condition = events.refractory(table, outside, states, kind)
    reset = events.reset(table, outside, states, threshold)
    return Model(
        name=name,
        summary=table.get("summary", ""),
        reference=table.get("reference", ""),
        kind=kind,
        method=_method(table, kind),
        states=states,
        inputs=tuple(inputs),
        parameters=parameters,
        rates=rates,
        threshold=threshold,
        strict=strict,
        output=events.output(table, outside),
        reset=reset,
        refractory=period,
        reset_gradient=events.reset_gradient(table, reset),
        ports=ports,
        surrogate=events.surrogate(table, threshold),
        readout=events.readout(table, states, threshold),
        text={k: table[k] for k, t in KEYS.items() if t is str and k in table},
        source=source,
        refractory_while=condition,
        noise=events.channels(*rates.values(), threshold),
    )


def _names(parameters: dict[str, Parameter], states: tuple[State, ...]) -> Names:
    """What expressions may use, beside the inputs of a map model."""
    names: Names = {p.name: Term(symbol(p.name), p.dimension) for p in parameters.values()}
    events.check_starts(states, names)
    names |= {s.name: Term(symbol(s.name), s.dimension) for s in states}
    names["dt"] = Term(symbol("dt"), SECOND)
    return names


def _need(table: dict[str, Any], key: str) -> Any:
    if key not in table:
        raise DescriptionError(
            "a key is missing", where=key, given="nothing", expected=f"the key {key}"
        )
    return table[key]


def _check_keys(table: dict[str, Any]) -> None:
    for key, value in table.items():
        if key not in KEYS:
            raise unknown("key", key, KEYS, where=key)
        if not isinstance(value, KEYS[key]):
            raise DescriptionError(
                "wrong kind of value",
                where=key,
                given=repr(value),
                expected=_EXPECTED[KEYS[key]],
            )


def _kind(lines: list[Line], inputs: dict[str, Dimension]) -> str:
    kinds = {line.kind for line in lines} - {"subexpression"}
    if len(kinds) != 1:
        raise DescriptionError(
            "equations of two kinds" if kinds else "no state variable",
            where="equations",
            given=", ".join(sorted(kinds)) or "subexpressions only",
            expected='either "dx/dt = ..." throughout or "x[t+1] = ..." throughout',
        )
    kind = "ode" if kinds == {"rate"} else "map"
    if kind == "ode" and inputs:
        raise DescriptionError(
            "inputs belong to map models",
            where="inputs",
            given=", ".join(inputs),
            expected='synapses that add to a state, as in delta = "v += w"',
        )
    return kind


def _inputs(table: dict[str, Any]) -> dict[str, Dimension]:
    made = {}
    for name, value in table.items():
        where = f"inputs.{name}"
        at(where, check_name, name)
        row = row_of(value, where, ("unit", "meaning"), ("unit",))
        text_of(row, "meaning", where)
        made[name] = at(where, units.unit, text_of(row, "unit", where))[1]
    return made


def _states(lines: list[Line], table: dict[str, Any]) -> tuple[State, ...]:
    names = [line.name for line in lines]
    for line in lines:
        at(f"equations: equation {line.number}", check_name, line.name)
        if names.count(line.name) > 1:
            raise DescriptionError(
                "two equations for one variable",
                where=f"equations: equation {line.number}",
                given=line.name,
                expected="one equation for each variable",
            )
    own = [line for line in lines if line.kind != "subexpression"]
    for name in table:
        if name not in [line.name for line in own]:
            raise unknown("state", name, [line.name for line in own], where=f"states.{name}")
    return tuple(
        read_state(
            line.name,
            line.unit,
            f"equations: equation {line.number}",
            table.get(line.name, {}),
            line.held,
        )
        for line in own
    )


def _rates(lines: list[Line], names: Names, kind: str) -> dict[str, sympy.Expr]:
    """Right-hand sides with subexpressions put in; a subexpression may use earlier ones only.

    Subexpressions are added to `names`, for threshold, output and reset.
    """
    later = {line.name for line in lines if line.kind == "subexpression"}
    rates = {}
    for line in sorted(lines, key=lambda row: row.kind != "subexpression"):
        where = f"equations: equation {line.number}"
        noise = {NOISE: Term(symbol(NOISE), NOISE_UNIT)} if line.kind == "rate" else {}
        term = at(where, parse, line.expression, names | noise)
        _, dimension = at(where, units.unit, line.unit)
        per_time = units.multiply(dimension, SECOND, -1) if line.kind == "rate" else dimension
        if term.dimension != per_time:
            raise DescriptionError(
                "the two sides of the equation have different units",
                where=where,
                given=f"{units.unit_name(term.dimension)} on the right",
                expected=f"{units.unit_name(per_time)}",
                remedy=f"(The unit behind the colon is that of {line.name}.)",
            )
        if line.name in later:
            names[line.name] = term
        else:
            rates[line.name] = term.expression
    return rates


def _ports(
    table: dict[str, Any], names: Names, states: tuple[State, ...], inputs: dict[str, Dimension]
) -> dict[str, Port]:
    made = {}
    state_names = {s.name: s.dimension for s in states}
    constants = {k: t for k, t in names.items() if k not in state_names}
    for name, text in table.items():
        where = f"synapses.{name}"
        match = re.match(r"^\s*(\w+)\s*\+=\s*(.+)$", text) if isinstance(text, str) else None
        if match is None:
            raise DescriptionError(
                "this is not an entry for synapses",
                where=where,
                given=repr(text),
                expected='"variable += w", or "variable += w*(an expression of the parameters)"',
            )
        target, expression = match.groups()
        known = state_names | inputs
        if target not in known:
            raise unknown("variable", target, known, where=where)
        made[name] = at(where, _port, name, target, expression, constants, known[target], inputs)
    return made


def _port(
    name: str, target: str, text: str, constants: Names, dimension: Dimension, inputs: Any
) -> Port:
    weight = symbol("w")
    term = parse(text, constants | {"w": Term(weight, ())})
    gain = sympy.diff(term.expression, weight)
    linear = gain != 0 and weight not in gain.free_symbols
    if not linear or term.expression.subs(weight, 0) != 0:
        raise DescriptionError(
            "an arrival must be proportional to the weight w",
            given=repr(text),
            expected='"w" or "w*(an expression of the parameters)"',
        )
    return Port(
        name, target, target not in inputs, gain, units.multiply(dimension, term.dimension, -1)
    )


def _method(table: dict[str, Any], kind: str) -> str:
    known = METHODS if kind == "ode" else ("recurrence",)
    method: str = table.get("method", known[0])
    if method not in known:
        raise unknown("method", method, known, where="method")
    return method

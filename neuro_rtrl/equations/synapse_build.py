"""The table of a synapse model's text -> `Synapse`: names, units, equations, statements."""

from __future__ import annotations

from typing import Any

import sympy

from neuro_rtrl.contracts import DIMENSIONLESS, SECOND, Dimension, State
from neuro_rtrl.contracts_plasticity import EVENTS, SENT, Statement, Synapse
from neuro_rtrl.equations import units
from neuro_rtrl.equations.conditions import CLIP
from neuro_rtrl.equations.model_events import Names, at
from neuro_rtrl.equations.model_tables import read_parameters, read_state
from neuro_rtrl.equations.parser import Term, check_name, parse, symbol
from neuro_rtrl.equations.synapse_lines import (
    Assignment,
    Variable,
    read_assignments,
    read_variables,
)
from neuro_rtrl.errors import DescriptionError, unknown

TEXTS = ("summary", "reference", "equations", *(f"on_{event}" for event in EVENTS))
TABLES = ("states", "parameters")
WEIGHT, REWARD = "w", "reward"
# The unit of the weight, whatever the entry of the target asks for.
WEIGHT_UNIT = "weight"


def build(name: str, table: dict[str, Any], source: str, weight: str) -> Synapse:
    """A checked `Synapse` from the table of its text; `weight` is the unit of the weight."""
    _check_keys(table)
    lines = [_with_unit(line, weight) for line in read_variables(table.get("equations", ""))]
    parameters = read_parameters(_with_units(table.get("parameters", {}), weight))
    states = _states(lines, table.get("states", {}))
    names: Names = {p.name: Term(symbol(p.name), p.dimension) for p in parameters.values()}
    names |= {s.name: Term(symbol(s.name), s.dimension) for s in states}
    later = {line.name: line for line in lines if line.kind == "subexpression"}
    rates = {
        line.name: at(_place(line), _right_side, line, names)
        for line in lines
        if line.kind == "rate"
    }
    reader = _Reader(names, states, later)
    on = {event: reader.statements(event, table.get(f"on_{event}", "")) for event in EVENTS}
    return Synapse(
        name=name,
        summary=table.get("summary", ""),
        reference=table.get("reference", ""),
        states=states,
        parameters=parameters,
        rates=rates,
        on={event: found for event, found in on.items() if found},
        target=reader.target,
        sent=reader.sent,
        text={k: table[k] for k in TEXTS if k in table},
        source=source,
    )


def _check_keys(table: dict[str, Any]) -> None:
    for key, value in table.items():
        if key not in (*TEXTS, *TABLES):
            raise unknown("key", key, (*TEXTS, *TABLES), where=key)
        kind, words = (str, "a text") if key in TEXTS else (dict, "a table")
        if not isinstance(value, kind):
            raise DescriptionError(
                "wrong kind of value", where=key, given=repr(value), expected=words
            )


def _place(line: Variable) -> str:
    return f"equations: equation {line.number}"


def _with_unit(line: Variable, weight: str) -> Variable:
    unit = weight if line.unit == WEIGHT_UNIT else line.unit
    return Variable(line.kind, line.name, line.expression, unit, line.number)


def _with_units(table: dict[str, Any], weight: str) -> dict[str, Any]:
    """The table of parameters with the unit of the weight put in."""
    return {
        k: v | {"unit": weight} if isinstance(v, dict) and v.get("unit") == WEIGHT_UNIT else v
        for k, v in table.items()
    }


def _states(lines: list[Variable], table: dict[str, Any]) -> tuple[State, ...]:
    own = {line.name: line for line in lines if line.kind != "subexpression"}
    for line in lines:
        if line.name != WEIGHT:
            at(_place(line), check_name, line.name)
        if line.name in (SENT, REWARD):
            raise DescriptionError(
                "this name is taken",
                where=_place(line),
                given=repr(line.name),
                expected=f"a name other than {SENT} (the target) and {REWARD} (the signal)",
            )
    if WEIGHT not in own:
        raise DescriptionError(
            "there is no weight",
            where="equations",
            given=", ".join(own) or "no variables",
            expected=f'a line such as "{WEIGHT} : 1"',
        )
    for name in table:
        if name not in own or name == WEIGHT:
            known = [k for k in own if k != WEIGHT]
            raise unknown("state with an initial value", name, known, where=f"states.{name}")
    order = [own[WEIGHT], *(line for name, line in own.items() if name != WEIGHT)]
    return tuple(
        read_state(line.name, line.unit, _place(line), table.get(line.name, {})) for line in order
    )


def _right_side(line: Variable, names: Names) -> sympy.Expr:
    """The rate of a state."""
    term: Term = parse(line.expression, names)
    dimension = units.multiply(units.unit(line.unit)[1], SECOND, -1)
    _same_unit(term.dimension, dimension, "the two sides of the equation have different units")
    return term.expression


def _same_unit(given: Dimension, expected: Dimension, problem: str) -> None:
    if given != expected:
        raise DescriptionError(
            problem, given=units.unit_name(given), expected=units.unit_name(expected)
        )


class _Reader:
    """Reads statements, and keeps in mind what they send to the target."""

    def __init__(self, names: Names, states: tuple[State, ...], later: dict[str, Variable]) -> None:
        self.names = names | {CLIP: Term(sympy.Integer(0), DIMENSIONLESS)}
        self.known = {s.name: s.dimension for s in states}
        self.target: str | None = None
        self.sent: Dimension = DIMENSIONLESS
        for line in later.values():
            term = at(_place(line), parse, line.expression, self.names)
            dimension = units.unit(line.unit)[1]
            problem = "the two sides of the equation have different units"
            at(_place(line), _same_unit, term.dimension, dimension, problem)
            self.names = self.names | {line.name: term}

    def statements(self, event: str, text: str) -> tuple[Statement, ...]:
        """The statements of one event."""
        where = f"on_{event}"
        names = dict(self.names)
        if event == "reward":
            names[REWARD] = Term(symbol(REWARD), DIMENSIONLESS)
        return tuple(
            at(where, self._statement, event, written, names)
            for written in read_assignments(text, where)
        )

    def _statement(self, event: str, written: Assignment, names: Names) -> Statement:
        name = written.name
        if name == SENT or (name.endswith(f"_{SENT}") and name not in self.known):
            return self._sending(event, written, names)
        if name not in self.known:
            raise unknown("variable of the synapse", name, self.known)
        value = written.value
        full = f"{name} {written.operator} ({value})" if written.operator else value
        term = parse(full, names)
        _same_unit(term.dimension, self.known[name], f"what becomes {name} has the wrong unit")
        return Statement(name, term.expression)

    def _sending(self, event: str, written: Assignment, names: Names) -> Statement:
        if event != "pre" or written.operator != "+" or self.target is not None:
            raise DescriptionError(
                "this cannot be sent to the target",
                given=repr(written.text),
                expected=f'one statement "{SENT} += ...", or "v_{SENT} += ...", in on_pre',
                remedy="Only an arrival of a presynaptic spike adds something to its target, once.",
            )
        term = parse(written.value, names)
        self.target = written.name[: -len(SENT)].removesuffix("_")
        self.sent = term.dimension
        return Statement(SENT, term.expression)

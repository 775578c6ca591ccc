"""The lines of a synapse model's text: equations, and what is done at an event.

w : 1                                  a variable of each synapse
dA/dt = -A/tau : 1 (event-driven)      one that decays exactly between events
r = u*x : 1                            a subexpression
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from neuro_rtrl.errors import DescriptionError

_EQUATION = re.compile(r"^(?:d(?P<rate>[A-Za-z_]\w*)\s*/\s*dt|(?P<name>[A-Za-z_]\w*))\s*=(.+)$")
_UNIT = re.compile(r"^(.*):\s*([^:()]+?)\s*(?:\(([^()]*)\))?\s*$")
_ASSIGNMENT = re.compile(r"^([A-Za-z_]\w*)\s*([+\-*/]?)=\s*([^=].*)$")
MOST_LINES = 50
EVENT_DRIVEN = "event-driven"


@dataclass(frozen=True)
class Variable:
    """One line: `kind` is "rate", "plain" (a variable without an equation) or "subexpression"."""

    kind: str
    name: str
    expression: str
    unit: str
    number: int


@dataclass(frozen=True)
class Assignment:
    """`name operator= value`, as written."""

    name: str
    operator: str
    value: str
    text: str


def read_variables(block: str) -> list[Variable]:
    """The equations of a block of text; comments (#) and empty lines are passed over.

    >>> [v.kind for v in read_variables("w : 1\\ndA/dt = -A/tau : 1 (event-driven)")]
    ['plain', 'rate']
    """
    lines = [_variable(i, row) for i, row in _rows(block, "equations")]
    names = [line.name for line in lines]
    for line in lines:
        if names.count(line.name) > 1:
            raise DescriptionError(
                "two lines for one variable",
                where=f"equations: equation {line.number}",
                given=line.name,
                expected="one line for each variable",
            )
    return lines


def read_assignments(block: str, where: str) -> list[Assignment]:
    """Statements, one a line or several with ";".

    >>> [(s.name, s.operator, s.value) for s in read_assignments("A += dA; w = w*2", "on_pre")]
    [('A', '+', 'dA'), ('w', '', 'w*2')]
    """
    found = []
    for _, row in _rows(block, where):
        for part in filter(None, (p.strip() for p in row.split(";"))):
            match = _ASSIGNMENT.match(part)
            if match is None:
                raise DescriptionError(
                    "this is not a statement",
                    where=where,
                    given=repr(part),
                    expected='"x += y" or "x = y"; several on lines of their own, or with ";"',
                )
            found.append(Assignment(match[1], match[2], match[3], part))
    return found


def _rows(block: str, where: str) -> list[tuple[int, str]]:
    rows = [(i, row.split("#")[0].strip()) for i, row in enumerate(block.splitlines(), 1)]
    rows = [(i, row) for i, row in rows if row]
    if len(rows) > MOST_LINES:
        raise DescriptionError(
            "too many lines", where=where, given=len(rows), expected=f"at most {MOST_LINES} lines"
        )
    return rows


def _variable(number: int, row: str) -> Variable:
    where = f"equations: equation {number}"
    match = _UNIT.match(row)
    if match is None:
        raise DescriptionError(
            "a line without a unit",
            where=where,
            given=repr(row),
            expected='": unit" at its end, as in "w : 1"',
        )
    body, unit, flag = match.group(1).strip(), match.group(2).strip(), match.group(3)
    found = _EQUATION.match(body)
    kind = "plain"
    if found is not None:
        kind = "rate" if found["rate"] else "subexpression"
    elif not body.isidentifier():
        raise DescriptionError(
            "this is not a line of a synapse model",
            where=where,
            given=repr(row),
            expected='"w : 1", "dA/dt = -A/tau : 1 (event-driven)" or "r = u*x : 1"',
        )
    _check_flag(flag, kind, where)
    if found is None:
        return Variable(kind, body, "", unit, number)
    return Variable(kind, found["rate"] or found["name"], found.group(3).strip(), unit, number)


def _check_flag(flag: str | None, kind: str, where: str) -> None:
    given = None if flag is None else flag.strip()
    if given == (EVENT_DRIVEN if kind == "rate" else None):
        return
    raise DescriptionError(
        "synapses are brought up to date by events only" if kind == "rate" else "an unknown flag",
        where=where,
        given="no flag" if given is None else f"({given})",
        expected=f'"({EVENT_DRIVEN})" behind a differential equation, nothing behind other lines',
        remedy="Nothing of a synapse is computed between events: there are no clock-driven ones.",
    )

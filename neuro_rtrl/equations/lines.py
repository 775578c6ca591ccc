"""The lines of an `equations` block.

`dv/dt = ... : unit (flags)`, `c[t+1] = ... : unit`, or the subexpression `u = ... : unit`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from neuro_rtrl.errors import DescriptionError

_RATE = re.compile(r"^d([A-Za-z_]\w*)\s*/\s*dt\s*=\s*(.+)$")
_NEXT = re.compile(r"^([A-Za-z_]\w*)\s*\[\s*t\s*\+\s*1\s*\]\s*=\s*(.+)$")
_PLAIN = re.compile(r"^([A-Za-z_]\w*)\s*=\s*(.+)$")
_UNIT = re.compile(r"^(.*):\s*([^:()]+?)\s*(?:\(([^()]*)\))?\s*$")
FLAGS = ("unless refractory",)
MOST_LINES = 100


@dataclass(frozen=True)
class Line:
    """One equation: `kind` is rate, next or subexpression; `number` counts from 1 in the block."""

    kind: str
    name: str
    expression: str
    unit: str
    held: bool
    number: int


def read_lines(block: str) -> list[Line]:
    """The equations of a block of text; comments (#) and empty lines are passed over.

    >>> read_lines("dv/dt = -v/tau : volt (unless refractory)")[0].held
    True
    """
    rows = [(i, row.split("#")[0].strip()) for i, row in enumerate(block.splitlines(), 1)]
    lines = [_line(i, row) for i, row in rows if row]
    if not lines:
        raise DescriptionError(
            "there are no equations", given=repr(block), expected='a line like "dv/dt = -v/tau : 1"'
        )
    if len(lines) > MOST_LINES:
        raise DescriptionError(
            "too many equations", given=len(lines), expected=f"at most {MOST_LINES} lines"
        )
    return lines


def _line(number: int, row: str) -> Line:
    where = f"equation {number}"
    match = _UNIT.match(row)
    if match is None:
        raise DescriptionError(
            "an equation without a unit",
            where=where,
            given=repr(row),
            expected='": unit" at its end, as in "dv/dt = -v/tau : volt"',
        )
    body, unit, flags = match.group(1).strip(), match.group(2).strip(), match.group(3)
    for kind, pattern in (("rate", _RATE), ("next", _NEXT), ("subexpression", _PLAIN)):
        found = pattern.match(body)
        if found:
            held = _held(flags, kind, where)
            return Line(kind, found.group(1), found.group(2).strip(), unit, held, number)
    raise DescriptionError(
        "this is not an equation",
        where=where,
        given=repr(row),
        expected='"dx/dt = ... : unit", "x[t+1] = ... : unit" or "x = ... : unit"',
    )


def _held(flags: str | None, kind: str, where: str) -> bool:
    if flags is None:
        return False
    if flags.strip() not in FLAGS or kind != "rate":
        raise DescriptionError(
            "an unknown flag of an equation",
            where=where,
            given=f"({flags.strip()})",
            expected='"(unless refractory)", behind a differential equation',
        )
    return True

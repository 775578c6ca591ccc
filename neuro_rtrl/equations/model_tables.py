"""Tables of a text, [parameters] and rows of [states]: of neuron models and of synapse models."""

from __future__ import annotations

from typing import Any

from neuro_rtrl.contracts import Parameter, State
from neuro_rtrl.equations import units
from neuro_rtrl.equations.model_events import at
from neuro_rtrl.equations.parser import check_name
from neuro_rtrl.errors import DescriptionError, unknown


def row_of(
    value: Any, where: str, known: tuple[str, ...], needed: tuple[str, ...]
) -> dict[str, Any]:
    """The row of a table, with known keys only and all that are needed."""
    if not isinstance(value, dict):
        raise DescriptionError(
            "wrong kind of value",
            where=where,
            given=repr(value),
            expected="a table { " + ", ".join(f"{k} = ..." for k in known) + " }",
        )
    for key in value:
        if key not in known:
            raise unknown("key", key, known, where=where)
    for key in needed:
        if key not in value:
            raise DescriptionError(
                f"{key} is missing", where=where, given=repr(value), expected=f"{key} = ..."
            )
    return value


def text_of(row: dict[str, Any], key: str, where: str) -> str:
    """A text of a row; "" if it is not there."""
    value = row.get(key, "")
    if not isinstance(value, str):
        raise DescriptionError(
            f"{key} is not a text", where=where, given=repr(value), expected=f'{key} = "..."'
        )
    return value


def read_parameters(table: dict[str, Any]) -> dict[str, Parameter]:
    """The table [parameters] of a text: every one has a value, a unit and a meaning."""
    made = {}
    for name, value in table.items():
        where = f"parameters.{name}"
        at(where, check_name, name)
        row = row_of(value, where, ("value", "unit", "meaning"), ("value", "unit", "meaning"))
        factor, dimension = at(where, units.unit, text_of(row, "unit", where))
        if isinstance(row["value"], str):
            raise DescriptionError(
                "the value is not a number",
                where=where,
                given=repr(row["value"]),
                expected='a number, with its unit in unit = "..."',
            )
        number = at(where, units.quantity, row["value"]) * factor
        meaning = text_of(row, "meaning", where)
        made[name] = Parameter(name, number, row["unit"], dimension, meaning)
    return made


def read_state(name: str, unit: str, place: str, value: Any, held: bool = False) -> State:
    """A state from its row of the table [states]; `place` is that of its equation, for errors."""
    where = f"states.{name}"
    row = row_of(value, where, ("initial", "meaning"), ())
    _, dimension = at(place, units.unit, unit)
    given = row.get("initial", 0)
    plain_zero = isinstance(given, int | float) and given == 0
    start = given if isinstance(given, str) and not units.is_quantity(given) else None
    known = plain_zero or start is not None
    initial = 0.0 if known else at(where, units.quantity, given, dimension)
    meaning = text_of(row, "meaning", where)
    return State(name, unit, dimension, initial, held, meaning, start)

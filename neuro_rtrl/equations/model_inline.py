"""A neuron model from strings in Python: the text of a TOML file, and so the same checks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from neuro_rtrl.contracts import Model
from neuro_rtrl.equations.model_text import model_from_text
from neuro_rtrl.errors import DescriptionError

_QUANTITY = re.compile(r"^\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*(.*?)\s*$")


def make_model(
    equations: str,
    *,
    name: str = "model",
    parameters: Mapping[str, str | float] | None = None,
    synapses: Mapping[str, str] | None = None,
    initial: Mapping[str, str | float] | None = None,
    **lines: str,
) -> Model:
    """A model from inline strings.

    Args:
        equations: as in a model's text: "dv/dt = (bias - v)/tau : 1 (unless refractory)".
        parameters: name -> "20 ms", or a number without a unit.
        synapses: name of an entry -> what an arrival does: {"delta": "v += w"}.
        initial: state -> initial value, in the forms of a model's text.
        lines: method, threshold, reset, refractory, output, readout, summary, reference.

    Raises:
        DescriptionError: what `load_model` would refuse in a file; line numbers are those of the
            text that these strings make.

    >>> model = make_model("dv/dt = -v/tau : 1", threshold="v > 1", reset="v = 0",
    ...                    parameters={"tau": "10 ms"}, synapses={"delta": "v += w"})
    >>> model.kind, model.parameters["tau"].value
    ('ode', 0.01)
    """
    texts = lines | {"equations": equations}
    text = toml_text(texts, parameters=parameters, synapses=synapses, initial=initial)
    return model_from_text(text, name=name, where=name)


def toml_text(
    lines: Mapping[str, str],
    *,
    parameters: Mapping[str, str | float] | None = None,
    synapses: Mapping[str, str] | None = None,
    initial: Mapping[str, str | float] | None = None,
) -> str:
    """The TOML text that these strings and tables make.

    >>> print(toml_text({"equations": "w : 1"}, initial={"u": 0.5}))
    equations = "w : 1"
    [states]
    "u" = { initial = 0.5 }
    <BLANKLINE>
    """
    rows = [f"{key} = {_text(value, key)}" for key, value in lines.items()]
    tables = {
        "states": {k: f"{{ initial = {_value(v)} }}" for k, v in (initial or {}).items()},
        "synapses": {k: _text(v, k) for k, v in (synapses or {}).items()},
        "parameters": {k: _parameter(k, v) for k, v in (parameters or {}).items()},
    }
    for table, entries in tables.items():
        if entries:
            rows += [f"[{table}]", *(f"{_text(k, table)} = {v}" for k, v in entries.items())]
    return "\n".join(rows) + "\n"


def _text(value: object, where: str) -> str:
    """A string of TOML; JSON's strings are such."""
    if not isinstance(value, str):
        raise DescriptionError(
            "this line is not text", where=where, given=repr(value), expected="a string"
        )
    return json.dumps(value)


def _value(value: str | float) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(float(value))


def _parameter(name: str, value: str | float) -> str:
    number, unit = repr(value), "1"
    if isinstance(value, str):
        match = _QUANTITY.match(value)
        if match is None:
            raise DescriptionError(
                "this parameter has no number",
                where=f"parameters.{name}",
                given=repr(value),
                expected='a number, or one with its unit: "20 ms"',
            )
        number, unit = repr(float(match.group(1))), match.group(2) or "1"
    return f'{{ value = {number}, unit = {json.dumps(unit)}, meaning = "given in Python" }}'

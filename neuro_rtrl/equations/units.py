"""Quantities and dimensions.

Inside the package every number is in SI base units; text carries units. A dimension is a sorted
tuple of (base unit, exponent), `()` for a pure number. Reading units is pint's job; this file is
the only one that knows pint. As pint takes a quarter of a second to start, the names that nearly
all texts get along with stand in a table here.
"""

from __future__ import annotations

import functools
import math
import re
from typing import TYPE_CHECKING, Any

from neuro_rtrl.contracts import DIMENSIONLESS, Dimension
from neuro_rtrl.errors import DescriptionError, nearest

if TYPE_CHECKING:
    import pint

_STEMS = ("volt", "amp", "second", "siemens", "farad", "ohm", "metre", "hertz", "gram", "mole")
_SHORT = ("V", "A", "s", "S", "F", "ohm", "m", "Hz", "g", "mol")
_PREFIXES = ("", "p", "n", "u", "m", "k", "M")
# What may stand as a unit inside an equation ("60*mV"), as in Brian2. A bare "m" or "g" is not
# among them: these are favourite names of gating variables and conductances.
EQUATION_UNITS = frozenset(
    {p + s for p in _PREFIXES for s in _STEMS} | {p + s for p in _PREFIXES for s in _SHORT}
) - {"m", "g", "s", "S", "V", "A", "F", "pm", "um"}
_VOLT = (("ampere", -1), ("kilogram", 1), ("meter", 2), ("second", -3))
_SIEMENS = (("ampere", 2), ("kilogram", -1), ("meter", -2), ("second", 3))
_FARAD = (("ampere", 2), ("kilogram", -1), ("meter", -2), ("second", 4))
_OHM = (("ampere", -2), ("kilogram", 1), ("meter", 2), ("second", -3))
_FACTORS = {"": 1.0, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6}
_NAMES: dict[str, Dimension] = {
    **dict.fromkeys(("volt", "V"), _VOLT),
    **dict.fromkeys(("amp", "A"), (("ampere", 1),)),
    **dict.fromkeys(("second", "s"), (("second", 1),)),
    **dict.fromkeys(("siemens", "S"), _SIEMENS),
    **dict.fromkeys(("farad", "F"), _FARAD),
    "ohm": _OHM,
    **dict.fromkeys(("metre", "m"), (("meter", 1),)),
    **dict.fromkeys(("hertz", "Hz"), (("second", -1),)),
}
_KNOWN = {p + name: (f, d) for name, d in _NAMES.items() for p, f in _FACTORS.items()}
_NUMBER = re.compile(r"^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*\*?\s*(.*?)\s*$")
_UNIT_TEXT = re.compile(r"^[A-Za-z0-9_*/^.() +-]{1,60}$")


@functools.cache
def _registry() -> pint.UnitRegistry:
    import pint

    registry: pint.UnitRegistry = pint.UnitRegistry(cache_folder=None)
    return registry


@functools.cache
def unit(text: str) -> tuple[float, Dimension]:
    """Factor to SI base units and dimension of a unit.

    >>> unit("ms")
    (0.001, (('second', 1),))
    >>> unit("1")
    (1.0, ())
    """
    text = text.strip()
    if text in ("1", ""):
        return 1.0, DIMENSIONLESS
    if text in _KNOWN:
        return _KNOWN[text]
    return _by_pint(text)


def _by_pint(text: str) -> tuple[float, Dimension]:
    """The same by pint, for any unit."""
    if not _UNIT_TEXT.match(text) or re.search(r"\d{3}|\*\*\s*\(|[eE]\d", text):
        raise _bad_unit(text)
    try:
        base = _registry().parse_units(_pint_name(text))
        quantity = (1.0 * base).to_base_units()
        items = [(str(name), whole(power)) for name, power in quantity.unit_items()]
    except Exception as error:  # pint raises many kinds, none of them documented as complete
        raise _bad_unit(text) from error
    return float(quantity.magnitude), tuple(sorted(items))


def _pint_name(text: str) -> str:
    text = re.sub(r"\bamp\b", "ampere", text)
    return re.sub(r"\b([pnumkM])amp\b", r"\1A", text)


def whole(power: Any) -> float:
    """A power of a unit (any real number): an int, or a half (the unit of noise is second**-0.5).

    >>> whole(2.0), whole(-0.5)
    (2, -0.5)
    """
    if 2 * power != int(2 * power):
        raise _bad_unit(f"a unit to the power {power:g}")
    return int(power) if power == int(power) else float(power)


def _bad_unit(text: str) -> DescriptionError:
    return DescriptionError(
        "this is not a unit",
        given=repr(text),
        expected="a unit such as ms, mV, nA, Hz or 1",
        remedy=nearest(text, EQUATION_UNITS | {"1", "V", "A", "s", "S", "F"}),
    )


def quantity(value: object, dimension: Dimension | None = None) -> float:
    """A number, or a text like "20 ms", in SI base units; its dimension is checked if given.

    >>> quantity("20 ms", (("second", 1),))
    0.02
    >>> quantity(0.5)
    0.5
    """
    number, found = parse_quantity(value)
    if dimension is not None and found != dimension:
        raise DescriptionError(
            "wrong unit",
            given=repr(value),
            expected=f"a number with the unit {unit_name(dimension)}",
            remedy=f"Write it as in {example(dimension)!r}.",
        )
    return number


def is_quantity(text: str) -> bool:
    """Whether a text is meant as a number with a unit, and not as an expression.

    >>> is_quantity("20 ms"), is_quantity("-60*mV"), is_quantity("v_rest + 5*mV")
    (True, True, False)
    """
    match = _NUMBER.match(text)
    return match is not None and not set(match.group(2)) & set("+-()")


def parse_quantity(value: object) -> tuple[float, Dimension]:
    """(number in SI base units, dimension) of a number or a text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise DescriptionError(
            "this is not a quantity", given=repr(value), expected='a number or a text like "20 ms"'
        )
    if isinstance(value, str):
        match = _NUMBER.match(value)
        if match is None:
            raise DescriptionError(
                "this is not a quantity", given=repr(value), expected='a text like "20 ms"'
            )
        factor, dimension = unit(match.group(2))
        number = float(match.group(1)) * factor
    else:
        number, dimension = _to_float(value), DIMENSIONLESS
    if not math.isfinite(number):
        raise DescriptionError("not a finite number", given=repr(value), expected="a finite number")
    return number, dimension


def _to_float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


@functools.cache
def unit_name(dimension: Dimension) -> str:
    """A readable name of a dimension.

    >>> unit_name((("second", -1),)), unit_name(())
    ('hertz', '1')
    """
    for name in ("second", "volt", "amp", "siemens", "farad", "ohm", "metre", "hertz"):
        if unit(name)[1] == dimension:
            return name
    return " * ".join(f"{n}**{p}" if p != 1 else n for n, p in dimension) or "1"


def example(dimension: Dimension) -> str:
    """A text that would be right for this dimension, for messages."""
    known = {"second": "20 ms", "volt": "15 mV", "amp": "0.5 nA", "1": "0.5", "hertz": "5 Hz"}
    name = unit_name(dimension)
    return known.get(name, f"1 {name}")


def multiply(a: Dimension, b: Dimension, power: float = 1) -> Dimension:
    """Dimension of x * y**power.

    >>> multiply((("second", 1),), (("second", 1),), -1)
    ()
    """
    total: dict[str, float] = dict(a)
    for name, exponent in b:
        total[name] = total.get(name, 0) + power * exponent
    return tuple(sorted((n, whole(e)) for n, e in total.items() if e))

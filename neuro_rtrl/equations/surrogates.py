"""Surrogate derivatives psi(g) of the step H(g) at a threshold (g > 0 spikes).

Triangle as in Subramoney 2023 (arXiv 2303.05641, eq. for H'); exponential as in Shrestha & Orchard
2018; fast sigmoid as in Zenke & Ganguli 2018 (SuperSpike); arctan as in Fang et al. 2021; boxcar as
in Hubara et al. 2016; `spike_only` gates by the spike itself; `none` is 0 everywhere, for spikes
that are given or random: nothing has influence through them.

psi is *exactly* zero for |g| >= cutoff: only then does a unit cost nothing. Triangle and boxcar
end at their half-width by themselves; the others are cut at 5 widths unless said otherwise, and
what is cut off there (`psi(cutoff)/height`) is reported by `describe`.
"""

from __future__ import annotations

import math
from dataclasses import replace

from neuro_rtrl.contracts import Surrogate
from neuro_rtrl.errors import DescriptionError, unknown

# psi/height as Python text in terms of z = |g|/width; `fired` is the spike itself.
SHAPES: dict[str, str] = {
    "triangle": "1.0 - z",
    "boxcar": "1.0",
    "exponential": "exp(-z)",
    "fast_sigmoid": "1.0/((1.0 + z)*(1.0 + z))",
    "arctan": "1.0/(1.0 + z*z)",
    "spike_only": "1.0",
    "none": "0.0",
}
COMPACT = ("triangle", "boxcar")
WIDTHS_KEPT = 5.0


def cutoff(surrogate: Surrogate) -> float:
    """|g| from which psi is exactly zero (infinite for `spike_only`, which needs no support)."""
    if surrogate.shape == "spike_only":
        return math.inf
    if surrogate.shape == "none":
        return 0.0
    compact = surrogate.shape in COMPACT
    end = surrogate.width * (1.0 if compact else WIDTHS_KEPT)
    if surrogate.cutoff is None:
        return end
    return min(surrogate.cutoff, end) if compact else surrogate.cutoff


def psi(surrogate: Surrogate, g: float, fired: bool) -> float:
    """The surrogate derivative, the plain way (kernels use generated code).

    >>> psi(Surrogate("triangle", height=0.3, width=1.0), 0.5, True)
    0.15
    """
    a = abs(g) / surrogate.width
    if abs(g) >= cutoff(surrogate) or (surrogate.shape == "spike_only" and not fired):
        return 0.0
    values = {
        "triangle": 1.0 - a,
        "boxcar": 1.0,
        "exponential": math.exp(-a),
        "fast_sigmoid": 1.0 / ((1.0 + a) * (1.0 + a)),
        "arctan": 1.0 / (1.0 + a * a),
        "spike_only": 1.0,
        "none": 0.0,
    }
    return surrogate.height * values[surrogate.shape]


def make(given: object, default: Surrogate) -> Surrogate:
    """A checked surrogate from a `Surrogate`, a shape's name, or a table of its fields.

    >>> make({"width": 0.3}, Surrogate()).width
    0.3
    """
    if isinstance(given, Surrogate):
        made = given
    elif isinstance(given, str):
        made = replace(default, shape=given, cutoff=None)
    elif isinstance(given, dict):
        known = ("shape", "height", "width", "cutoff")
        for key in given:
            if key not in known:
                raise unknown("key of a surrogate", key, known)
        made = replace(default, **given)
    else:
        raise DescriptionError(
            "this is not a surrogate",
            given=repr(given),
            expected="a name, a table of shape, height, width, cutoff, or a Surrogate",
        )
    return _checked(made)


def _checked(made: Surrogate) -> Surrogate:
    if made.shape not in SHAPES:
        raise unknown("surrogate", made.shape, SHAPES)
    for name in ("height", "width", "cutoff"):
        value = getattr(made, name)
        if name == "cutoff" and value is None:
            continue
        good = isinstance(value, int | float) and not isinstance(value, bool)
        if not good or not math.isfinite(value) or value <= 0:
            raise DescriptionError(
                f"the {name} of a surrogate is out of range",
                given=repr(value),
                expected="a finite number above 0",
            )
    return made


def describe(surrogate: Surrogate) -> str:
    """One line for reports: the shape, and what a cut-off leaves out."""
    if surrogate.shape == "none":
        return "none: nothing has influence through its spikes"
    text = f"{surrogate.shape}(height={surrogate.height:g}, width={surrogate.width:g})"
    if surrogate.shape in (*COMPACT, "spike_only"):
        return text
    end = cutoff(surrogate)
    edge = psi(surrogate, end * (1 - 1e-12), True) / surrogate.height
    return f"{text}, zero beyond |g| = {end:g} where it would be {edge:.2%} of its height"

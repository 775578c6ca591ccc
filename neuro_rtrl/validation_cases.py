"""The random networks in which a model is compared: which resets, delays and refractory periods."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuro_rtrl.contracts import SECOND, Model
from neuro_rtrl.errors import SimulationError
from neuro_rtrl.network.describe import Network, Population

INPUTS, UNITS = 40, 100
INPUT_RATE = 30.0  # hertz
LONGEST_DELAY = 5e-3  # seconds
LONGEST_REFRACTORY = 3e-3  # seconds
INHIBITORY = ("inhibit", "gaba")  # how names of entries begin that take inhibition
LEAST_GAIN = 1e-12
ADDED = "2*ms"
_AIM = (10.0, 25.0)  # hertz
_TRIES = 24
_RESET = re.compile(r"^(\w+)\s*(-?)=\s*([^=].*)$")


@dataclass(frozen=True)
class Case:
    """One way to run a model.

    Attributes:
        kind: of the reset: "to a value", "by subtraction", "as written" or "none".
        reset: the text that replaces the model's own reset, or None.
        held: whether refractory periods are switched on; None leaves them as the text has them.
        period: a refractory period that is put into a text that has none, or None.
        condition: the text of a refractory condition, or None.
    """

    kind: str
    reset: str | None
    held: bool | None
    period: str | None = None
    condition: str | None = None

    @property
    def refractory(self) -> str:
        """The refractory periods of this case, in words."""
        if self.period is not None:
            return f"{self.period}, nothing held"
        if self.held is None:
            return "none" if self.condition is None else self.condition
        return f"0 to {1e3 * LONGEST_REFRACTORY:g} ms" if self.held else "off"


def cases(model: Model) -> list[Case]:
    """Both resets times refractoriness on and off, as far as the model has them.

    >>> from neuro_rtrl.equations.model_text import load_model
    >>> for case in cases(load_model("lif")):
    ...     print(case.kind, "|", case.refractory)
    to a value | off
    to a value | 0 to 3 ms
    by subtraction | off
    by subtraction | 0 to 3 ms
    """
    resets = _resets(model)
    if _switch(model):
        return [Case(kind, text, held) for kind, text in resets for held in (False, True)]
    written = model.text.get("refractory")
    periods = [None, ADDED] if written is None and model.threshold is not None else [None]
    return [Case(kind, text, None, p, written) for kind, text in resets for p in periods]


def _switch(model: Model) -> str | None:
    """The parameter that is the refractory period."""
    expression = model.refractory
    return expression.name if expression is not None and expression.is_Symbol else None


def _resets(model: Model) -> list[tuple[str, str | None]]:
    """The model's own reset and, where one can be made of it, the other kind.

    With a threshold v > T, "v = X" becomes "v -= T - X" and "v -= X" becomes "v = T - X": for a
    membrane that sits exactly at its threshold both are the same.
    """
    if model.threshold is None:
        return [("none", None)]
    left, _, right = re.split(r"([<>]=?)", model.text["threshold"], maxsplit=1)
    variable, level = left.strip(), right.strip()
    parts = [p.strip() for p in re.split(r"[;\n]", model.text.get("reset", "")) if p.strip()]
    for number, part in enumerate(parts):
        match = _RESET.match(part)
        if match is None or match.group(1) != variable:
            continue
        minus, value = match.group(2), match.group(3)
        parts[number] = f"{variable} {'=' if minus else '-='} ({level}) - ({value})"
        own, other = ("by subtraction", "to a value") if minus else ("to a value", "by subtraction")
        return [(own, None), (other, "; ".join(parts))]
    return [("as written" if parts else "none", None)]


def poisson_input(seconds: float, dt: float, seed: int) -> np.ndarray:
    """Frozen spike trains, (steps, INPUTS) of 0.0 and 1.0.

    >>> poisson_input(0.1, 1e-3, 0).shape
    (100, 40)
    """
    steps = max(1, round(seconds / dt))
    return (np.random.default_rng(seed).random((steps, INPUTS)) < INPUT_RATE * dt).astype(float)


def network(
    model: Model, case: Case, dt: float, seed: int, gain: float
) -> tuple[Network, Population]:
    """Poisson sources -> heterogeneous units, with excitation and inhibition among the units.

    Every projection mixes delays from 0 to 5 ms; all weights are proportional to `gain`.
    """
    net = Network(dt=dt, seed=seed)
    rng = np.random.default_rng((seed, 1))
    source = net.inputs(INPUTS, name="source")
    units = net.neurons(
        UNITS,
        model,
        name="units",
        reset=case.reset,
        refractory=case.period,
        **_parameters(model, case, rng),
    )
    kinds: list[tuple[Population, float, float]] = [(source, 0.3, 1.0)]
    if model.threshold is not None:
        kinds += [(units, 0.1, 0.3), (units, 0.05, -0.6)]
    for port in model.ports:
        for origin, density, strength in _signed(model, port, kinds):
            made = net.connect(origin, units, density=density, port=port, weights=0.0)
            count = made.pre.size
            made.weights[:] = gain * strength * rng.uniform(0.5, 1.5, count)
            made.delay[:] = rng.integers(0, int(LONGEST_DELAY / dt + 0.5) + 1, count)
            made.delay[: count // 4] = 0
    return net, units


def _signed(
    model: Model, port: str, kinds: list[tuple[Population, float, float]]
) -> list[tuple[Population, float, float]]:
    """Where a model has entries for excitation and for inhibition, no weight is negative."""
    inhibits = port.startswith(INHIBITORY)
    if not any(name.startswith(INHIBITORY) for name in model.ports):
        return kinds
    return [
        (origin, density, abs(strength))
        for origin, density, strength in kinds
        if (strength < 0) is inhibits
    ]


def _parameters(model: Model, case: Case, rng: np.random.Generator) -> dict[str, Any]:
    """Time constants drawn for each unit; refractory periods as the case wants them."""
    expression = model.refractory
    periods = set() if expression is None else {s.name for s in expression.free_symbols}
    made: dict[str, Any] = {
        name: parameter.value * rng.uniform(0.7, 1.3, UNITS)
        for name, parameter in model.parameters.items()
        if parameter.dimension == SECOND and parameter.value > 0 and name not in periods
    }
    switch = _switch(model)
    if switch and case.held is not None:
        periods_drawn = rng.uniform(0.0, LONGEST_REFRACTORY, UNITS)
        periods_drawn[: UNITS // 4] = 0.0
        made[switch] = periods_drawn if case.held else "0 ms"
    return made


def nudge(population: Population, scales: Mapping[str, float], seed: int) -> None:
    """Changes every initial state by about one rounding, in place.

    Args:
        scales: state -> what stands for its size where it is 0.
        seed: of the roundings, -2 to 2 of them for each unit.
    """
    rng = np.random.default_rng((seed, 2))
    for name, value in population.initial.items():
        start = np.broadcast_to(np.asarray(value, float), (population.n,))
        size = np.where(start == 0, scales[name], np.abs(start))
        roundings = rng.integers(-2, 3, population.n)
        population.initial[name] = start + np.finfo(float).eps * size * roundings


def first_gain(model: Model) -> float:
    """Where to begin: conductances and currents from below, since too much of them may block."""
    return LEAST_GAIN if any(port.dimension for port in model.ports.values()) else 0.1


def find_gain(rate: Callable[[float], float], start: float = 0.1) -> float:
    """A gain of the weights that makes a network alive.

    Args:
        rate: mean rate of the units (hertz) for a gain; grows with it, roughly. Where too strong
            an input silences the units (a block by depolarisation), a search from below follows.
        start: the first gain that is tried.

    >>> 10 <= find_gain(lambda gain: 1000 * gain) * 1000 <= 25
    True
    >>> 10 <= 1e9 * find_gain(lambda gain: 1e9 * gain * (gain < 1e-6)) <= 25
    True
    """
    gain = start
    for begin in dict.fromkeys((start, LEAST_GAIN)):
        gain, alive = _searched(rate, begin)
        if alive:
            break
    return gain


def _searched(rate: Callable[[float], float], gain: float) -> tuple[float, bool]:
    """A gain, and whether the rate is what it should be."""
    low, high = 0.0, np.inf
    for _ in range(_TRIES):
        try:
            found = rate(gain)
        except SimulationError:  # a state is no longer finite
            found = np.inf
        if _AIM[0] <= found <= _AIM[1]:
            return gain, True
        low, high = (gain, high) if found < _AIM[0] else (low, gain)
        if low > 0 and high < np.inf:
            gain = float(np.sqrt(low * high))
        else:
            gain *= 4.0 if high == np.inf else 0.25
    return gain, False

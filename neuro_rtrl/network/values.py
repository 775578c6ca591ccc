"""Values of parameters and initial states, one for each unit: numbers, draws, or expressions.

An expression may use the other parameters, the unit's number `i`, the number of units `N`, and
`rand()` (uniform in [0, 1)) or `randn()` (standard normal), drawn for each unit, as in Brian2:
"(rand()*5 - 60)*mV", "v_rest + 2*mV*randn()", "10*Hz*i/N". Those of initial states may also use
initial states.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neuro_rtrl.contracts import DIMENSIONLESS, Dimension, Model
from neuro_rtrl.contracts_plasticity import Synapse
from neuro_rtrl.equations.evaluate import evaluate
from neuro_rtrl.equations.parser import DRAWS, Term, parse, symbol
from neuro_rtrl.equations.syntax import computed_tree
from neuro_rtrl.equations.units import unit_name
from neuro_rtrl.errors import DescriptionError, unknown
from neuro_rtrl.network.draws import DISTRIBUTIONS, draw

COUNTERS = ("i", "N")


@dataclass
class Values:
    """The values of one population, filled step by step.

    Attributes:
        n, name: of the population.
        rng: the population's own generator.
        dimensions: of every name that an expression may use.
        known: name -> (n,) or () in SI units.
    """

    n: int
    name: str
    rng: np.random.Generator
    dimensions: dict[str, Dimension] = field(default_factory=dict)
    known: dict[str, np.ndarray] = field(default_factory=dict)

    def fill(
        self, given: Mapping[str, Any], dimensions: Mapping[str, Dimension]
    ) -> dict[str, np.ndarray]:
        """Numbers and draws first, in the order of `dimensions`; then the expressions.

        Raises:
            DescriptionError: a wrong unit or shape, or expressions that need each other.
        """
        self.dimensions |= dimensions
        texts = {k: v for k, v in given.items() if self._is_expression(v)}
        for key, dimension in dimensions.items():
            if key not in texts:
                where = f"{self.name}.{key}"
                self.known[key] = draw(given[key], self.n, self.rng, dimension, where=where)
        for key in dimensions:
            self._resolve(key, texts, ())
        return {key: self.known[key] for key in dimensions}

    def _is_expression(self, value: Any) -> bool:
        """Whether a text computes with names or chance, or sums quantities."""
        tree = computed_tree(value, DISTRIBUTIONS)
        if tree is None:
            return False
        names = {_name(node) for node in ast.walk(tree)}
        sums = any(isinstance(node, ast.Add | ast.Sub) for node in ast.walk(tree))
        return sums or bool(names & {*self.dimensions, *COUNTERS, *DRAWS})

    def _resolve(self, key: str, texts: Mapping[str, str], above: tuple[str, ...]) -> None:
        if key in self.known or key not in texts:
            return
        where = f"{self.name}.{key}"
        if key in above:
            raise DescriptionError(
                "these values need each other",
                where=where,
                given=" -> ".join([*above, key]),
                expected="expressions of values that do not depend on this one",
            )
        names = {k: Term(symbol(k), d) for k, d in self.dimensions.items()}
        names |= {k: Term(symbol(k), DIMENSIONLESS) for k in (*COUNTERS, *DRAWS)}
        try:
            term = parse(texts[key], names)
        except DescriptionError as error:
            raise error.at(where) from error
        if term.dimension != self.dimensions[key]:
            raise DescriptionError(
                "wrong unit",
                where=where,
                given=f"{texts[key]!r}, in {unit_name(term.dimension)}",
                expected=f"an expression in {unit_name(self.dimensions[key])}",
            )
        used = sorted(s.name for s in term.expression.free_symbols)
        for name in used:
            self._resolve(name, texts, (*above, key))
        with np.errstate(all="ignore"):
            found = evaluate(term.expression, self._symbols(used))
        self.known[key] = self._checked(where, found)

    def _symbols(self, used: list[str]) -> dict[str, Any]:
        found: dict[str, Any] = {"i": np.arange(self.n), "N": self.n} | self.known
        for name in used:
            if name.startswith("randn_"):
                found[name] = self.rng.standard_normal(self.n)
            elif name.startswith("rand_"):
                found[name] = self.rng.random(self.n)
        return found

    def _checked(self, where: str, value: Any) -> np.ndarray:
        array = np.asarray(value, float)
        if not np.isfinite(array).all():
            raise DescriptionError(
                "this expression is not finite for every unit",
                where=where,
                given=array.ravel()[~np.isfinite(array.ravel())][0],
                expected="finite numbers",
            )
        return array


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def parameters_and_states(
    model: Model | Synapse,
    n: int,
    name: str,
    rng: np.random.Generator,
    parameters: Mapping[str, Any],
    initial: Mapping[str, Any],
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The parameters and initial states of `n` units of a model, in SI units.

    Args:
        name: of the population, for messages.
        rng: its generator.
        parameters, initial: what was given; the model's own values stand for the rest.

    Raises:
        DescriptionError: an unknown name, a wrong unit or shape.

    >>> from neuro_rtrl.equations.model_text import load_model
    >>> rng = np.random.default_rng(0)
    >>> given = {"tau_m": "10*ms*(1 + i)", "bias": "v_th/2"}
    >>> found, start = parameters_and_states(load_model("lif"), 2, "p", rng, given, {})
    >>> found["tau_m"].tolist(), float(found["bias"]), float(start["v"])
    ([0.01, 0.02], 0.5, 0.0)
    """
    for key in parameters:
        if key not in model.parameters:
            raise unknown("parameter", key, model.parameters, where=name)
    states = {s.name: s for s in model.states}
    for key in initial:
        if key not in states:
            raise unknown("state", key, states, where=f"{name}: initial")
    made = Values(n, name, rng)
    own = {k: np.asarray(p.value) for k, p in model.parameters.items()}
    start = {k: np.asarray(s.initial) if s.start is None else s.start for k, s in states.items()}
    # A value of None stands for the model's own.
    chosen = {k: v for k, v in parameters.items() if v is not None}
    begun = {k: v for k, v in initial.items() if v is not None}
    found = _plain(own, chosen, made, {k: p.dimension for k, p in model.parameters.items()})
    return found, _plain(start, begun, made, {k: s.dimension for k, s in states.items()})


def _plain(
    own: Mapping[str, Any],
    given: Mapping[str, Any],
    made: Values,
    dimensions: Mapping[str, Dimension],
) -> dict[str, np.ndarray]:
    """The model's own numbers are in SI units already; what was given is read."""
    made.known |= {k: v for k, v in own.items() if k not in given and not isinstance(v, str)}
    rest = {k: given.get(k, own[k]) for k in dimensions if k not in made.known}
    made.dimensions |= dimensions
    made.fill(rest, {k: dimensions[k] for k in rest})
    return {k: made.known[k] for k in dimensions}

"""A number for each synapse, from an expression of its two ends, as in Brian2.

Names: `i` and `j` (numbers of source and target), `N_pre`, `N_post`, `rand()`, `randn()`; where the
populations have positions also `x_pre`, `y_pre`, `z_pre`, `x_post`, ... and `distance`.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuro_rtrl.contracts import DIMENSIONLESS, Dimension
from neuro_rtrl.equations.evaluate import evaluate
from neuro_rtrl.equations.parser import DRAWS, Term, parse, symbol
from neuro_rtrl.equations.syntax import computed_tree
from neuro_rtrl.equations.units import unit_name
from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.network.draws import DISTRIBUTIONS

AXES = "xyz"


@dataclass(frozen=True)
class Ends:
    """Sizes and positions of the two populations of a projection.

    Attributes:
        positions: (units, axes) of sources and of targets, or None.
        same: whether both are one population.
    """

    n_pre: int
    n_post: int
    positions: tuple[np.ndarray | None, np.ndarray | None] = (None, None)
    same: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names that an expression may use."""
        before, after = ([] if p is None else list(AXES[: p.shape[1]]) for p in self.positions)
        both = ["distance"] if before and before == after else []
        places = [f"{x}_pre" for x in before] + [f"{x}_post" for x in after]
        return ("i", "j", "N_pre", "N_post", *places, *both)

    def value(self, name: str, pre: np.ndarray, post: np.ndarray) -> Any:
        """The number that a name stands for, for each synapse."""
        plain = {"i": pre, "j": post, "N_pre": self.n_pre, "N_post": self.n_post}
        if name in plain:
            return plain[name]
        before, after = self.positions
        if name == "distance" and before is not None and after is not None:
            return np.sqrt(((before[pre] - after[post]) ** 2).sum(axis=1))
        axis, _, end = name.partition("_")
        chosen, index = (before, pre) if end == "pre" else (after, post)
        return None if chosen is None else chosen[index, AXES.index(axis)]


def is_expression(value: Any) -> bool:
    """Whether a text computes with names of pairs or with chance.

    >>> is_expression("2*ms + distance*1*ms"), is_expression("normal(0, 1)"), is_expression("2 ms")
    (True, False, False)
    """
    tree = computed_tree(value, DISTRIBUTIONS)
    if tree is None:
        return False
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    ends = ("_pre", "_post")
    return bool(names & {"i", "j", "distance", *DRAWS}) or any(n.endswith(ends) for n in names)


def is_plain(text: str, ends: Ends) -> bool:
    """Whether an expression has no unit; one that cannot be read counts as such."""
    try:
        term = parse(text, {k: Term(symbol(k), DIMENSIONLESS) for k in (*ends.names, *DRAWS)})
    except DescriptionError:
        return True
    return term.dimension == DIMENSIONLESS


def pair_values(
    text: str,
    ends: Ends,
    pre: np.ndarray,
    post: np.ndarray,
    rng: np.random.Generator,
    dimension: Dimension,
    where: str,
) -> np.ndarray:
    """(synapses,) values of an expression in SI units.

    Raises:
        DescriptionError: an unknown name, a wrong unit, or a value that is not finite.

    >>> pre, post = np.array([0, 1]), np.array([2, 2])
    >>> pair_values("i + 10*j", Ends(2, 3), pre, post, np.random.default_rng(0), (), "w").tolist()
    [20.0, 21.0]
    """
    names = {k: Term(symbol(k), DIMENSIONLESS) for k in (*ends.names, *DRAWS)}
    try:
        term = parse(text, names)
    except DescriptionError as error:
        raise error.at(where) from error
    if term.dimension != dimension:
        raise DescriptionError(
            "wrong unit",
            where=where,
            given=f"{text!r}, in {unit_name(term.dimension)}",
            expected=f"an expression in {unit_name(dimension)}",
        )
    values: dict[str, Any] = {}
    for name in sorted(s.name for s in term.expression.free_symbols):
        if name.startswith("randn_"):
            values[name] = rng.standard_normal(pre.size)
        elif name.startswith("rand_"):
            values[name] = rng.random(pre.size)
        else:
            values[name] = ends.value(name, pre, post)
    with np.errstate(all="ignore"):
        found = np.asarray(evaluate(term.expression, values), float)
    if not np.isfinite(found).all():
        raise DescriptionError(
            "this expression is not finite for every pair",
            where=where,
            given=repr(text),
            expected="finite numbers",
        )
    return np.broadcast_to(found, pre.shape).astype(float)

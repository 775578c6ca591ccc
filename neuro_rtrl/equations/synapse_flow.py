"""What synaptic variables do between two events: linear equations, solved for any gap.

    alone        dx/dt = a x + b        x <- x e^(a gap) + b gap exprel(a gap)
    together     dx/dt = A x + b        x <- sum_k e^(l_k gap) R_k x, over the eigenvalues l_k of A

A variable is alone if its equation has no other variable in it and stands in no other equation. The
matrices R_k = v_k u_k^T of the right and left eigenvectors are numbers, computed once: nothing here
can overflow at a long gap, as a closed formula does that has growing exponentials in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from neuro_rtrl.contracts_plasticity import Synapse
from neuro_rtrl.equations.evaluate import evaluate
from neuro_rtrl.equations.functions import Step, exprel
from neuro_rtrl.equations.integrators import reachable
from neuro_rtrl.equations.parser import symbol
from neuro_rtrl.errors import BuildError

# Steps since the synapse was last brought up to date.
GAP = symbol("gap")
# Eigenvectors that are closer to each other than this lose too many digits.
WORST_CONDITION = 1e7
_NUMERIC = (np.linalg.LinAlgError, FloatingPointError)


@dataclass(frozen=True)
class Flow:
    """The solution of a synapse's equations.

    Attributes:
        after: state -> its value after a gap, an expression of GAP, states and coefficients.
        rates, drives: of variables alone: name of a coefficient -> a, or b.
        together: the coupled variables, in order; their equations need modes.
        matrix, drive: of the coupled variables: A and b.
        modes: number of terms of the sum; one more than variables if some b is not 0.
    """

    after: dict[str, sympy.Expr]
    rates: dict[str, sympy.Expr]
    drives: dict[str, sympy.Expr]
    together: tuple[str, ...]
    matrix: tuple[tuple[sympy.Expr, ...], ...]
    drive: tuple[sympy.Expr, ...]
    modes: int

    def values(self, parameters: Mapping[str, Any], dt: float) -> dict[str, np.ndarray]:
        """Name of each coefficient -> its value, () or one for each synapse; per step."""
        scalar = self.rates | self.drives
        made = {k: np.asarray(evaluate(e, parameters), float) * dt for k, e in scalar.items()}
        return made | (self._modes(parameters, dt) if self.together else {})

    def _modes(self, parameters: Mapping[str, Any], dt: float) -> dict[str, np.ndarray]:
        size = len(self.together)
        rows = [
            [np.asarray(evaluate(e, parameters), float) for e in (*row, b)]
            for row, b in zip(self.matrix, self.drive, strict=True)
        ]
        shape = np.broadcast_shapes(*(v.shape for row in rows for v in row))
        whole = np.zeros((*shape, size + 1, size + 1))
        for i, row in enumerate(rows):
            for j, value in enumerate(row):
                whole[..., i, j] = value
        part = whole[..., : self.modes, : self.modes]
        values, right = _eigen(part, self.together)
        left = np.linalg.inv(right)
        made = {f"mode_{k}": values[..., k] * dt for k in range(self.modes)}
        for k in range(self.modes):
            product = right[..., :, k, None] * left[..., None, k, :]
            for i, j in _entries(self.matrix, self.drive):
                made[f"share_{k}_{i}_{j}"] = product[..., i, j]
        return made


def solve(synapse: Synapse) -> Flow:
    """The flow of a synapse model.

    Raises:
        BuildError: an equation is not linear with constant coefficients.

    >>> from neuro_rtrl.equations.synapse_text import load_synapse
    >>> solve(load_synapse("stdp")).after["Apre"]
    Apre*exp(gap*rate_Apre)
    """
    names = list(synapse.rates)
    matrix, drive = _linear(synapse)
    alone = [i for i in range(len(names)) if _is_alone(matrix, i)]
    after, rates, drives = {}, {}, {}
    for i in alone:
        name, x = names[i], symbol(names[i])
        rate, source = symbol(f"rate_{name}"), symbol(f"drive_{name}")
        after[name] = x
        if matrix[i][i] != 0:
            rates[rate.name] = matrix[i][i]
            after[name] = x * sympy.exp(rate * GAP)
        if drive[i] != 0:
            drives[source.name] = drive[i]
            growth = exprel(rate * GAP) if matrix[i][i] != 0 else 1
            after[name] += source * GAP * growth
    rest = [i for i in range(len(names)) if i not in alone]
    block = tuple(tuple(matrix[i][j] for j in rest) for i in rest)
    sources = tuple(drive[i] for i in rest)
    together = tuple(names[i] for i in rest)
    modes = len(rest) + any(b != 0 for b in sources)
    after |= _sums(together, block, sources, modes)
    return Flow(after, rates, drives, together, block, sources, modes)


def _linear(synapse: Synapse) -> tuple[list[list[sympy.Expr]], list[sympy.Expr]]:
    """A and b of dx/dt = A x + b."""
    names = list(synapse.rates)
    variables = [symbol(n) for n in names]
    varying = {symbol(s.name) for s in synapse.states}
    matrix = [[sympy.diff(rate, x) for x in variables] for rate in synapse.rates.values()]
    zero = dict.fromkeys(variables, 0)
    drive = [rate.subs(zero, simultaneous=True) for rate in synapse.rates.values()]
    for name, row, b in zip(names, matrix, drive, strict=True):
        used = set().union(*(e.free_symbols for e in (*row, b)))
        if used & varying or synapse.rates[name].atoms(Step):
            raise BuildError(
                f"the equation of {name} has no exact solution between events",
                where=f"{synapse.name}: equations",
                given=f"d{name}/dt = {synapse.rates[name]}",
                expected="equations that are linear in the variables that have equations, with "
                "parameters as coefficients",
            )
    return matrix, drive


def _is_alone(matrix: list[list[sympy.Expr]], i: int) -> bool:
    others = [j for j in range(len(matrix)) if j != i]
    return all(matrix[i][j] == 0 and matrix[j][i] == 0 for j in others)


def _entries(
    matrix: tuple[tuple[sympy.Expr, ...], ...], drive: tuple[sympy.Expr, ...]
) -> list[tuple[int, int]]:
    """Which entries of e^(A gap) can be other than 0; the last column is that of b."""
    size = len(matrix)
    whole = [[*row, b] for row, b in zip(matrix, drive, strict=True)]
    reach = reachable([*whole, [sympy.Integer(0)] * (size + 1)])
    return [(i, j) for i in range(size) for j in range(size + 1) if reach[i][j]]


def _sums(
    names: tuple[str, ...],
    matrix: tuple[tuple[sympy.Expr, ...], ...],
    drive: tuple[sympy.Expr, ...],
    modes: int,
) -> dict[str, sympy.Expr]:
    """The coupled variables after a gap."""
    values = [*(symbol(n) for n in names), sympy.Integer(1)]
    entries = _entries(matrix, drive)
    made = {}
    for i, name in enumerate(names):
        terms = []
        for k in range(modes):
            shares = [symbol(f"share_{k}_{i}_{j}") * values[j] for a, j in entries if a == i]
            terms.append(sympy.exp(symbol(f"mode_{k}") * GAP) * sympy.Add(*shares))
        made[name] = sympy.Add(*terms)
    return made


def _eigen(matrix: np.ndarray, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Real eigenvalues, and eigenvectors that are well apart."""
    try:
        values, vectors = np.linalg.eig(matrix)
        good = np.isrealobj(values) or not np.imag(values).any()
        good = good and bool((np.linalg.cond(vectors) < WORST_CONDITION).all())
    except _NUMERIC:
        good = False
    if not good:
        raise BuildError(
            f"the equations of {', '.join(names)} cannot be solved apart",
            given="oscillations, or rates that are equal or nearly so",
            expected="different time constants of variables that drive each other",
            remedy="Change one of them by a thousandth.",
        )
    return np.real(values), np.real(vectors)

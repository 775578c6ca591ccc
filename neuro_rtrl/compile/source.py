"""A derived model -> readable Python source of up to seven functions over one population.

    flow     h <- Phi(h, a), a <- 0
    jacobian D, F, U at the state before the flow
    spike    s and y
    look     which units fire, or have a surrogate derivative (one loop without branches)
    event    of units in a list: s, y and their sensitivities, ds/dh, dy/dh, ds/dtheta, dy/dtheta
    reset    for one unit: R(h), dR/dh, dR/dtheta
    gate     of the units that are refractory, which ones stay so

Layout: `h[v*n + i]` is state v of unit i; matrices are unit by unit, row by row. Coefficients that
all units share come first in `c` and are read once; the others follow, n values each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sympy

from neuro_rtrl.compile.contraction import contracted
from neuro_rtrl.compile.printer import assignments
from neuro_rtrl.contracts import Surrogate
from neuro_rtrl.equations import surrogates
from neuro_rtrl.equations.derive import Derived, Matrix

PSI = ("psi_height", "psi_width", "psi_cutoff")
HEADER = '''"""Generated from the neuron model text {name!r}: do not edit."""

from math import cos, cosh, log, sin, sinh, sqrt, tanh

from neuro_rtrl.kernels.exponential import exp, fma
from neuro_rtrl.kernels.jit import native
from neuro_rtrl.kernels.scalar import above, at_least, exprel, phi_2, sigmoid, sign

'''


@dataclass(frozen=True)
class Layout:
    """Where the coefficients of a population stand in its array `c`."""

    shared: tuple[str, ...]
    varied: tuple[str, ...]

    def pack(self, values: dict[str, np.ndarray], n: int) -> np.ndarray:
        """The array `c` of one population."""
        parts = [np.array([float(values[k]) for k in self.shared])]
        parts += [np.broadcast_to(values[k], (n,)).astype(float) for k in self.varied]
        return np.concatenate(parts) if parts else np.zeros(0)


def layout(values: dict[str, np.ndarray]) -> Layout:
    """Shared coefficients are those of shape ()."""
    names = sorted(values)
    return Layout(
        tuple(k for k in names if values[k].ndim == 0), tuple(k for k in names if values[k].ndim)
    )


def psi_values(surrogate: Surrogate) -> dict[str, np.ndarray]:
    """The surrogate's numbers, as shared coefficients."""
    end = surrogates.cutoff(surrogate)
    numbers = (surrogate.height, surrogate.width, end)
    return {k: np.asarray(float(x)) for k, x in zip(PSI, numbers, strict=True)}


def source(derived: Derived, surrogate: Surrogate, where: Layout) -> str:
    """Source text of the functions that the model has."""
    writer = Writer(derived, where)
    parts = [HEADER.format(name=derived.model.name), writer.flow(), writer.jacobian()]
    if derived.threshold is not None:
        parts += [writer.spike(), writer.look(surrogate), writer.event(surrogate), writer.reset()]
    if derived.refractory_while is not None:
        parts.append(writer.gate(derived.refractory_while))
    return "\n\n".join(parts)


class Writer:
    """Writes the functions of one model."""

    def __init__(self, derived: Derived, where: Layout) -> None:
        self.model = derived
        self.where = where
        self.d, self.inputs, self.m = derived.size

    def reads(self, inputs: bool) -> dict[str, str]:
        """Name -> text that reads its value in the body of a function."""
        names = {s: f"h_{s}" for s in self.model.states}
        names |= {a: f"a_{a}" for a in self.model.inputs} if inputs else {}
        names |= {t: f"t_{t}" for t in self.model.theta}
        return names | {k: f"c_{k}" for k in (*self.where.shared, *self.where.varied)}

    def shared(self, expressions: Sequence[sympy.Expr], more: Sequence[str] = ()) -> list[str]:
        """Lines that read the shared coefficients in use, before the loop."""
        used = _used(expressions) | set(more)
        return [f"c_{k} = c[{j}]" for j, k in enumerate(self.where.shared) if k in used]

    def loads(self, expressions: Sequence[sympy.Expr]) -> list[str]:
        """Lines that read what is in use for unit i."""
        used, s = _used(expressions), len(self.where.shared)
        lines = [f"h_{x} = h[{v}*n + i]" for v, x in enumerate(self.model.states) if x in used]
        lines += [f"a_{x} = a[{v}*n + i]" for v, x in enumerate(self.model.inputs) if x in used]
        lines += [f"t_{x} = theta[{v}*n + i]" for v, x in enumerate(self.model.theta) if x in used]
        varied = enumerate(self.where.varied)
        return lines + [f"c_{k} = c[{s} + {j}*n + i]" for j, k in varied if k in used]

    def flow(self) -> str:
        """h <- Phi(h, a), a <- 0."""
        free = self.model.flow
        held = self.model.held_flow or free
        names = self.reads(inputs=True)
        new = [f"new_{s}" for s in self.model.states]
        body = self.loads([*free, *held])
        if self.model.held_flow is None:
            body += assignments(new, free, names, "x")
        else:
            body += ["if held[i]:", *indent(assignments(new, held, names, "y"))]
            body += ["else:", *indent(assignments(new, free, names, "x"))]
        body += [f"h[{v}*n + i] = new_{s}" for v, s in enumerate(self.model.states)]
        # Random channels stay: the threshold test may look at them.
        body += [f"a[{v}*n + i] = 0.0" for v in range(len(self.model.model.inputs))]
        before = self.shared([*free, *held])
        return function("flow", "iffffb", "n, h, a, c, theta, held", before, body)

    def jacobian(self) -> str:
        """D, F and U."""
        m = self.model
        names = self.reads(inputs=True)
        free = _flat((m.flow_h, m.flow_a, m.flow_theta))
        zeros: Matrix = tuple(tuple(sympy.Integer(0) for _ in row) for row in m.flow_a)
        held = _flat((m.held_flow_h, zeros, m.held_flow_theta))
        targets = _cells("D", self.d, self.d) + _cells("F", self.d, self.inputs)
        targets += _cells("U", self.d, self.m)
        body = self.loads([*free, *held])
        if m.held_flow is None:
            body += assignments(targets, free, names, "x")
        else:
            body += ["if held[i]:", *indent(assignments(targets, held, names, "y"))]
            body += ["else:", *indent(assignments(targets, free, names, "x"))]
        arguments = "n, h, a, c, theta, held, D, F, U"
        return function("jacobian", "iffffbfff", arguments, self.shared([*free, *held]), body)

    def spike(self) -> str:
        """s and y."""
        used = [self.model.threshold, self._output()]
        body = self.loads(used) + self._test(used)
        arguments = "n, h, a, c, theta, held, s, y"
        return function("spike", "iffffbbf", arguments, self.shared(used), body)

    def look(self, surrogate: Surrogate) -> str:
        """s <- whether the unit has an event, or nearly one."""
        used = [self.model.threshold]
        body = self.loads(used) + assignments(["g"], used, self.reads(inputs=True), "x")
        above = f"(g {self.above()} 0.0)"
        if surrogate.shape != "spike_only":
            above = f"({above} | (abs(g) < c_psi_cutoff))"
        body += [f"s[i] = 1 if {above} & (held[i] == 0) else 0"]
        arguments, before = "n, h, a, c, theta, held, s", self.shared(used, PSI)
        return function("look", "iffffbb", arguments, before, body)

    def event(self, surrogate: Surrogate) -> str:
        """s and y and their sensitivities, for the units in a list.

        Numbers are chosen, not ways: whether one of these units spikes cannot be guessed.
        """
        m = self.model
        names = self.reads(inputs=True)
        slopes = [*m.threshold_h, *m.threshold_theta, *m.output_h, *m.output_theta]
        used = [m.threshold, self._output(), *slopes]
        body = [*self.loads(used), *self._test(used[:2])]
        shape = surrogates.SHAPES[surrogate.shape]
        body += ["z = abs(g)/c_psi_width", f"inside = c_psi_height*({shape})"]
        body += [f"psi = inside if {_live(surrogate)} else 0.0"]
        body += self._sensitivities(names)
        lines = ["for j in range(count):", *indent(["i = units[j] - first", *body])]
        arguments = "count, units, first, n, h, a, c, theta, held, s, y, ds, dy, dst, dyt"
        before = [*self.shared(used, PSI), *lines]
        return function("event", "iliiffffbbfffff", arguments, before, [], loop=False)

    def _output(self) -> sympy.Expr:
        return self.model.output if self.model.output is not None else sympy.Integer(1)

    def above(self) -> str:
        """How the threshold condition is compared with 0."""
        return ">" if self.model.model.strict else ">="

    def _test(self, threshold_and_output: Sequence[sympy.Expr]) -> list[str]:
        """s and y of unit i."""
        lines = assignments(["g", "f"], threshold_and_output, self.reads(inputs=True), "x")
        lines += [f"fired = (g {self.above()} 0.0) & (held[i] == 0)"]
        return [*lines, "s[i] = 1 if fired else 0", "y[i] = f if fired else 0.0"]

    def _sensitivities(self, names: dict[str, str]) -> list[str]:
        """ds = psi dg and dy = s df + f ds."""
        m = self.model
        rows = (
            ("ds", "dy", self.d, m.threshold_h, m.output_h),
            ("dst", "dyt", self.m, m.threshold_theta, m.output_theta),
        )
        live = []
        for spike, event, count, slopes, factors in rows:
            cells = [f"[i*{count} + {v}]" for v in range(count)]
            live += assignments(
                [f"g_{spike}_{v}" for v in range(count)], slopes, names, f"p{spike}"
            )
            live += assignments(
                [f"f_{spike}_{v}" for v in range(count)], factors, names, f"q{spike}"
            )
            live += [f"{spike}{x} = psi*g_{spike}_{v}" for v, x in enumerate(cells)]
            live += [
                f"{event}{x} = f*psi*g_{spike}_{v} + (f_{spike}_{v} if fired else 0.0)"
                for v, x in enumerate(cells)
            ]
        return live

    def reset(self) -> str:
        """R and its derivatives for one unit."""
        m = self.model
        names = self.reads(inputs=False)
        everything = [*m.reset, *_flat((m.reset_h, m.reset_theta))]
        targets = [f"R[{v}]" for v in range(self.d)]
        targets += [f"A[{v}]" for v in range(self.d * self.d)]
        targets += [f"B[{v}]" for v in range(self.d * self.m)]
        body = self.shared(everything) + self.loads(everything)
        body += assignments(targets, everything, names, "x")
        arguments = "i, n, h, c, theta, R, A, B"
        return function("reset", "iiffffff", arguments, body, [], loop=False)

    def gate(self, condition: sympy.Expr) -> str:
        """Which refractory units stay so."""
        names = self.reads(inputs=False)
        body = ["if held[i]:", *indent(self.loads([condition]))]
        body += indent(assignments(["stay"], [condition], names, "x"))
        body += ["    held[i] = 1 if stay > 0.5 else 0"]
        return function("gate", "ifffb", "n, h, c, theta, held", self.shared([condition]), body)


def _live(surrogate: Surrogate) -> str:
    if surrogate.shape == "spike_only":
        return "fired"
    return "(abs(g) < c_psi_cutoff) & (held[i] == 0)"


def _used(expressions: Sequence[sympy.Expr]) -> set[str]:
    return {s.name for e in expressions for s in e.free_symbols}


def _flat(matrices: Sequence[Matrix]) -> list[sympy.Expr]:
    return [entry for matrix in matrices for row in matrix for entry in row]


def _cells(name: str, rows: int, columns: int) -> list[str]:
    size = rows * columns
    return [f"{name}[i*{size} + {j}]" for j in range(size)]


def indent(lines: Sequence[str]) -> list[str]:
    """The lines as the body of a block."""
    return ["    " + line for line in lines] or ["    pass"]


def function(
    name: str, signature: str, arguments: str, before: list[str], body: list[str], loop: bool = True
) -> str:
    """Text of a generated function; `body` is done for each unit if there is a loop."""
    lines = [f'@native("{signature}")', f"def {name}({arguments}):", *indent(before)]
    if loop:
        lines += ["    for i in range(n):", *indent(indent(body))]
    return contracted("\n".join(lines)) + "\n"

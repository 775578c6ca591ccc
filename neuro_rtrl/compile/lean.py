"""Generated functions of a simulation without learning: no sensitivities, one loop a step.

    advance  h <- Phi(h, a), a <- 0, then s: update and threshold test in one loop without branches
    settle   for one unit: h <- R(h)

What a refractory unit does is chosen number by number, so that the loop becomes vector code. A
model with graded events keeps the two loops `flow` and `spike`.
"""

from __future__ import annotations

import sympy

from neuro_rtrl.compile.printer import assignments
from neuro_rtrl.compile.source import HEADER, Layout, Writer, function
from neuro_rtrl.equations.derive import Derived


def source(derived: Derived, where: Layout) -> str:
    """Source text of the functions that a simulation calls."""
    writer = Writer(derived, where)
    parts = [HEADER.format(name=derived.model.name)]
    graded = derived.output is not None
    if derived.threshold is None or graded:
        parts.append(writer.flow())
    if derived.threshold is not None:
        parts.append(writer.spike() if graded else advance(writer))
        parts.append(settle(writer))
    if derived.refractory_while is not None:
        parts.append(writer.gate(derived.refractory_while))
    return "\n\n".join(parts)


def advance(writer: Writer) -> str:
    """Update and threshold test of one population."""
    m = writer.model
    free, held = m.flow, m.held_flow or m.flow
    everything = [*free, *held, *([] if m.threshold is None else [m.threshold])]
    names = writer.reads(inputs=True)
    body = writer.loads(everything)
    body += assignments([f"free_{s}" for s in m.states], free, names, "x")
    # States that a refractory unit updates as any other need no choice.
    differs = [(s, x, y) for s, x, y in zip(m.states, free, held, strict=True) if x != y]
    body += assignments(
        [f"held_{s}" for s, _, _ in differs], [y for _, _, y in differs], names, "y"
    )
    chosen = {s for s, _, _ in differs}
    body += [
        f"new_{s} = held_{s} if held[i] else free_{s}" if s in chosen else f"new_{s} = free_{s}"
        for s in m.states
    ]
    body += [f"h[{v}*n + i] = new_{s}" for v, s in enumerate(m.states)]
    collecting = m.model.inputs
    body += [f"a[{v}*n + i] = 0.0" for v in range(len(collecting))]
    after = names | {s: f"new_{s}" for s in m.states} | dict.fromkeys(collecting, "0.0")
    body += assignments(["g"], [m.threshold], after, "z")
    body += [f"s[i] = 1 if (g {writer.above()} 0.0) & (held[i] == 0) else 0"]
    arguments = "n, h, a, c, theta, held, s"
    return function("advance", "iffffbb", arguments, writer.shared(everything), body)


def settle(writer: Writer) -> str:
    """The reset of unit i."""
    m = writer.model
    changed = [(v, s) for v, s in enumerate(m.states) if s in m.model.reset]
    values: list[sympy.Expr] = [m.reset[v] for v, _ in changed]
    body = writer.shared(values) + writer.loads(values)
    body += assignments([f"new_{s}" for _, s in changed], values, writer.reads(inputs=False), "x")
    body += [f"h[{v}*n + i] = new_{s}" for v, s in changed]
    lines = body or ["pass"]
    return function("settle", "iifff", "i, n, h, c, theta", lines, [], loop=False)

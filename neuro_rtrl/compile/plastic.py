"""A synapse model -> readable Python source of up to three functions over its synapses.

    pre      synapses low to high, where a spike arrives; jump <- gain times what is sent
    post     synapses index[low] to index[high], whose target spikes
    reward   all synapses

Each first brings a synapse up to date. Layout: `z[i*m + v]` is variable v of synapse i; the last of
its m numbers is the step of its last event. Spikes of targets jump from synapse to synapse, so what
belongs to one lies together. Coefficients are laid out as those of neuron models (source.py).

Synapses that lie anywhere are fetched BLOCK at a time into `room`, a row for each number, changed
there by a loop that is vector code, as the others are, and put back. That loop always has BLOCK
turns: what it makes of places that nothing was put in is not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy

from neuro_rtrl.compile.contraction import contracted
from neuro_rtrl.compile.native import compile_source
from neuro_rtrl.compile.printer import assignments
from neuro_rtrl.compile.source import Layout, indent
from neuro_rtrl.contracts_plasticity import EVENTS, SENT, Synapse
from neuro_rtrl.equations.synapse_flow import GAP, Flow

HEADER = '''"""Generated from the synapse model text {name!r}: do not edit."""

from math import cos, cosh, log, sin, sinh, sqrt, tanh

from neuro_rtrl.kernels.exponential import exp, fma
from neuro_rtrl.kernels.jit import native
from neuro_rtrl.kernels.scalar import above, at_least, clip, exprel, sigmoid, sign

'''
# Event -> signature, arguments, and the loop over synapses, unless they go block by block.
_SHAPES = {
    "pre": ("iiiifff", "low, high, n, step, z, c, jump", ["for i in range(low, high):"]),
    "post": ("iiiiufff", "low, high, n, step, index, z, c, room", []),
    "reward": ("iifff", "n, step, z, c, signal", ["for i in range(n):"]),
}
BLOCK = 16
STEP = "step"
# What an arrival is multiplied by, beside the coefficients of the text.
GAIN = "gain"


def room(synapse: Synapse, where: Layout) -> int:
    """Numbers that a block of synapses needs at most: a row for each that is read or written."""
    return BLOCK * (len(synapse.states) + 1 + len(where.varied))


def addresses(synapse: Synapse, flow: Flow, where: Layout) -> tuple[int, int, int]:
    """Addresses of the compiled functions, in the order of `EVENTS`; 0: there is none."""
    found = vars(compile_source(source(synapse, flow, where)).module)
    pre, post, reward = (int(found[e].address) if e in found else 0 for e in EVENTS)
    return pre, post, reward


def source(synapse: Synapse, flow: Flow, where: Layout) -> str:
    """Source text of the functions that the model has.

    >>> from neuro_rtrl.equations.synapse_flow import solve
    >>> from neuro_rtrl.equations.synapse_text import synapse_from_text
    >>> text = 'equations = "w : 1"\\non_post = "w = clip(w, 0, 1)"'
    >>> synapse = synapse_from_text(text)
    >>> print(source(synapse, solve(synapse), Layout((), ())).split("sign\\n\\n")[1].strip())
    @native('iiiiufff')
    def post(low, high, n, step, index, z, c, room):
        for first in range(low, high, 16):
            count = min(16, high - first)
            for k in range(count):
                i = index[first + k]
                room[0 + k] = z[i * 2 + 0]
            for k in range(16):
                h_w = room[0 + k]
                h_w = clip(h_w, 0.0, 1.0)
                room[0 + k] = h_w
            for k in range(count):
                i = index[first + k]
                z[i * 2 + 0] = room[0 + k]
    """
    parts = [HEADER.format(name=synapse.name)]
    parts += [_function(synapse, flow, where, event) for event in EVENTS if event in synapse.on]
    return "\n\n".join(parts)


def _function(synapse: Synapse, flow: Flow, where: Layout, event: str) -> str:
    signature, arguments, loop = _SHAPES[event]
    statements = synapse.on[event]
    names = {s.name: f"h_{s.name}" for s in synapse.states}
    names |= {k: f"c_{k}" for k in (*where.shared, *where.varied)}
    names |= {GAP.name: "gap", "reward": "signal[0]"}
    expressions = [*flow.after.values(), *(s.expression for s in statements)]
    sends = any(s.name == SENT for s in statements)
    used = {s.name for e in expressions for s in e.free_symbols} | ({GAIN} if sends else set())
    body = _update(synapse, flow, names)
    for k, statement in enumerate(statements):
        left = "sent" if statement.name == SENT else f"h_{statement.name}"
        body += assignments([left], [statement.expression], names, f"y{k}")
    changed = {*flow.after, *(s.name for s in statements)}
    reads = _reads(synapse, where, used)
    writes = [(_place(synapse, name), f"h_{name}") for name in _names(synapse, changed)]
    writes += [(_place(synapse), STEP)] if flow.after else []
    writes += [("jump[i]", f"c_{GAIN}*sent")] if sends else []
    if flow.after:
        reads.append(("last", _place(synapse)))
    before = [f"c_{k} = c[{j}]" for j, k in enumerate(where.shared) if k in used]
    inside = _blocks(reads, body, writes) if not loop else _loop(loop, reads, body, writes)
    lines = [f'@native("{signature}")', f"def {event}({arguments}):", *indent([*before, *inside])]
    return contracted("\n".join(lines)) + "\n"


def _loop(
    loop: list[str], reads: list[tuple[str, str]], body: list[str], writes: list[tuple[str, str]]
) -> list[str]:
    """Synapses that lie in a line."""
    lines = [*(f"{a} = {b}" for a, b in reads), *body, *(f"{a} = {b}" for a, b in writes)]
    return [*loop, *indent(lines)]


def _blocks(
    reads: list[tuple[str, str]], body: list[str], writes: list[tuple[str, str]]
) -> list[str]:
    """Synapses that lie anywhere."""
    changed = [name for _, name in writes if name != STEP]
    names = dict.fromkeys([*(name for name, _ in reads), *changed])
    row = {name: f"room[{BLOCK * number} + k]" for number, name in enumerate(names)}
    each = ["for k in range(count):", "    i = index[first + k]"]
    inside = [f"count = min({BLOCK}, high - first)"]
    inside += [*each, *indent([f"{row[name]} = {place}" for name, place in reads])]
    turn = [*(f"{name} = {row[name]}" for name, _ in reads), *body]
    turn += [f"{row[name]} = {name}" for name in changed]
    inside += [f"for k in range({BLOCK}):", *indent(turn)]
    inside += [*each, *indent([f"{place} = {row.get(name, name)}" for place, name in writes])]
    return [f"for first in range(low, high, {BLOCK}):", *indent(inside)]


def _names(synapse: Synapse, chosen: set[str]) -> list[str]:
    return [s.name for s in synapse.states if s.name in chosen]


def _place(synapse: Synapse, name: str | None = None) -> str:
    """Where a variable of synapse i lies; without a name the step of its last event."""
    states = [s.name for s in synapse.states]
    return f"z[i*{len(states) + 1} + {len(states) if name is None else states.index(name)}]"


def _reads(synapse: Synapse, where: Layout, used: set[str]) -> list[tuple[str, str]]:
    """Name -> where it lies, of what is in use of synapse i."""
    found = [(f"h_{name}", _place(synapse, name)) for name in _names(synapse, used)]
    shared = len(where.shared)
    varied = enumerate(where.varied)
    return found + [(f"c_{k}", f"c[{shared} + {j}*n + i]") for j, k in varied if k in used]


def _update(synapse: Synapse, flow: Flow, names: dict[str, str]) -> list[str]:
    """Lines that bring the variables up to date."""
    if not flow.after:
        return []
    new: Sequence[str] = [f"new_{name}" for name in flow.after]
    expressions: Sequence[sympy.Expr] = list(flow.after.values())
    lines = ["gap = step - last"]
    lines += assignments(new, expressions, names, "x")
    return lines + [f"h_{name} = new_{name}" for name in flow.after]

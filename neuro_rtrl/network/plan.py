"""Network description -> flat arrays for kernels, and the names to find things in them again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from neuro_rtrl.errors import BuildError
from neuro_rtrl.kernels.layout import Mask
from neuro_rtrl.network.checked import check_synapses
from neuro_rtrl.network.describe import Network, Population
from neuro_rtrl.network.reach import Reach, reach
from neuro_rtrl.network.wires import Wiring, firsts, wire


@dataclass
class Plan:
    """A network as arrays.

    Parameters of the network, learned or not, are numbered: first all synapses in `wiring` order,
    then the learned unit parameters, population by population.

    Attributes:
        populations: those with units, in order; `first` their first unit.
        values: (parameters,) initial values.
        names: learned name ("projection" or "population.parameter") -> parameter numbers.
        mask: static shape of the influence matrix.
        past: (2, synapses) units before and after synapses that are gone, but through which
            influence came that has not been given up since.
    """

    net: Network
    populations: list[Population]
    inputs: list[Population]
    first: dict[str, int]
    n: int
    wiring: Wiring
    at_theta: np.ndarray
    values: np.ndarray
    names: dict[str, np.ndarray] = field(default_factory=dict)
    past: np.ndarray = field(default_factory=lambda: np.zeros((2, 0), np.int64))

    @cached_property
    def learned(self) -> np.ndarray:
        """Parameter numbers that learn, ascending."""
        return np.sort(np.concatenate([np.zeros(0, np.int64), *self.names.values()]))

    @property
    def readouts(self) -> list[Population]:
        """Populations that a loss can read: those that never spike."""
        return [p for p in self.populations if p.model is not None and p.model.readout is not None]

    @property
    def is_readout(self) -> np.ndarray:
        """(N,) whether a unit belongs to one of them."""
        found = np.zeros(self.n, bool)
        for population in self.readouts:
            first = self.first[population.name]
            found[first : first + population.n] = True
        return found


def plan(net: Network) -> Plan:
    """The arrays of a described network.

    Raises:
        BuildError: there is nothing to run, or synapses are not what they should be.
    """
    for projection in net.projections.values():
        check_synapses(projection)
    populations = [p for p in net.populations.values() if p.model is not None]
    inputs = [p for p in net.populations.values() if p.model is None]
    if not populations:
        raise BuildError(
            "this network has no units", given="no populations", expected="net.neurons(...) first"
        )
    first, n, _ = firsts(net)
    wiring = wire(net)
    names = {k: v for k, v in wiring.places.items() if net.projections[k].learn and v.size}
    parts, at_theta, count = [wiring.weight], [], wiring.weight.size
    for population in populations:
        at_theta.append(count)
        for parameter in population.learn:
            names[f"{population.name}.{parameter}"] = np.arange(count, count + population.n)
            parts.append(np.broadcast_to(population.parameters[parameter], (population.n,)))
            count += population.n
    values = np.concatenate(parts).astype(float, copy=False)
    return Plan(net, populations, inputs, first, n, wiring, np.array(at_theta), values, names)


Pattern = Callable[[Plan, np.ndarray], Reach]


def mask(made: Plan, pattern: Pattern | None = None) -> Mask:
    """The static shape of the influence matrix; also fills `wires.slot`.

    Args:
        pattern: which blocks each row holds, from the plan and the number of own parameters of each
            unit; None: all that any path can reach.
    """
    wires, n = made.wiring.wires, made.n
    learned = np.flatnonzero(made.wiring.learn)
    order = learned[np.argsort(wires.target[learned], kind="stable")]
    own_count = np.bincount(wires.target[learned], minlength=n)
    wires.slot[order] = np.arange(order.size)
    sizes = [
        (len(p.model.states), len(p.learn), p.n) for p in made.populations if p.model is not None
    ]
    d = np.repeat([s[0] for s in sizes], [s[2] for s in sizes])
    m = np.repeat([s[1] for s in sizes], [s[2] for s in sizes])
    if pattern is None:
        between = made.wiring.source < n
        edges = np.stack([made.wiring.source[between], wires.target[between]])
        pre, post = np.concatenate([edges, made.past], axis=1)
        graph = reach(n, pre, post, own_count + m)
    else:
        graph = pattern(made, own_count + m)
    rows = np.repeat(d, np.diff(graph.pointer))
    carried, carried_block = _carried(graph.pointer, graph.blocks, graph.block)
    return Mask(
        own=_offsets(own_count),
        own_parameter=order,
        own_at=_offsets(own_count * d),
        block=graph.block,
        columns=graph.columns,
        column_at=_offsets(graph.columns),
        segment=graph.pointer,
        segment_block=graph.blocks,
        segment_row=_rows_in_blocks(graph.blocks, rows, graph.columns.size),
        carried=carried,
        carried_block=carried_block,
    )


def _offsets(sizes: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _rows_in_blocks(blocks: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
    """First row of each segment in its block's storage: rows are handed out in order of units."""
    order = np.argsort(blocks, kind="stable")
    sizes = rows[order]
    before = np.cumsum(sizes) - sizes
    starts = np.searchsorted(blocks[order], np.arange(count))
    base = before[np.minimum(starts, max(order.size - 1, 0))] if order.size else np.zeros(count)
    out = np.zeros(blocks.size, dtype=np.int64)
    out[order] = before - base[blocks[order]]
    return out


def _carried(
    pointer: np.ndarray, blocks: np.ndarray, own: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Blocks that an event of each unit carries: those of its row, and its own; ascending."""
    units = np.repeat(np.arange(own.size), np.diff(pointer))
    named = np.flatnonzero(own >= 0)
    # One number for each pair: to sort pairs takes ten times as long.
    count = int(max(own.max(initial=0), blocks.max(initial=0))) + 1
    rows, own_pairs = units * count + blocks, named * count + own[named]
    unit, block = np.divmod(np.unique(np.concatenate([rows, own_pairs])), count)
    return _offsets(np.bincount(unit, minlength=own.size)), block.astype(np.int64)

"""What a rule's exactness statement says about a given network, read from its wording.

The sentence that a rule offers is for people; so that checks can hold a rule to it, the clauses
that promise something have fixed words (`CLAUSES`), and whoever writes a rule uses them:

    drops nothing                       every learned array of every network
    ... not connected with each other   networks in which no emitting unit reaches another
        without connections between units, unconnected units: the same
    unconnected units without reset     the same, and no unit is reset
        unconnected (diagonal) layers: the same
    one layer of units and readouts without memory      one emitting population, and readouts whose
        one layer of unconnected units and ...          states do not depend on what they were
    more than N synapses away           networks in which no emitting unit is farther than N
                                        synapses from one that it can hear
    crossed more than N synapses        networks in which no path of synapses between emitting units
                                        is longer
    window of N steps                   sequences of at most N steps
    exact for the parameters of readouts    (or weights) arrays of units that emit nothing
    nowhere exact, exact only where     nothing that can be seen from a network

Emitting units are those with a threshold or an output; readouts emit nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse

from neuro_rtrl.network.describe import Network, Population

Promise = Callable[[re.Match[str], Network, int], set[str]]


def learned_names(net: Network) -> set[str]:
    """Names of all learned arrays, as `Learner.gradient` has them."""
    weights = {k for k, p in net.projections.items() if p.learn and p.pre.size}
    return weights | {f"{k}.{q}" for k, p in net.populations.items() for q in p.learn}


def emits(population: Population) -> bool:
    """Whether units of this population send events (inputs are no units)."""
    return population.model is not None and population.model.threshold is not None


def _everything(match: re.Match[str], net: Network, steps: int) -> set[str]:
    return learned_names(net)


def _nothing(match: re.Match[str], net: Network, steps: int) -> set[str]:
    return set()


def _unconnected(match: re.Match[str], net: Network, steps: int) -> set[str]:
    linked = any(p.pre.size and emits(p.source) and emits(p.target) for p in _wires(net))
    return set() if linked else learned_names(net)


def _without_reset(match: re.Match[str], net: Network, steps: int) -> set[str]:
    reset = any(p.model is not None and p.model.reset for p in net.populations.values())
    return set() if reset else _unconnected(match, net, steps)


def _one_layer(match: re.Match[str], net: Network, steps: int) -> set[str]:
    alone = sum(emits(p) for p in net.populations.values()) == 1
    return learned_names(net) if alone and _forgetful_readouts(net) else set()


def _one_diagonal_layer(match: re.Match[str], net: Network, steps: int) -> set[str]:
    return _unconnected(match, net, steps) if _forgetful_readouts(net) else set()


def _forgetful_readouts(net: Network) -> bool:
    """Whether D is 0 in all units that emit nothing."""
    quiet = [p.derived for p in net.populations.values() if p.derived is not None and not emits(p)]
    return all(entry == 0 for derived in quiet for row in derived.flow_h for entry in row)


def _graph(net: Network) -> Any:
    """Synapses between emitting units: a boolean csr_matrix (target, source)."""
    number = {k: i for i, k in enumerate(net.populations)}
    first = np.concatenate([[0], np.cumsum([p.n for p in net.populations.values()])])
    between = [p for p in _wires(net) if emits(p.source) and emits(p.target)]
    pre = [first[number[p.source.name]] + p.pre for p in between]
    post = [first[number[p.target.name]] + p.post for p in between]
    pairs = (np.concatenate([[], *post]).astype(int), np.concatenate([[], *pre]).astype(int))
    shape = (int(first[-1]), int(first[-1]))
    return scipy.sparse.csr_matrix((np.ones(pairs[0].size, bool), pairs), shape=shape, dtype=bool)


def _near(match: re.Match[str], net: Network, steps: int) -> set[str]:
    """Distances do not grow beyond N: one step more reaches no pair that was not reached."""
    step = _graph(net)
    reached = scipy.sparse.identity(step.shape[0], dtype=bool, format="csr")
    for _ in range(int(match.group(1))):
        wider = (reached + step @ reached).astype(bool)
        if wider.nnz == reached.nnz:
            return learned_names(net)
        reached = wider
    farther = (reached + step @ reached).astype(bool)
    return learned_names(net) if farther.nnz == reached.nnz else set()


def _acyclic(match: re.Match[str], net: Network, steps: int) -> set[str]:
    """No path has N + 1 synapses."""
    step = _graph(net)
    path = step
    for _ in range(int(match.group(1))):
        if path.nnz == 0:
            break
        path = (step @ path).astype(bool)
    return learned_names(net) if path.nnz == 0 else set()


def _short(match: re.Match[str], net: Network, steps: int) -> set[str]:
    return learned_names(net) if steps <= int(match.group(1)) else set()


def _readouts(match: re.Match[str], net: Network, steps: int) -> set[str]:
    weights = {k for k, p in net.projections.items() if not emits(p.target)}
    quiet = [(k, p) for k, p in net.populations.items() if not emits(p)]
    return learned_names(net) & (weights | {f"{k}.{q}" for k, p in quiet for q in p.learn})


def _wires(net: Network) -> list[Any]:
    return list(net.projections.values())


CLAUSES: tuple[tuple[str, Promise], ...] = (
    (r"^drops nothing", _everything),
    (r"not connected with each other|without connections between units", _unconnected),
    (r"unconnected units(?! without)(?!\s+and\s+readouts)|unconnected \(diagonal\)", _unconnected),
    (r"one layer of units and readouts without memory", _one_layer),
    (r"one layer of unconnected units and\s+readouts without memory", _one_diagonal_layer),
    (r"unconnected units without reset", _without_reset),
    (r"more than (\d+) synapses away", _near),
    (r"crossed more than (\d+) synapses", _acyclic),
    (r"window of (\d+) steps", _short),
    (r"exact\s+for\s+(?:the\s+)?(?:parameters|weights) of readouts", _readouts),
    (r"nowhere exact|exact only where", _nothing),
)


def clauses(statement: str) -> list[tuple[re.Match[str], Promise]]:
    """The clauses of a statement that a check can read."""
    found = [(re.search(words, statement), promise) for words, promise in CLAUSES]
    return [(match, promise) for match, promise in found if match is not None]


def promised(statement: str, net: Network, steps: int) -> set[str]:
    """Learned arrays of which a statement says that their gradient is exact here.

    Args:
        statement: a rule's `exactness`.
        net: the network.
        steps: of the longest sequence.

    >>> net = Network()
    >>> x, y = net.inputs(2), net.neurons(1, "leaky_readout", name="y")
    >>> made = net.connect(x, y, name="out")
    >>> promised("drops a lot; exact for the parameters of readouts", net, 10)
    {'out'}
    """
    sets = [promise(match, net, steps) for match, promise in clauses(statement)]
    return set().union(*sets)

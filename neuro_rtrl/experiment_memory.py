"""How much memory a run will need, said before it is taken (`network.max_memory`, `--max-memory`).

The network itself is estimated from its text alone, before an array is made; the influence matrix
from its mask, with every column that may ever be used: an upper bound that a sparse run does not
reach, so it counts only where a user has set a limit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from neuro_rtrl.engine.memory import physical, said
from neuro_rtrl.errors import BuildError, DescriptionError
from neuro_rtrl.experiment_keys import Table
from neuro_rtrl.experiment_sections import PopulationText, ProjectionText

if TYPE_CHECKING:
    from neuro_rtrl.experiment_training import Job

UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
UNITS |= {"B": 1, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
OF_UNIT, OF_STATE, OF_SYNAPSE = 200, 100, 100
"""Bytes, rough and rather too many."""
_KNOWN = {"name", "density", "indegree", "weights", "delay", "port", "learn", "self_connections"}
_KNOWN |= {"plasticity", "modulator"}


def read_size(text: str, where: str) -> int:
    """Bytes of a size such as "8 GiB".

    Raises:
        DescriptionError: it is no size.

    >>> read_size("1.5 GiB", ""), read_size("500MB", "")
    (1610612736, 500000000)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([KMGT]?i?B)\s*", text, re.IGNORECASE)
    if found is None:
        raise DescriptionError(
            "this is not a size of memory",
            where=where,
            given=repr(text),
            expected="a number and B, kB, MB, GB, TB, KiB, MiB, GiB or TiB, as in '8 GiB'",
        )
    return int(float(found[1]) * UNITS[found[2].upper()])


def check_network(
    network: Table, populations: Sequence[PopulationText], projections: Sequence[ProjectionText]
) -> None:
    """Refuses a network that would need more memory than it may have.

    Raises:
        DescriptionError: it would, or `max_memory` is no size.
    """
    most = _most(network)
    size = {p.name: p.n for p in populations}
    states = {p.name: len(p.model.states) if p.model else 0 for p in populations}
    needed = sum(float(n) * (OF_UNIT + OF_STATE * states[name]) for name, n in size.items())
    needed += sum(OF_SYNAPSE * _synapses(p, size) for p in projections)
    if needed > most:
        raise DescriptionError(
            "the network needs more memory than it may have",
            where=network.place("max_memory"),
            given=f"about {said(needed)}",
            expected=f"at most {said(most)}",
            remedy="Use fewer units or synapses (density, indegree), or allow more: --max-memory.",
        )


def check_trials(task: Table, network: Table, inputs: int, outputs: int) -> None:
    """Refuses a task whose batches alone would need more memory than a run may have.

    Args:
        task: its table; batches are as large as its options `batch`, `test_size` and `steps` say.
        network: the table with `max_memory`.
        inputs: of the network.
        outputs: of the network.

    Raises:
        DescriptionError: they would.
    """
    numbers = {name: task.values.get(name, 1) for name in ("batch", "test_size", "steps")}
    whole = {n: max(v, 1) for n, v in numbers.items() if type(v) is int}
    batch, steps = max(whole.get("batch", 1), whole.get("test_size", 1)), whole.get("steps", 1)
    needed, most = 8.0 * batch * steps * (inputs + outputs), _most(network)
    if needed > most:
        raise DescriptionError(
            "the batches of the task need more memory than they may have",
            where=task.place("steps" if steps > batch else "batch"),
            given=f"at least {said(needed)}",
            expected=f"at most {said(most)}",
            remedy="Use shorter sequences or smaller batches, or allow more with --max-memory.",
        )


def check_influence(job: Job) -> None:
    """Refuses a run whose influence matrix may need more memory than a user has allowed, or whose
    rule takes at once more than there is.

    Raises:
        BuildError: it may.
    """
    network = Table(job.experiment.values.get("network", {}), job.experiment.file, "network")
    most = _most(network)
    batch, steps = job.task.train(0).inputs.shape[:2]
    needed, at_once = job.learner.most_bytes(batch, steps)
    if needed > most and (at_once or "max_memory" in network.values):
        raise BuildError(
            "the influence matrix may need more memory than it may have"
            if not at_once
            else "the steps that the rule looks back on need more memory than they may have",
            where=f"{job.label}: learning.rule",
            given=f"up to {said(needed)} by the rule {job.experiment.learning.rule}",
            expected=f"at most {said(most)}",
            remedy="Use sparser synapses, shorter sequences, a rule that keeps less (snap-1,"
            " eprop), or allow more with --max-memory.",
        )


def _most(network: Table) -> int:
    if "max_memory" not in network.values:
        return physical()
    return read_size(network.text("max_memory"), network.place("max_memory"))


def _synapses(projection: ProjectionText, size: dict[str, int]) -> float:
    """At most; 0 where a pattern of another kind says how many there are."""
    options = projection.options
    before, after = size[projection.source], size[projection.target]
    if options.get("pairs") is not None:
        return len(options["pairs"])
    if set(options) - _KNOWN:
        return 0
    if options.get("indegree") is not None:
        return float(options["indegree"]) * after
    density = options.get("density", 1.0)
    return before * after * float(density) if isinstance(density, int | float) else 0

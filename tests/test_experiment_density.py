"""The counted influence matrix against the readable twin, entry by entry."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.experiment_density import Counter
from neuro_rtrl.experiment_text import load_experiment, make_network, make_task
from neuro_rtrl.network.describe import Network
from tests.reference.dual import gradient, value
from tests.reference.twin import Simulation

SMALL = ["populations.hidden.n=5", "populations.hidden.parameters.theta='normal(-4, 0.5)'"]
SPARSE = [f"projections.hidden_{gate}.density=0.4" for gate in "urc"]
OFF = ["populations.hidden.threshold=c > -1000"]


def counted_by_the_twin(network: Network, inputs: np.ndarray) -> float:
    """Mean fraction of non-zero dy_k/dw over all units k and dense recurrent weights w."""
    twin = Simulation(network)
    hidden, total = twin.groups["hidden"], 0
    for t, x in enumerate(inputs):
        twin.step(t, x)
        for k, h in enumerate(hidden.h):
            if not (hidden.live[k] or value(hidden.spike[k]) == 1.0):
                continue
            row = twin.learned.split(gradient(h["c"]))
            total += sum(int((row[f"hidden_{gate}"] != 0).sum()) for gate in "urc")
    return total / (len(inputs) * hidden.n * 3 * hidden.n**2)


@pytest.mark.parametrize("changes", [[], SPARSE, OFF, SPARSE + OFF])
def test_counts_what_the_twin_counts(changes: list[str]) -> None:
    experiment = load_experiment("spiral", SMALL + changes)
    network, inputs = make_network(experiment), make_task(experiment).train(0).inputs[:3]
    expected = [counted_by_the_twin(network, sequence) for sequence in inputs]
    assert Counter(network).density(inputs, {}) == pytest.approx(np.mean(expected), abs=1e-12)
    assert min(expected) > 0.01


def test_without_activity_sparsity_only_the_first_steps_are_empty() -> None:
    experiment = load_experiment("spiral", OFF)
    inputs = make_task(experiment).train(0).inputs[:2]
    # No event arrives in step 0; in step 1 a weight influences its own unit only: 1/16 of the rows.
    expected = (15 + 1 / 16) / 17
    assert Counter(make_network(experiment)).density(inputs, {}) == pytest.approx(expected)


def test_follows_the_values_it_is_given() -> None:
    experiment = load_experiment("spiral", SMALL)
    network, inputs = make_network(experiment), make_task(experiment).train(0).inputs[:2]
    counter = Counter(network)
    before = counter.density(inputs, {})
    silent = {"hidden.theta": np.full(5, 50.0)}
    assert counter.density(inputs, silent) != before
    assert (
        counter.density(inputs, {"hidden.theta": network.populations["hidden"].parameters["theta"]})
        == before
    )

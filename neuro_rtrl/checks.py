"""Generic checks that anybody may run on a model, an experiment or a network of his own.

`gradcheck` compares the gradient of an exact rule with the reference, back-propagation through
time, in float64. It refuses to pass where it would prove nothing: on a network that is silent, or
whose gradient is zero, and it leaves steps without error between the windows that have one,
because a trace that forgets is not seen when the whole sequence is one window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuro_rtrl import registry
from neuro_rtrl.contracts import Model
from neuro_rtrl.equations.derive import derive
from neuro_rtrl.equations.model_text import load_model
from neuro_rtrl.errors import BuildError, DescriptionError, SimulationError, unknown
from neuro_rtrl.experiment_text import load_experiment, make_network, make_task
from neuro_rtrl.learner import Learner
from neuro_rtrl.network.describe import Network, Population

REFERENCE = "bptt"
TOLERANCE = 1e-10
STEPS, INPUTS, SIZES = 60, 6, (6, 5)
LONGEST = 300  # steps of an experiment's sequence that are checked
GAINS = (1.0, 0.5, 2.0, 0.25, 4.0, 8.0, 0.125, 16.0, 32.0)


@dataclass(frozen=True)
class GradCheck:
    """One comparison.

    Attributes:
        max_relative_error: largest difference of an entry, over the largest entry of its array.
        spikes: of the units (of the inputs where the model never spikes).
        passed: the error is below 1e-10, and the network was alive.
        remark: why it did not pass, or "".
    """

    model: str
    rule: str
    reference: str
    max_relative_error: float
    spikes: int
    passed: bool
    remark: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For tables and files."""
        return asdict(self)


def gradcheck(
    net: Network,
    inputs: Any,
    targets: Any,
    *,
    rule: str = "rtrl",
    loss: str = "mse",
    name: str = "network",
) -> GradCheck:
    """Compare a rule with back-propagation through time on a network.

    Args:
        net: any network with a readout.
        inputs: (batch, steps, inputs).
        targets: (batch, steps, outputs), NaN where there is no error.
        rule: an exact rule.
        loss: as for `Learner`.
        name: what the result is called.

    >>> net = Network(dt="1 ms", seed=3)
    >>> x, unit, y = net.inputs(2), net.neurons(4, "lif"), net.neurons(1, "leaky_readout")
    >>> a, b = net.connect(x, unit, weights="uniform(0.4, 0.9)"), net.connect(unit, unit)
    >>> c = net.connect(unit, y)
    >>> ones = np.ones((1, 30, 2))
    >>> gradcheck(net, ones, np.ones((1, 30, 1))).passed
    True
    """
    found, spikes, sensitive = _gradient(net, inputs, targets, rule, loss)
    wanted, _, _ = _gradient(net, inputs, targets, REFERENCE, loss)
    error = max((_relative(found[k], wanted[k]) for k in wanted), default=0.0)
    hidden = any(p.model is not None and p.model.threshold is not None for p in _populations(net))
    if not hidden:
        spikes = int(np.count_nonzero(np.asarray(inputs, float)))
    remark = ""
    if spikes == 0 or (hidden and sensitive == 0):
        remark = "the network is silent: nothing was checked; raise its weights or its input"
    elif not any(np.any(v) for v in wanted.values()):
        remark = "the gradient is zero everywhere: nothing was checked"
    elif not error <= TOLERANCE:
        remark = f"the gradients differ by more than {TOLERANCE:g}"
    return GradCheck(name, rule, REFERENCE, error, spikes, not remark, remark)


def _populations(net: Network) -> Sequence[Population]:
    return list(net.populations.values())


def _gradient(
    net: Network, inputs: Any, targets: Any, rule: str, loss: str
) -> tuple[dict[str, np.ndarray], int, int]:
    learner = Learner(net, rule=rule, loss=loss, update="sequence", precision="float64")
    learner.run(inputs, targets, learn=False)
    ledger = learner.ledger
    return learner.gradient, ledger.spikes, ledger.sensitive


def _relative(found: np.ndarray, wanted: np.ndarray) -> float:
    size = float(np.abs(wanted).max(initial=0.0))
    difference = float(np.abs(found - wanted).max(initial=0.0))
    return difference / size if size > 0 else difference


def gradcheck_named(name: str) -> list[dict[str, Any]]:
    """Check a model (a name or a `.toml`), an experiment, or "all" models.

    Raises:
        DescriptionError: there is no such model or experiment.
    """
    models, experiments = registry.files("models"), registry.files("experiments")
    if name == "all":
        rows = [row for known in models for row in check_model(known)]
    elif name in models:
        rows = check_model(name)
    elif name in experiments:
        rows = check_experiment(name)
    elif Path(name).suffix == ".toml":
        rows = check_experiment(name) if _is_experiment(name) else check_model(name)
    else:
        raise unknown("model or experiment", name, [*models, *experiments, "all"])
    return [row.as_dict() for row in rows]


def _is_experiment(path: str) -> bool:
    """Whether a text has the sections of an experiment rather than those of a model."""
    try:
        rows = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    return any(row.strip().startswith(("[network", "[populations", "extends")) for row in rows)


def exact_rules() -> list[str]:
    """Rules that drop nothing, the reference aside."""
    rules = {name: registry.find("rules", name) for name in registry.files("rules")}
    return [
        n for n, r in rules.items() if r.exactness.startswith("drops nothing") and n != REFERENCE
    ]


def check_model(name: str) -> list[GradCheck]:
    """Every exact rule on a random live network of one model: two populations, loops, delays."""
    model = load_model(name)
    rng = np.random.default_rng(0)
    inputs = (rng.random((1, STEPS, INPUTS)) < 0.3) * rng.uniform(0.5, 1.5, (1, STEPS, INPUTS))
    targets = rng.standard_normal((1, STEPS, 2))
    targets[:, : STEPS // 4] = np.nan
    targets[:, STEPS // 2 : 2 * STEPS // 3] = np.nan
    net = _live_network(model, inputs, targets)
    return [gradcheck(net, inputs, targets, rule=rule, name=model.name) for rule in exact_rules()]


def _live_network(model: Model, inputs: np.ndarray, targets: np.ndarray) -> Network:
    """The first network, over a ladder of weights, in which some units spike and not all do."""
    chosen: tuple[float, Network] | None = None
    for gain in GAINS:
        net = _network(model, gain)
        if model.threshold is None:
            return net
        try:
            _, spikes, sensitive = _gradient(net, inputs, targets, REFERENCE, "mse")
        except SimulationError:
            continue
        rate = spikes / (STEPS * sum(SIZES)) if sensitive else 0.0
        distance = abs(rate - 0.2)
        if chosen is None or distance < chosen[0]:
            chosen = (distance, net)
        if 0.05 < rate < 0.5:
            break
    if chosen is None:
        raise BuildError(
            "no live network was found",
            where=model.name,
            given=f"input weights scaled by {min(GAINS):g} to {max(GAINS):g}",
            expected="finite states and some spikes",
        )
    return chosen[1]


def _network(model: Model, gain: float) -> Network:
    net = Network(dt="1 ms", seed=1)
    x = net.inputs(INPUTS, name="x")
    learn = _learnable(model)
    if model.threshold is None:
        y = net.neurons(2, model, name="y", learn=learn)
        net.connect(x, y, weights=f"normal(0, {gain})", delay="uniform(0 ms, 3 ms)")
        return net
    hidden = [net.neurons(n, model, name=f"h{i}", learn=learn) for i, n in enumerate(SIZES)]
    y = net.neurons(2, "readout", name="y", learn="bias")
    for port in model.ports:
        for target in hidden:
            net.connect(x, target, weights=f"normal({0.5 * gain}, {gain})", port=port, density=0.7)
            for source in hidden:
                net.connect(
                    source, target, weights=f"normal(0, {0.5 * gain})", port=port, density=0.5,
                    delay="uniform(0 ms, 3 ms)",
                )  # fmt: skip
    for source in hidden:
        net.connect(source, y, delay="1 ms")
    return net


def _learnable(model: Model) -> tuple[str, ...]:
    """Unit parameters that this model can learn with its method: all that `derive` accepts."""
    names: list[str] = []
    for name in model.parameters:
        try:
            derive(model, (*names, name))
        except BuildError:
            continue
        names.append(name)
    return tuple(names)


def check_experiment(name: str) -> list[GradCheck]:
    """Every exact rule on an experiment's network, with the first sequences of its task."""
    experiment = load_experiment(name)
    task = make_task(experiment)
    trial = task.train(0)
    inputs, targets = trial.inputs[:2], trial.targets[:2]
    if inputs.shape[1] > LONGEST:
        inputs, targets = inputs[:, :LONGEST], targets[:, :LONGEST]
    if not np.isfinite(targets).any():
        raise DescriptionError(
            "no step of this experiment has a target early enough to be checked",
            where=name,
            given=f"no target in the first {LONGEST} steps",
            expected="targets there",
        )
    net = make_network(experiment)
    loss = experiment.learning.loss
    return [
        gradcheck(net, inputs, targets, rule=rule, loss=loss, name=experiment.name)
        for rule in exact_rules()
    ]

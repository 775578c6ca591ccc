"""`gradcheck`: the gradient of any rule, on a model, an experiment or a network of one's own.

A rule whose exactness statement says that it is exact on the network at hand (`checks_statement`)
has to agree

    with back-propagation through time, in float64, to 1e-10, and
    with finite differences of the smoothed network (`checks_smoothed`), which need neither
    Jacobians nor the convention of a surrogate, to 1e-5.

Any other rule is compared with exact RTRL: cosine, ratio of norms, largest error. It is never said
to have passed, but it fails if arrays that its statement calls exact are not.

The loss of each third of the steps with a target is looked at alone (`checks_compare`), and a check
refuses to pass where it would prove nothing: on a network that is silent, or without a gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuro_rtrl import registry
from neuro_rtrl.checks_compare import (
    Gradients,
    alike,
    difference_error,
    errors,
    gradients,
    unseen,
    windows,
)
from neuro_rtrl.checks_networks import live_network, trial
from neuro_rtrl.checks_statement import emits, learned_names, promised
from neuro_rtrl.contracts import Rule
from neuro_rtrl.engine.stream import numbers
from neuro_rtrl.equations.model_text import load_model
from neuro_rtrl.equations.text_file import read_whole
from neuro_rtrl.errors import BuildError, DescriptionError, unknown
from neuro_rtrl.experiment_text import load_experiment, make_network, make_task
from neuro_rtrl.learner import Learner
from neuro_rtrl.network.describe import Network

REFERENCE, EXACT = "bptt", "rtrl"
TOLERANCE, DIFFERENCES = 1e-10, 1e-5
LONGEST = 300  # steps of an experiment's sequence that are checked
PASSED, APPROXIMATE, FAILED, UNPROVED, REFUSED = (
    "passed", "approximate", "failed", "nothing checked", "refused",
)  # fmt: skip
GOOD = (PASSED, APPROXIMATE, REFUSED)


@dataclass(frozen=True)
class GradCheck:
    """One rule on one network.

    Attributes:
        verdict: "passed" (exact here, and shown to be), "approximate" (compared, no more),
            "failed", "nothing checked" (silent, or no gradient), or "refused" by the rule.
        max_relative_error: against `reference`; largest difference of an entry, over the largest
            entry of its array.
        difference_error: the same against finite differences; None for approximate rules.
        cosine, norm_ratio: between the rule's gradient and that of the reference, all arrays.
        spikes: of the units (of the inputs where no unit ever spikes).
        exactness: what the rule drops.
        remark: why it did not pass; arrays whose gradient is zero, of which nothing is known.
    """

    model: str
    rule: str
    reference: str
    verdict: str
    max_relative_error: float = float("nan")
    difference_error: float | None = None
    cosine: float = float("nan")
    norm_ratio: float = float("nan")
    spikes: int = 0
    exactness: str = ""
    remark: str = ""

    @property
    def passed(self) -> bool:
        """Whether the rule is exact here, as it says, and was shown to be."""
        return self.verdict == PASSED

    def as_dict(self) -> dict[str, Any]:
        """For tables and files."""
        return asdict(self) | {"passed": self.passed}


def gradcheck(
    net: Network,
    inputs: Any,
    targets: Any,
    *,
    rule: str | Rule = EXACT,
    loss: str = "mse",
    name: str = "network",
) -> GradCheck:
    """Check the gradient of a rule on a network.

    Args:
        net: any network with a readout.
        inputs: (batch, steps, inputs).
        targets: (batch, steps, outputs), NaN where there is no error.
        rule: name of a rule, or a rule.
        loss: as for `Learner`.
        name: what the result is called.

    Raises:
        NeuroRtrlError: shapes that do not fit, or a network that the rule refuses.

    >>> net = Network(dt="1 ms", seed=3)
    >>> x, unit, y = net.inputs(2), net.neurons(4, "lif"), net.neurons(1, "leaky_readout")
    >>> a, b = net.connect(x, unit, weights="uniform(0.4, 0.9)"), net.connect(unit, unit)
    >>> c = net.connect(unit, y)
    >>> ones = np.ones((1, 30, 2))
    >>> gradcheck(net, ones, np.ones((1, 30, 1))).passed
    True
    >>> gradcheck(net, ones, np.ones((1, 30, 1)), rule="eprop").verdict
    'approximate'
    """
    chosen: Rule = registry.find("rules", rule) if isinstance(rule, str) else rule
    shape = (None, None, None)
    x, y = numbers(inputs, shape, "inputs"), numbers(targets, shape, "targets", nan=True)
    steps = windows(y)
    names = promised(chosen.exactness, net, x.shape[1])
    exact = names >= learned_names(net)
    other = REFERENCE if exact and chosen.name != REFERENCE else EXACT

    def learner(rule: str | Rule) -> Learner:
        return Learner(net, rule, None, loss, "sequence", "float64")

    found, _ = gradients(lambda: learner(chosen), x, y, steps)
    wanted, judge = gradients(lambda: learner(other), x, y, steps)
    apart = errors(found, wanted)
    differ = difference_error(net, judge.parameters, x, y, loss, steps, found) if exact else None
    spikes, dead = _life(net, judge, x, wanted)
    wrong = max((apart[n] for n in names), default=0.0)
    verdict, remark = _verdict(exact, wrong, differ, other)
    cosine, ratio = alike(found, wanted)
    return GradCheck(
        name, chosen.name, other, UNPROVED if dead else verdict, max(apart.values(), default=0.0),
        differ, cosine, ratio, spikes, chosen.exactness, dead or remark or unseen(wanted),
    )  # fmt: skip


def _life(net: Network, judge: Learner, inputs: np.ndarray, wanted: Gradients) -> tuple[int, str]:
    """Spikes, and what is missing for a proof."""
    models = [p.model for p in net.populations.values() if p.model is not None and emits(p)]
    ledger, hidden = judge.ledger, bool(models)
    differentiable = any(model.surrogate.shape != "none" for model in models)
    spikes = ledger.spikes if hidden else int(np.count_nonzero(inputs))
    if spikes == 0 or (differentiable and ledger.sensitive == 0):
        return spikes, "the network is silent; raise its weights or its input"
    if not any(np.any(array) for gradient in wanted for array in gradient.values()):
        return spikes, "the gradient is zero everywhere"
    return spikes, ""


def _verdict(exact: bool, wrong: float, differ: float | None, other: str) -> tuple[str, str]:
    """Whether the rule holds what its statement promises; a NaN is no agreement."""
    if not wrong <= TOLERANCE:
        return FAILED, f"said to be exact here, but differs from {other} by more than {TOLERANCE:g}"
    if differ is not None and not differ <= DIFFERENCES:
        return FAILED, f"finite differences differ by more than {DIFFERENCES:g}"
    return (PASSED if exact else APPROXIMATE), ""


def gradcheck_named(name: str, rule: str | None = None) -> list[dict[str, Any]]:
    """Check a model (a name or a `.toml`), an experiment, or "all" models.

    Args:
        name: what to check.
        rule: name of a rule, or "all"; None: the exact rules.

    Raises:
        DescriptionError: there is no such model, experiment or rule.
    """
    models, experiments = registry.files("models"), registry.files("experiments")
    rules = _rules(rule)
    if name == "all":
        rows = [row for known in models for row in check_model(known, rules)]
    elif name in models:
        rows = check_model(name, rules)
    elif name in experiments:
        rows = check_experiment(name, rules)
    elif Path(name).suffix == ".toml":
        rows = (check_experiment if _is_experiment(name) else check_model)(name, rules)
    else:
        raise unknown("model or experiment", name, [*models, *experiments, "all"])
    return [row.as_dict() for row in rows]


def _is_experiment(path: str) -> bool:
    """Whether a text has the sections of an experiment rather than those of a model."""
    try:
        rows = read_whole(Path(path)).splitlines()
    except (OSError, UnicodeDecodeError):
        return False  # as a model it is refused in words
    return any(row.strip().startswith(("[network", "[populations", "extends")) for row in rows)


def _rules(rule: str | None) -> list[Rule]:
    """The rules to check."""
    if rule is not None and rule != "all":
        return [registry.find("rules", rule, where="--rule")]
    every = [registry.find("rules", name) for name in registry.files("rules")]
    if rule == "all":
        return every
    return [r for r in every if r.exactness.startswith("drops nothing") and r.name != REFERENCE]


def check_model(name: str, rules: Sequence[Rule]) -> list[GradCheck]:
    """Rules on a random live network of one model: two populations, loops, delays."""
    model = load_model(name)
    inputs, targets = trial()
    net = live_network(model, inputs)
    return [_row(net, inputs, targets, rule, "mse", model.name) for rule in rules]


def check_experiment(name: str, rules: Sequence[Rule]) -> list[GradCheck]:
    """Rules on an experiment's network, with the first sequences of its task."""
    experiment = load_experiment(name)
    task = make_task(experiment)
    made = task.train(0)
    inputs, targets = made.inputs[:2, :LONGEST], made.targets[:2, :LONGEST]
    if not np.isfinite(targets).any():
        raise DescriptionError(
            "no step of this experiment has a target early enough to be checked",
            where=name,
            given=f"no target in the first {LONGEST} steps",
            expected="targets there",
        )
    net, loss = make_network(experiment), experiment.learning.loss
    return [_row(net, inputs, targets, rule, loss, experiment.name) for rule in rules]


def _row(
    net: Network, inputs: np.ndarray, targets: np.ndarray, rule: Rule, loss: str, name: str
) -> GradCheck:
    """A check; a network that the rule refuses is a row, too."""
    try:
        return gradcheck(net, inputs, targets, rule=rule, loss=loss, name=name)
    except BuildError as error:
        return GradCheck(
            name, rule.name, "-", REFUSED, exactness=rule.exactness, remark=error.problem
        )

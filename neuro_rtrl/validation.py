"""Cross-validation: the same text, weights, delays and input, run by us and by Brian2.

For each model: random recurrent networks with heterogeneous units, mixed delays, refractory periods
on and off, and both kinds of reset. Spike trains must be identical and states must agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neuro_rtrl import validation_cases
from neuro_rtrl.contracts import SECOND, Model, State
from neuro_rtrl.engine.simulation import simulate
from neuro_rtrl.equations.library import model_files
from neuro_rtrl.equations.model_text import load_model
from neuro_rtrl.equations.units import quantity
from neuro_rtrl.errors import BuildError, SimulationError
from neuro_rtrl.network.describe import Network
from neuro_rtrl.validation_agreement import (
    TOLERANCE,
    agreement,
    first_difference,
    state_difference,
    state_scale,
)
from neuro_rtrl.validation_brian import Run, import_brian, input_spikes, run_in_brian
from neuro_rtrl.validation_cases import Case
from neuro_rtrl.validation_page import write_page
from neuro_rtrl.validation_picture import draw

# Nonlinear units amplify rounding errors until the two sides part; and close to the removable
# singularities of Hodgkin-Huxley gates Brian2 is off by 1e-8 in exponential Euler (ours is right
# to 1e-17, against 40 digits). The bound was set with this known: 50 ms would fail that model.
LEAST_AGREED = 0.02  # seconds
FEWEST_SPIKES = 100
NOT_APPLICABLE = (
    "a map model (x[t+1] = ...): Brian2 has differential equations only; "
    "its gradient is checked by `neuro-rtrl gradcheck`"
)


@dataclass(frozen=True)
class CaseReport:
    """The comparison of one network.

    Attributes:
        reset: kind of the reset: "to a value", "by subtraction", "as written" or "none".
        refractory: the refractory periods, in words.
        delays: shortest and longest delay of a synapse, in seconds.
        spikes: spikes that were compared (of a unit without threshold: input spikes).
        rate: mean rate of the units in hertz.
        identical: whether the sets of (step, unit) are the same.
        max_state_difference: see `Report`.
        first_difference: the first (step, unit) that only one of both has, or None.
        agreed: seconds from the start in which all spikes are the same and all states close.
        seconds: how long it ran.
        passed: alive, and in agreement to the end; for models that are not integrated exactly for
            at least 20 ms.
    """

    reset: str
    refractory: str
    delays: tuple[float, float]
    spikes: int
    rate: float
    identical: bool
    max_state_difference: float
    first_difference: tuple[int, int] | None
    agreed: float
    seconds: float
    passed: bool


@dataclass(frozen=True)
class Report:
    """The comparison of one model, over all its cases.

    Attributes:
        model: its name.
        spikes: sum over the cases.
        identical: in every case.
        max_state_difference: the largest of all cases, states and steps. States with a unit are
            measured by the largest absolute value they take, so that 1e-9 means the same for all.
        passed: every case has more than 100 spikes, and passed (see `CaseReport`).
        cases: what was compared.
        picture: the file with the picture, if one was asked for.
    """

    model: str
    spikes: int
    identical: bool
    max_state_difference: float
    passed: bool
    cases: tuple[CaseReport, ...]
    picture: Path | None = None

    def as_dict(self) -> dict[str, object]:
        """The figures, for JSON."""
        names = ("model", "spikes", "identical", "max_state_difference", "agreed", "passed")
        return {name: getattr(self, name) for name in names}

    @property
    def agreed(self) -> float:
        """The shortest agreement of all cases, in seconds."""
        return min(case.agreed for case in self.cases)


@dataclass(frozen=True)
class Pair:
    """One case, run on both sides."""

    case: Case
    report: CaseReport
    ours: Run
    theirs: Run


def applicable() -> tuple[list[str], dict[str, str]]:
    """Names of the shipped models that can be compared, and the others with the reason.

    >>> names, others = applicable()
    >>> "lif" in names, "egru" in others
    (True, True)
    """
    kinds = {name: load_model(name).kind for name in model_files()}
    others = {name: NOT_APPLICABLE for name, kind in kinds.items() if kind != "ode"}
    return [name for name in kinds if name not in others], others


def validate_named(name: str, *, out: str | Path | None = None) -> list[dict[str, object]]:
    """The figures of one model, or with "all" of every shipped model it applies to.

    With `out` that folder gets a picture of each model, `validation.html` and `validation.json`.
    """
    reports = validate_all(out=out) if name == "all" else [validate(name, out=out)]
    if out is not None:
        write_page(Path(out), reports)
    return [report.as_dict() for report in reports]


def validate_all(
    *, seconds: float = 1.0, dt: str = "0.1 ms", out: str | Path | None = None, seed: int = 0
) -> list[Report]:
    """`validate` for every shipped model of differential equations (see `applicable`)."""
    names, _ = applicable()
    return [validate(name, seconds=seconds, dt=dt, out=out, seed=seed) for name in names]


def validate(
    model: str | Path | Model,
    *,
    seconds: float = 1.0,
    dt: str = "0.1 ms",
    out: str | Path | None = None,
    seed: int = 0,
) -> Report:
    """Compare a model with Brian2.

    Args:
        model: the name of a shipped model, a path to a `.toml`, or a `Model`; differential
            equations only.
        seconds: simulated time of each case.
        dt: time step.
        out: folder for a picture `validate_NAME.png`; None makes none.
        seed: of wiring, parameters and input.

    Raises:
        BuildError: a map model.
        NeuroRtrlError: Brian2 is missing.
    """
    made = model if isinstance(model, Model) else load_model(model)
    if made.kind != "ode":
        raise BuildError(
            "this model cannot be compared with Brian2",
            where=f"validate {made.name}",
            given=NOT_APPLICABLE,
            expected=f"a model of differential equations: {', '.join(applicable()[0])}",
        )
    import_brian()
    step = quantity(dt, SECOND)
    pairs = list(_pairs(made, seconds, step, seed))
    reports = tuple(pair.report for pair in pairs)
    return Report(
        model=made.name,
        spikes=sum(r.spikes for r in reports),
        identical=all(r.identical for r in reports),
        max_state_difference=max(r.max_state_difference for r in reports),
        passed=all(r.passed for r in reports),
        cases=reports,
        picture=None if out is None else _picture(made, pairs, step, Path(out)),
    )


def _pairs(model: Model, seconds: float, dt: float, seed: int) -> Iterator[Pair]:
    for case in validation_cases.cases(model):
        try:
            yield compare(model, case, seconds, dt, seed)
        except SimulationError:
            # An exponential upstroke may be too high for a reset by subtraction to bring it back.
            if case.reset is None:
                raise


def compare(model: Model, case: Case, seconds: float, dt: float, seed: int) -> Pair:
    """Both sides of one case, in a network whose weights are scaled until it is alive."""
    inputs = validation_cases.poisson_input(seconds, dt, seed)

    def rate(gain: float) -> float:
        net, _ = validation_cases.network(model, case, dt, seed, gain)
        steps, _ = simulate_here(net, inputs, []).spikes["units"]
        return float(len(steps) / (validation_cases.UNITS * seconds))

    gain = 1.0 if model.threshold is None else validation_cases.find_gain(rate)
    net, _ = validation_cases.network(model, case, dt, seed, gain)
    record = [f"units.{state.name}" for state in model.states]
    ours = simulate_here(net, inputs, record)
    theirs = run_in_brian(net, inputs, record)
    return Pair(case, _judge(model, case, net, seconds, ours, theirs), ours, theirs)


def simulate_here(net: Network, inputs: np.ndarray, record: list[str]) -> Run:
    """Our own simulation, in the form that compares with Brian2's."""
    recording = simulate(net, inputs, record=record)
    spikes = input_spikes(net, inputs)
    spikes |= {name: (train.step, train.i) for name, train in recording.spikes.items()}
    return Run(spikes, {key: recording.states[key] for key in record})


def _picture(model: Model, pairs: list[Pair], dt: float, folder: Path) -> Path:
    """The case that is worst: it shows a failure if there is one, then refractoriness."""
    pair = max(
        pairs, key=lambda p: (not p.report.passed, bool(p.case.held), p.report.max_state_difference)
    )
    report = pair.report
    state = threshold_state(model) or model.states[0]
    words = {"reset": report.reset, "refractory": report.refractory}
    facts = [f"{what} {value}" for what, value in words.items() if value != "none"]
    return draw(
        folder / f"validate_{model.name}.png",
        title=", ".join([model.name, *facts]),
        passed=report.passed,
        ours=pair.ours,
        theirs=pair.theirs,
        state=f"units.{state.name}",
        population="source" if model.threshold is None else "units",
        dt=dt,
        tolerance=TOLERANCE,
        scale=state_scale(state, pair.theirs),
    )


def threshold_state(model: Model) -> State | None:
    """The first state that the threshold looks at."""
    seen = set() if model.threshold is None else {s.name for s in model.threshold.free_symbols}
    return next((state for state in model.states if state.name in seen), None)


def _judge(
    model: Model, case: Case, net: Network, seconds: float, ours: Run, theirs: Run
) -> CaseReport:
    first, agreed = first_difference(ours, theirs), agreement(model, ours, theirs) * net.dt
    difference = state_difference(model, ours, theirs)
    key = "source" if model.threshold is None else "units"
    spikes = len(theirs.spikes[key][0])
    delays = np.concatenate([p.delay for p in net.projections.values()] or [np.zeros(1)]) * net.dt
    return CaseReport(
        reset=case.kind,
        refractory="none" if model.refractory is None else case.refractory,
        delays=(float(delays.min()), float(delays.max())),
        spikes=spikes,
        rate=0.0 if model.threshold is None else spikes / (validation_cases.UNITS * seconds),
        identical=first is None,
        max_state_difference=difference,
        first_difference=first,
        agreed=agreed,
        seconds=seconds,
        passed=agreed > (0.999 * seconds if model.method == "exact" else LEAST_AGREED)
        and spikes > FEWEST_SPIKES,
    )

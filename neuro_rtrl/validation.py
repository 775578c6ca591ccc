"""Cross-validation: the same text, weights, delays and input, run by us and by Brian2.

For each model: random recurrent networks with heterogeneous units, mixed delays, refractory periods
on and off, and both kinds of reset. Spike trains must be identical and states must agree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neuro_rtrl import validation_cases
from neuro_rtrl.contracts import SECOND, Model, State
from neuro_rtrl.contracts_plasticity import Synapse
from neuro_rtrl.engine.simulation import simulate
from neuro_rtrl.equations.library import model_files, synapse_files
from neuro_rtrl.equations.model_text import load_model
from neuro_rtrl.equations.units import quantity
from neuro_rtrl.errors import BuildError, DescriptionError, SimulationError
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
from neuro_rtrl.validation_report import SILENT, CaseReport, Report, judged
from neuro_rtrl.validation_synapses import is_synapse, validate_synapse

SEARCHED = 1.0  # seconds at the start in which weights are looked for that make a network alive
LONG_ENOUGH = 0.2  # seconds in which a network that is alive has enough spikes
ROUNDINGS = 3  # runs of ours that start one rounding apart
NOT_APPLICABLE = (
    "a map model (x[t+1] = ...): Brian2 has differential equations only; "
    "its gradient is checked by `neuro-rtrl gradcheck`"
)


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


def validate_named(
    name: str,
    *,
    seconds: float = 1.0,
    dt: str = "0.1 ms",
    out: str | Path | None = None,
    seed: int = 0,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> list[Report]:
    """The report of one model, or with "all" of every shipped model it applies to.

    With `out` that folder gets a picture of each model, `validation.html` and `validation.json`.
    `tell` is called with the number of models done, and of all. The rest is as for `validate`.
    """
    everything = [*applicable()[0], *synapse_files()]
    names = everything if name == "all" else [name]
    reports = []
    for one in names:
        reports.append(validate(one, seconds=seconds, dt=dt, out=out, seed=seed))
        tell(len(reports), len(names))
    if out is not None:
        write_page(Path(out), reports)
    return reports


def validate(
    model: str | Path | Model | Synapse,
    *,
    seconds: float = 1.0,
    dt: str = "0.1 ms",
    out: str | Path | None = None,
    seed: int = 0,
) -> Report:
    """Compare a model with Brian2.

    Args:
        model: the name of a shipped model, a path to a `.toml`, or a `Model`; differential
            equations only. Or a synapse model in the same forms (validation_synapses.py).
        seconds: simulated time of each case, at least one step.
        dt: time step.
        out: folder for a picture `validate_NAME.png`; None makes none.
        seed: of wiring, parameters and input.

    Raises:
        BuildError: a map model.
        DescriptionError: no such model, or its text is wrong; no time to compare in.
        SimulationError: a state of the model's own network is not finite.
        NeuroRtrlError: Brian2 is missing.
    """
    if isinstance(model, Synapse) or (not isinstance(model, Model) and is_synapse(model)):
        return validate_synapse(model, seconds=seconds, dt=_step(dt, seconds), seed=seed)
    made = model if isinstance(model, Model) else load_model(model)
    if made.kind != "ode":
        raise BuildError(
            "this model cannot be compared with Brian2",
            where=f"validate {made.name}",
            given=NOT_APPLICABLE,
            expected=f"a model of differential equations: {', '.join(applicable()[0])}",
        )
    step = _step(dt, seconds)
    import_brian()
    pairs, left_out = _pairs(made, seconds, step, seed)
    return Report(
        model=made.name,
        cases=tuple(pair.report for pair in pairs),
        left_out=tuple(left_out),
        picture=None if out is None else _picture(made, pairs, step, Path(out)),
    )


def _step(dt: str, seconds: float) -> float:
    step = quantity(dt, SECOND)
    if not 0 < step <= seconds < float("inf"):
        raise DescriptionError(
            "no time to compare in",
            where="validate",
            given=f"{seconds} s in steps of {dt}",
            expected="a time step above 0, and at least one of them",
        )
    return step


def _pairs(model: Model, seconds: float, dt: float, seed: int) -> tuple[list[Pair], list[str]]:
    """Every case on both sides, and what no network could be found for.

    An exponential upstroke may be too high for a reset by subtraction to bring it back: only what
    the model itself says has to work.
    """
    pairs, left_out = [], []
    for case in validation_cases.cases(model):
        words = f"reset {case.kind}, refractory {case.refractory}"
        try:
            pair = compare(model, case, seconds, dt, seed)
        except SimulationError as error:
            if case.reset is None:
                raise
            left_out.append(f"{words}: {error.problem}")
            continue
        if pair.report.verdict == SILENT and case.reset is not None and seconds >= LONG_ENOUGH:
            left_out.append(f"{words}: no weights make a network that is alive and finite")
        else:
            pairs.append(pair)
    return pairs, left_out


def compare(model: Model, case: Case, seconds: float, dt: float, seed: int) -> Pair:
    """Both sides of one case, in a network whose weights are scaled until it is alive."""
    inputs = validation_cases.poisson_input(seconds, dt, seed)
    first = inputs[: max(1, round(SEARCHED / dt))]

    def rate(gain: float) -> float:
        net, _ = validation_cases.network(model, case, dt, seed, gain)
        steps, _ = simulate_here(net, first, []).spikes["units"]
        return float(len(steps) / (validation_cases.UNITS * len(first) * dt))

    gain = (
        1.0
        if model.threshold is None
        else validation_cases.find_gain(rate, validation_cases.first_gain(model))
    )
    net, _ = validation_cases.network(model, case, dt, seed, gain)
    record = [f"units.{state.name}" for state in model.states]
    ours = simulate_here(net, inputs, record)
    theirs = run_in_brian(net, inputs, record)
    horizon = seconds
    if model.method != "exact":
        scales = {state.name: state_scale(state, ours) for state in model.states}
        for rounding in range(ROUNDINGS):
            twin, _ = validation_cases.network(model, case, dt, seed, gain)
            validation_cases.nudge(twin.populations["units"], scales, rounding)
            again = simulate_here(twin, inputs, record)
            horizon = min(horizon, agreement(model, ours, again) * dt)
    return Pair(case, _judge(model, case, net, (seconds, horizon), ours, theirs), ours, theirs)


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
        verdict=report.verdict,
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
    model: Model, case: Case, net: Network, times: tuple[float, float], ours: Run, theirs: Run
) -> CaseReport:
    seconds, horizon = times
    first, agreed = first_difference(ours, theirs), agreement(model, ours, theirs) * net.dt
    difference = state_difference(model, ours, theirs)
    spikes = len(theirs.spikes["source" if model.threshold is None else "units"][0])
    delays = np.concatenate([p.delay for p in net.projections.values()] or [np.zeros(1)]) * net.dt
    found = CaseReport(
        reset=case.kind,
        refractory=case.refractory,
        delays=(float(delays.min()), float(delays.max())),
        spikes=spikes,
        rate=0.0 if model.threshold is None else spikes / (validation_cases.UNITS * seconds),
        identical=first is None,
        max_state_difference=difference,
        first_difference=first,
        agreed=agreed,
        horizon=horizon,
        seconds=seconds,
    )
    return judged(model.method, found)

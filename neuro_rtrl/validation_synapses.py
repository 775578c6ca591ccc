"""Synapse models against Brian2: the same text in a recurrent network, and in how far it agrees.

Inputs excite units, and units each other, both through plastic synapses with delays of 0 to 5 ms;
where a model takes rewards, there is one every 50 ms. All spikes must be the same, and the
variables of all synapses at every step within 1e-9. Coupled variables are computed at every step in
Brian2 (Runge-Kutta), at events here: they are compared at the end, when ours are up to date.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neuro_rtrl.contracts_plasticity import Synapse
from neuro_rtrl.engine.simulation import Simulation
from neuro_rtrl.equations.library import synapse_files
from neuro_rtrl.equations.model_inline import make_model
from neuro_rtrl.equations.synapse_flow import solve
from neuro_rtrl.equations.synapse_text import load_synapse
from neuro_rtrl.equations.text_file import why_unreadable
from neuro_rtrl.equations.units import unit_name
from neuro_rtrl.network.describe import Network
from neuro_rtrl.validation_agreement import TOLERANCE, first_difference
from neuro_rtrl.validation_brian import Run, import_brian, run_in_brian
from neuro_rtrl.validation_report import CaseReport, Report, judged

INPUTS, UNITS, DENSITY = 30, 30, 0.2
INPUT_RATE, REWARD_EVERY = 30.0, 0.05  # hertz; seconds
AIM = 20.0  # hertz
_PROJECTIONS = ("plastic_in", "plastic_loop")


def is_synapse(name: str | Path) -> bool:
    """Whether a name is that of a shipped synapse model, or of a file with one.

    >>> is_synapse("stdp"), is_synapse("lif")
    (True, False)
    """
    if str(name) in synapse_files():
        return True
    path = Path(name)
    if path.suffix != ".toml" or why_unreadable(path):
        return False  # as a neuron model it is refused in words
    return b"on_pre" in path.read_bytes()


def validate_synapse(
    synapse: str | Path | Synapse, *, seconds: float = 1.0, dt: float = 1e-3, seed: int = 0
) -> Report:
    """Compare a synapse model with Brian2's `(event-driven)` synapses.

    Args:
        synapse: the name of a shipped model, a path to a `.toml`, or a `Synapse`.
        seconds: simulated time.
        dt: time step in seconds.
        seed: of wiring, weights, input and rewards.

    Raises:
        NeuroRtrlError: Brian2 is missing.
    """
    made = synapse if isinstance(synapse, Synapse) else load_synapse(synapse)
    import_brian()
    gain = find_gain(made, seconds, dt, seed)
    net, inputs = network(made, seconds, dt, seed, gain)
    lazy = solve(made).together
    variables = [f"{name}.{state.name}" for name in _PROJECTIONS for state in made.states]
    ours = _here(net, inputs, [v for v in variables if v.split(".")[1] not in lazy])
    theirs = run_in_brian(net, inputs, variables)
    return _report(made, net, seconds, ours, theirs)


def network(
    synapse: Synapse, seconds: float, dt: float, seed: int, gain: float
) -> tuple[Network, np.ndarray]:
    """The network, and its inputs: spikes of 0 and 1, and rewards of any value in the last column.

    Args:
        synapse: of both projections.
        seconds, dt, seed: as for `validate_synapse`.
        gain: what all weights are multiplied by.
    """
    net = Network(dt=dt, seed=seed)
    source, reward = net.inputs(INPUTS, name="source"), net.inputs(1, name="reward")
    units = net.neurons(UNITS, _model(synapse), name="units", tau_m="uniform(10 ms, 30 ms)")
    giver = reward if "reward" in synapse.on else None
    top = 2.0 * gain  # as large as any first weight
    for name, origin, share in (("in", source, 1.0), ("loop", units, 0.3)):
        given: dict[str, Any] = {"name": synapse}
        given |= {"w_max": top * share} if "w_max" in synapse.parameters else {}
        net.connect(
            origin,
            units,
            density=DENSITY,
            weights=f"{share * top}*rand()",
            delay="uniform(0 ms, 5 ms)",
            plasticity=given,
            modulator=giver,
            name=f"plastic_{name}",
        )
    rng = np.random.default_rng((seed, 2))
    steps = max(1, round(seconds / dt))
    inputs = (rng.random((steps, INPUTS + 1)) < INPUT_RATE * dt).astype(float)
    inputs[:, INPUTS] = 0.0
    if giver is not None:
        every = max(1, round(REWARD_EVERY / dt))
        inputs[::every, INPUTS] = rng.normal(1.0, 2.0, len(inputs[::every]))
    return net, inputs


def _model(synapse: Synapse) -> Any:
    """A leaky unit with the variable that the text sends to, in the unit of what it sends."""
    name = synapse.target or "v"
    membrane = f"d{name}/dt = -{name}/tau_m : weight".replace("weight", _unit(synapse))
    level = f"1*{_unit(synapse)}" if _unit(synapse) != "1" else "1"
    return make_model(
        membrane,
        threshold=f"{name} > {level}",
        reset=f"{name} = 0*{level}",
        parameters={"tau_m": "20 ms"},
        synapses={"delta": f"{name} += w"},
        name="unit",
    )


def _unit(synapse: Synapse) -> str:
    return unit_name(synapse.sent) if synapse.sent else "1"


def find_gain(synapse: Synapse, seconds: float, dt: float, seed: int) -> float:
    """Weights, as multiples of the threshold, with which units spike at about 20 Hz.

    Weights that run away make the rate jump with the gain, so the aim is met as nearly as it goes.
    """
    low, high = 1e-3, 10.0
    for _ in range(12):
        gain = float(np.sqrt(low * high))
        net, inputs = network(synapse, seconds, dt, seed, gain)
        spikes = Simulation(net).run(inputs)["units"].i.size
        low, high = (gain, high) if spikes < AIM * UNITS * seconds else (low, gain)
    return high


def _here(net: Network, inputs: np.ndarray, record: list[str]) -> Run:
    """Our side; of variables that are not recorded the states are those before the last step."""
    simulation = Simulation(net)
    parts = [simulation.run(inputs[:-1], record=record)]
    late = {f"{p}.{k}": v for p in _PROJECTIONS for k, v in simulation.synapses(p).values.items()}
    parts.append(simulation.run(inputs[-1:], record=record))
    spikes = [np.concatenate([getattr(p["units"], k) for p in parts]) for k in ("step", "i")]
    states = {k: np.concatenate([p.states[k] for p in parts], axis=1) for k in record}
    states |= {k: v[:, None] for k, v in late.items() if k not in record}
    return Run({"units": (spikes[0], spikes[1])}, states)


def difference(ours: Run, theirs: Run) -> float:
    """The largest difference of a variable, by the largest value that it takes."""
    worst = 0.0
    for name, a in ours.states.items():
        b = theirs.states[name][:, -a.shape[1] :]
        apart = float(np.abs(a - b).max()) / max(float(np.abs(b).max()), 1e-300)
        worst = max(worst, apart if np.isfinite(apart) else np.inf)
    return worst


def _report(synapse: Synapse, net: Network, seconds: float, ours: Run, theirs: Run) -> Report:
    theirs = Run({"units": theirs.spikes["units"]}, theirs.states)
    first, apart = first_difference(ours, theirs), difference(ours, theirs)
    spikes = len(theirs.spikes["units"][0])
    delays = np.concatenate([p.delay for p in net.projections.values()]) * net.dt
    good = first is None and apart <= TOLERANCE
    agreed = seconds if good else (first or (0, 0))[0] * net.dt
    case = CaseReport(
        reset="to a value",
        refractory="none",
        delays=(float(delays.min()), float(delays.max())),
        spikes=spikes,
        rate=spikes / (UNITS * seconds),
        identical=first is None,
        max_state_difference=apart,
        first_difference=first,
        agreed=agreed,
        horizon=seconds,
        seconds=seconds,
    )
    return Report(synapse.name, (judged("exact", case),))

"""The job of `neuro-rtrl simulate`, top to bottom: text -> network -> run.h5, picture, summary."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from neuro_rtrl.engine.provenance import collect
from neuro_rtrl.engine.recorder import Recorder
from neuro_rtrl.engine.run_file import open_run
from neuro_rtrl.engine.simulation import Simulation
from neuro_rtrl.errors import enough_memory
from neuro_rtrl.network.describe import Network
from neuro_rtrl.outputs import RASTER, RUN_FILE, SUMMARY, run_folder, write_json
from neuro_rtrl.outputs_lock import locked
from neuro_rtrl.simulation_figures import draw_simulation
from neuro_rtrl.simulation_inputs import Events
from neuro_rtrl.simulation_rows import BIN, population_rows, rates
from neuro_rtrl.simulation_text import SimulationText, load_simulation, make_network

BLOCK = 1000  # steps from one write to the next; fewer where there are many inputs
ROOM = 4_000_000  # events of inputs that are made together

Tell = Callable[[int, int], None]
"""Called with the number of steps done, and of all."""


def run_simulation(
    name: str | Path,
    *,
    out: str | Path | None = None,
    seed: int | None = None,
    overrides: Iterable[str] = (),
    force: bool = False,
    threads: int | None = None,
    tell: Tell | None = None,
) -> dict[str, Any]:
    """Simulates what a text describes; nothing learns.

    Args:
        name: a shipped simulation, or the path of a `.toml` file.
        out: folder of the results; `runs/NAME` by default.
        seed: of every random draw, instead of the text's.
        overrides: `section.key=value` each, put in place of the text's values.
        force: replace a run that is in the folder.
        threads: how many share the units; None: as `set_threads` says. The results are the same.
        tell: called after each block of steps.

    Returns:
        What `summary.json` holds: the simulation's name, seed, seconds; and in `populations` a row
        for each that spikes (`simulation_rows.population_rows`).

    Raises:
        DescriptionError: something in the text or in an override is wrong.
        SimulationError: a state is not finite; what was recorded before stays readable.
        RunFileError: the folder holds a run, or a file cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     summary = run_simulation("adaptive_threshold", out=folder)
    >>> [row["population"] for row in summary["populations"]]
    ['units']
    """
    settings = list(overrides) + ([] if seed is None else [f"network.seed={seed}"])
    text = load_simulation(name, settings)
    folder = Path("runs") / text.name if out is None else Path(out)
    begun = time.perf_counter()
    net, simulation, events = _build(text, threads)
    synapses = {name: int(p.pre.size) for name, p in net.projections.items()}
    built = time.perf_counter()
    with locked(folder):
        run_folder(folder, force)
        _record(text, net, simulation, events, folder / RUN_FILE, tell or _nobody)
        ended = time.perf_counter()
        summary = _summary(text, net, folder) | {
            "synapses": sum(synapses.values()),
            "projections": synapses,
            "build_seconds": built - begun,
            "seconds": ended - built,
        }
        write_json(folder / SUMMARY, summary)
    return summary


def simulate_to_file(text: SimulationText, file: Path, tell: Tell) -> None:
    """Simulates what a text describes, and streams it to a new file.

    Raises:
        NeuroRtrlError: as `run_simulation`.
    """
    net, simulation, events = _build(text, 1)
    _record(text, net, simulation, events, file, tell)


def _build(text: SimulationText, threads: int | None) -> tuple[Network, Simulation, Events]:
    with enough_memory(text.name):
        net = make_network(text)
        events = Events(text.sources, net.dt, text.seed)
        return net, Simulation(net, threads), events


def _record(
    text: SimulationText,
    net: Network,
    simulation: Simulation,
    events: Events,
    file: Path,
    tell: Tell,
) -> None:
    """Runs block by block, and streams what each gives to the file."""
    models = {p.name: p.model for p in net.populations.values() if p.model is not None}
    spiking = {name: net.populations[name].n for name, m in models.items() if m.threshold}
    unit_of = {f"{name}.{s.name}": s.unit for name, m in models.items() for s in m.states}
    synapses = {p.name: p.plasticity.synapse for p in net.projections.values() if p.plasticity}
    unit_of |= {f"{name}.{s.name}": s.unit for name, m in synapses.items() for s in m.states}
    counts = {name: np.zeros(0, np.int64) for name in spiking}
    sizes = {name: p.pre.size for name, p in net.projections.items() if p.plasticity}
    chosen = {
        name: np.arange(min(len(units), sizes.get(name.split(".")[0], len(units))))
        for name, units in text.states.items()
    }
    block = max(1, min(BLOCK, ROOM // max(1, events.width)))
    with Recorder(
        file,
        provenance=collect(text.seed, simulation=text.name),
        populations=spiking,
        states=chosen,
        dt=net.dt,
        units={name: unit_of[name] for name in chosen},
        compression=None if text.compression == "none" else text.compression,
    ) as recorder:
        recorder.attach("simulation", json.dumps(text.values, indent=1))
        _keep_weights(recorder, simulation, "start", synapses)
        for low in range(0, text.steps, block):
            high = min(low + block, text.steps)
            inputs = events.block(low, high) if events.width else None
            part = simulation.run(inputs, steps=high - low, record=chosen, every=text.every)
            for name, spikes in part.spikes.items():
                recorder.spikes(name, spikes.step, spikes.i)
                counts[name] = np.concatenate(
                    [counts[name], np.bincount(spikes.step - low, minlength=high - low)]
                )
            rows = -(-low // text.every) * text.every
            for name, values in part.states.items():
                recorder.state(name, rows + text.every * np.arange(values.shape[1]), values.T)
            tell(high, text.steps)
        _keep_weights(recorder, simulation, "end", synapses)
        found = {name: rates(c, spiking[name], net.dt) for name, c in counts.items()}
        recorder.ledger({"steps": text.steps, "rate_bin": BIN, "rates": found})


def _keep_weights(
    recorder: Recorder, simulation: Simulation, when: str, names: Iterable[str]
) -> None:
    """The weights of plastic projections, and the units that they come from and go to."""
    found = {name: simulation.synapses(name) for name in names}
    if not found:
        return
    recorder.weights(
        when,
        {name: synapses.w for name, synapses in found.items()},
        {name: (synapses.i, synapses.j) for name, synapses in found.items()},
    )


def _summary(text: SimulationText, net: Network, folder: Path) -> dict[str, Any]:
    """What the run left, and its picture."""
    seconds = text.steps * net.dt
    with open_run(folder) as run:
        spikes = {name: run.spikes(name) for name in run.populations}
        traces = {name: run.state(name) for name in run.states}
        draw_simulation(
            folder / RASTER, text.name, spikes, run.ledger["rates"], traces, run.states, seconds
        )
    rows = population_rows(spikes, seconds)
    return {
        "simulation": text.name,
        "seed": text.seed,
        "out": str(folder),
        "neurons": sum(p.n for p in net.populations.values() if p.model is not None),
        "inputs": sum(p.n for p in net.populations.values() if p.model is None),
        "steps": text.steps,
        "simulated_seconds": seconds,
        "spikes": sum(row["spikes"] for row in rows),
        "populations": rows,
    }


def _nobody(done: int, steps: int) -> None:
    pass

"""Parts of a run file as objects of neo; neo is imported when they are asked for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from neuro_rtrl.errors import RunFileError

if TYPE_CHECKING:
    from neuro_rtrl.engine.run_file import RunFile


def block(run: RunFile) -> Any:
    """A `neo.Block` with one segment: a spike train for each unit, a signal for each state.

    Spike trains are named "hidden[3]" and annotated with population and unit. A state that was
    recorded at every step is an `AnalogSignal`, others are an `IrregularlySampledSignal`.

    Raises:
        RunFileError: neo is not installed.
    """
    neo, seconds = _import_neo()
    made = neo.Block(name=str(run.provenance.get("experiment", run.path.stem)), **run.provenance)
    segment = neo.Segment(name="run")
    made.segments.append(segment)
    stop = max([0, *(_end(run, name) for name in _tables(run))]) * run.dt
    for name in run.populations:
        for unit, times in run.spikes(name).spike_trains().items():
            train = neo.SpikeTrain(times, units=seconds, t_stop=stop, name=f"{name}[{unit}]")
            train.annotate(population=name, unit=unit)
            segment.spiketrains.append(train)
    for name, unit_text in run.states.items():
        _add_state(neo, segment, run, name, unit_text, seconds)
    return made


def _add_state(
    neo: Any, segment: Any, run: RunFile, name: str, unit_text: str, seconds: Any
) -> None:
    steps, values, numbers = run.state(name)
    unit = _quantity(unit_text)
    labels = {"name": name, "array_annotations": {"unit": numbers}}
    if len(steps) > 1 and (np.diff(steps) == 1).all():
        start, period = float(steps[0]) * run.dt, run.dt * seconds
        signal = neo.AnalogSignal(
            values, units=unit, t_start=start * seconds, sampling_period=period, **labels
        )
        segment.analogsignals.append(signal)
    else:
        times = steps * run.dt
        signal = neo.IrregularlySampledSignal(
            times, values, units=unit, time_units=seconds, **labels
        )
        segment.irregularlysampledsignals.append(signal)


def _tables(run: RunFile) -> list[str]:
    return [*run.populations, *run.states]


def _end(run: RunFile, name: str) -> int:
    """The step after the last one of a table."""
    steps = run.spikes(name).step if name in run.populations else run.state(name).steps
    return int(steps[-1]) + 1 if len(steps) else 0


def _quantity(unit_text: str) -> Any:
    """The unit of a state; what is no single name that the library knows has none.

    The library would *evaluate* a text, and a text of a file is not to be run.
    """
    quantities = importlib.import_module("quantities")
    found = vars(quantities).get(unit_text) if unit_text.isidentifier() else None
    return found if isinstance(found, quantities.UnitQuantity) else quantities.dimensionless


def _import_neo() -> tuple[Any, Any]:
    try:
        neo, quantities = importlib.import_module("neo"), importlib.import_module("quantities")
    except ImportError as error:
        raise RunFileError(
            "neo is not installed",
            where="RunFile.to_neo",
            expected="neo, an optional library",
            remedy="Install it: python -m pip install neo",
        ) from error
    return neo, quantities.s

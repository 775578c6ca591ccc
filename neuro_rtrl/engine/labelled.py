"""Parts of a run file as `xarray.Dataset`; xarray is imported when one is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neuro_rtrl.engine import rows
from neuro_rtrl.errors import RunFileError

if TYPE_CHECKING:
    from neuro_rtrl.engine.run_file import RunFile


def labelled(run: RunFile, name: str) -> Any:
    """A state, a population's spikes or "loss" of an open run, in memory.

    Raises:
        RunFileError: the name is not in the file, or xarray is not installed.
    """
    xarray = _import_xarray()
    rows.require_known(name, [*run.states, *run.populations, "loss"], "name", run.path.name)
    data: dict[str, Any]
    if name in run.states:
        steps, values, units = run.state(name)
        data = {"values": (("step", "unit"), values, {"units": run.states[name]})}
        where = {"step": steps, "unit": units, "time": ("step", steps * run.dt)}
    elif name in run.populations:
        spikes = run.spikes(name)
        data = {"unit": ("step", spikes.i)}
        where = {"step": spikes.step, "time": ("step", spikes.t)}
    else:
        data = {"loss": ("iteration", run.loss), "score": ("iteration", run.score)}
        where = {"iteration": run.iteration}
    return xarray.Dataset(data, coords=where, attrs=dict(run.provenance))


def _import_xarray() -> Any:
    try:
        import xarray
    except ImportError as error:
        raise RunFileError(
            "xarray is not installed",
            where="RunFile.to_xarray",
            expected="xarray, an optional library",
            remedy="Install it: python -m pip install xarray",
        ) from error
    return xarray

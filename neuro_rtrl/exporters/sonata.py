"""SONATA output files, the format of BMTK, Blue Brain's tools and `libsonata`.

`spikes.h5` holds the events of all populations, `<population>.<variable>.h5` a report per recorded
state with one element per unit. As their readers demand: no compression, units on every time and
value, times in ms, reports in float32.

Reference: Dai et al. 2020, PLOS Computational Biology 16(2): e1007696.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neuro_rtrl.engine.run_file import RunFile, Trace, open_run
from neuro_rtrl.errors import RunFileError

MAGIC, VERSION = 0x0A7A, (0, 1)
SORTING = {"none": 0, "by_id": 1, "by_time": 2}
MS = 1e3


@dataclass(frozen=True)
class SonataExporter:
    """Writes `spikes.h5` and a report per recorded state."""

    name: str = "sonata"
    summary: str = "SONATA spikes and reports (HDF5)"

    def export(self, run: Path | str, out: Path | str) -> list[Path]:
        """Writes the files of a run into the folder `out`, which is made if need be.

        Args:
            run: a run file, or the folder of a run.
            out: the folder; files of the same names in it are replaced.

        Returns:
            The files written. A state without a single recorded step has no report.

        Raises:
            RunFileError: the run cannot be read, `out` cannot be written, or a state was recorded
                at steps that are not evenly spaced (a report has no place for gaps).

        >>> import tempfile
        >>> from neuro_rtrl.engine.recorder import Recorder
        >>> folder = tempfile.TemporaryDirectory()
        >>> with Recorder(folder.name + "/run.h5", provenance={"seed": 1},
        ...               populations={"hidden": 4}, dt=1e-3) as recorder:
        ...     recorder.spikes("hidden", [0, 3], [1, 2])
        >>> paths = EXPORTER.export(folder.name, folder.name + "/sonata")
        >>> with h5py.File(paths[0]) as file:
        ...     file["spikes/hidden/timestamps"][:].tolist()
        [0.0, 3.0]
        >>> folder.cleanup()
        """
        folder = Path(out)
        with open_run(run) as opened:
            traces = {name: opened.state(name) for name in opened.states}
            spacing = {name: _spacing(name, trace) for name, trace in traces.items()}
            try:
                folder.mkdir(parents=True, exist_ok=True)
                return [
                    _spikes(opened, folder / "spikes.h5"),
                    *(
                        _report(opened, name, trace, spacing[name], folder / f"{name}.h5")
                        for name, trace in traces.items()
                        if len(trace.steps)
                    ),
                ]
            except (OSError, RuntimeError) as error:
                raise RunFileError(
                    "the SONATA files cannot be written",
                    where=str(folder),
                    given=error,
                    expected="a folder that may be written, on a disk with free space",
                    remedy="Choose another folder.",
                ) from error


def _spacing(name: str, trace: Trace) -> int:
    """Steps between two rows of a trace."""
    gaps = np.unique(np.diff(trace.steps))
    if len(gaps) > 1:
        raise RunFileError(
            "a SONATA report needs evenly spaced steps",
            where=name,
            given=f"rows that are {gaps[0]} to {gaps[-1]} steps apart",
            expected="the same number of steps between all rows",
            remedy="Export the run with 'csv', which keeps the step of each row.",
        )
    return int(gaps[0]) if len(gaps) else 1


def _spikes(run: RunFile, path: Path) -> Path:
    with h5py.File(path, "w") as file:
        _header(file)
        file.create_group("spikes")
        for name in run.populations:
            spikes = run.spikes(name)
            group = file.create_group(f"spikes/{name}")
            kind = h5py.enum_dtype(SORTING, basetype="u1")
            group.attrs.create("sorting", SORTING["by_time"], dtype=kind)
            _with_units(group, "timestamps", spikes.step * (run.dt * MS), "ms")
            group.create_dataset("node_ids", data=spikes.i.astype("u8"))
    return path


def _report(run: RunFile, name: str, trace: Trace, spacing: int, path: Path) -> Path:
    count, start = len(trace.units), int(trace.steps[0])
    step = run.dt * MS
    stop = start + spacing * len(trace.steps)
    with h5py.File(path, "w") as file:
        _header(file)
        group = file.create_group(f"report/{name.rpartition('.')[0]}")
        _with_units(group, "data", trace.values.astype("f4"), run.states[name] or "1")
        mapping = group.create_group("mapping")
        mapping.create_dataset("node_ids", data=trace.units.astype("u8"))
        mapping.create_dataset("index_pointers", data=np.arange(count + 1, dtype="u8"))
        mapping.create_dataset("element_ids", data=np.zeros(count, dtype="u4"))
        _with_units(mapping, "time", np.array([start, stop, spacing]) * step, "ms")
    return path


def _header(file: Any) -> None:
    file.attrs["magic"] = np.uint32(MAGIC)
    file.attrs["version"] = np.array(VERSION, dtype="u4")


def _with_units(group: Any, name: str, values: np.ndarray, units: str) -> None:
    group.create_dataset(name, data=values).attrs["units"] = units


EXPORTER = SonataExporter()

"""Reads a run file back (`docs/hdf5.md`): events, state traces, loss, weights, ledger.

Nothing is read before it is asked for. A file whose run was interrupted reads as far as it goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np

from neuro_rtrl.engine import rows
from neuro_rtrl.engine.columns import counts, growing, plain, read_columns, sized
from neuro_rtrl.engine.influence import Influence
from neuro_rtrl.engine.isolation import require_survivable
from neuro_rtrl.engine.labelled import labelled
from neuro_rtrl.engine.layout import INFLUENCE
from neuro_rtrl.engine.neo_objects import block
from neuro_rtrl.engine.opening import UNREADABLE, open_parts, require_size, unreadable, whole
from neuro_rtrl.engine.run_plots import Plots
from neuro_rtrl.engine.spikes import Spikes


class Trace(NamedTuple):
    """A recorded state: steps (n_steps,), values (n_steps, n_units), unit numbers (n_units,)."""

    steps: np.ndarray
    values: np.ndarray
    units: np.ndarray


def open_run(path: str | Path, isolated: bool = False) -> RunFile:
    """Opens a run file, or the `run.h5` of a run's folder, for reading.

    Args:
        path: the file or folder.
        isolated: whether a child process reads the file first, as the command line has it done:
            for files from strangers, which HDF5 may not survive.

    Raises:
        RunFileError: there is no such file, it is not HDF5 or not ours, its schema is newer than
            this version of the package knows, or it is damaged.

    >>> import tempfile
    >>> from neuro_rtrl.engine.provenance import collect
    >>> from neuro_rtrl.engine.recorder import Recorder
    >>> folder = tempfile.TemporaryDirectory()
    >>> with Recorder(folder.name + "/run.h5", provenance=collect(seed=1),
    ...               populations={"hidden": 4}, dt=1e-3) as recorder:
    ...     recorder.spikes("hidden", [0, 0, 5], [1, 3, 1])
    >>> with open_run(folder.name) as run:
    ...     spikes = run.spikes("hidden")
    ...     run.seed, run.complete, spikes.t.tolist(), spikes.spike_trains()[1].tolist()
    (1, True, [0.0, 0.0, 0.005], [0.0, 0.005])
    >>> folder.cleanup()
    """
    path = Path(path)
    if isolated:
        require_survivable(path)
    path = path / "run.h5" if path.is_dir() else path
    return RunFile(open_parts(path), path)


class RunFile:
    """A run file that is open for reading (see `open_run`); a context manager.

    A run that was interrupted may lie in several files, of which each goes on where the one before
    ends; they are read as one.

    Attributes:
        path: the file, the last one if there are several.
        provenance: the root attributes: name -> text or number.
    """

    def __init__(self, files: Sequence[Any], path: Path) -> None:
        self._files, self._file, self.path = list(files), files[-1], path
        with self._reading():
            self.provenance = {name: plain(value) for name, value in files[0].attrs.items()}
            self.provenance["complete"] = plain(self._file.attrs["complete"])

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return int(self.provenance["seed"])

    @property
    def dt(self) -> float:
        """Duration of a step in seconds."""
        return float(self.provenance["dt"])

    @property
    def complete(self) -> bool:
        """False if the run was interrupted, or still goes on."""
        return bool(self.provenance["complete"])

    @property
    def whole(self) -> bool:
        """Whether the last file holds all of the run."""
        with self._reading():
            return whole(self._file)

    @cached_property
    def rows(self) -> dict[str, int]:
        """Table ("spikes/hidden", "loss") -> rows that were written."""
        tables = [f"spikes/{name}" for name in self.populations]
        tables += [f"states/{name}" for name in self.states]
        tables += [f"influence/{name}" for name in self.influences]
        with self._reading():
            return {
                table: sum(min(len(c) for c in growing(file[table])) for file in self._files)
                for table in [*tables, "loss"]
            }

    @cached_property
    def populations(self) -> dict[str, int]:
        """Name -> number of units, of the populations whose spikes were recorded."""
        with self._reading():
            return {name: int(group.attrs["n"]) for name, group in self._file["spikes"].items()}

    @cached_property
    def states(self) -> dict[str, str]:
        """Name of each recorded state -> its unit as text ("" if none was given)."""
        with self._reading():
            groups = self._file["states"].items()
            return {name: str(group["values"].attrs.get("units", "")) for name, group in groups}

    @cached_property
    def influences(self) -> dict[str, tuple[str, ...]]:
        """Population whose rows of the influence matrix were kept -> names of what learns."""
        with self._reading():
            groups = self._file.get("influence", {}).items()
            return {name: tuple(str(g.attrs["learned"]).split("\n")) for name, g in groups}

    @cached_property
    def texts(self) -> dict[str, str]:
        """The attached texts: the models', the experiment's."""
        with self._reading():
            texts = (text for file in self._files for text in file["provenance"].items())
            return {name: sized(text).asstr()[()] for name, text in texts}

    def spikes(self, population: str) -> Spikes:
        """The events of a population."""
        rows.require_known(population, self.populations, "population", self.path.name)
        step, unit = self._columns(f"spikes/{population}", "step", "unit")
        return Spikes(step, unit, self.populations[population], self.dt)

    def state(self, name: str) -> Trace:
        """The trace of a state such as "hidden.v"."""
        rows.require_known(name, self.states, "state", self.path.name)
        steps, values = self._columns(f"states/{name}", "step", "values")
        with self._reading():
            return Trace(steps, values, sized(self._file[f"states/{name}/unit"])[:])

    def influence(self, population: str) -> Influence:
        """Entries of the influence matrix: the rows of a population's units that were kept."""
        rows.require_known(population, self.influences, "population", self.path.name)
        value, *numbers = self._columns(f"influence/{population}", *INFLUENCE)
        unit, state, learned, number, step = numbers
        names = self.influences[population]
        return Influence(step, unit, state, learned, number, value, names)

    @property
    def iteration(self) -> np.ndarray:
        """Numbers of the iterations, shape (iterations,)."""
        return self._columns("loss", "iteration", "loss", "score")[0]

    @property
    def loss(self) -> np.ndarray:
        """Loss of each iteration, shape (iterations,)."""
        return self._columns("loss", "iteration", "loss", "score")[1]

    @property
    def score(self) -> np.ndarray:
        """Score of each iteration, shape (iterations,); NaN where there was no test."""
        return self._columns("loss", "iteration", "loss", "score")[2]

    def weights(self, when: str) -> dict[str, np.ndarray]:
        """The learned values at the "start" or the "end" of the run."""
        kept = self.kept_weights
        rows.require_known(when, kept, "time of weights", self.path.name)
        with self._reading():
            found = kept[when][f"weights/{when}"]
            require_size(Path(found.file.filename), *found.values())
            return {name: array[()] for name, array in found.items()}

    @property
    def kept_weights(self) -> dict[str, Any]:
        """Which of "start" and "end" are there -> the file that holds them."""
        with self._reading():
            times = [(when, file) for file in self._files for when in file["weights"]]
            return {when: file for when, file in times if when in ("start", "end")}

    @cached_property
    def indices(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Projection -> (pre, post) of its synapses at the start, in the order of its weights."""
        return {**self._indices("indices_end"), **self._indices("indices")}

    @cached_property
    def indices_end(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """The same at the end: they differ where synapses came and went."""
        return {**self.indices, **self._indices("indices_end")}

    def _indices(self, group: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        with self._reading():
            groups = (g for file in self._files for g in file["weights"].get(group, {}).items())
            pairs = {name: (ends["pre"], ends["post"]) for name, ends in groups}
            for pair in pairs.values():
                require_size(Path(pair[0].file.filename), *pair)
            return {name: (pre[:], post[:]) for name, (pre, post) in pairs.items()}

    @cached_property
    def ledger(self) -> dict[str, Any]:
        """The counts: numbers, arrays, and dictionaries of such."""
        with self._reading():
            return counts(self._file["ledger"])

    def summary(self) -> dict[str, Any]:
        """What is in the file, as plain values that `json.dumps` takes."""
        losses, scores = self.loss, self.score
        scores = scores[~np.isnan(scores)]
        return {
            "path": str(self.path),
            "complete": self.complete,
            "seed": self.seed,
            "dt": self.dt,
            "package_version": str(self.provenance.get("package_version", "")),
            "created": str(self.provenance.get("created", "")),
            "spikes": {name: len(self.spikes(name).i) for name in self.populations},
            "states": {name: list(self.state(name).values.shape) for name in self.states},
            "iterations": len(losses),
            "loss": float(losses[-1]) if len(losses) else None,
            "score": float(scores[-1]) if len(scores) else None,
        }

    def to_xarray(self, name: str) -> Any:
        """A state, a population's spikes or "loss" as an `xarray.Dataset` in memory.

        A state has the dimensions (step, unit) and the coordinates step, unit and time (seconds).
        """
        return labelled(self, name)

    @property
    def plot(self) -> Plots:
        """Pictures: `.raster("hidden")`, `.traces("hidden.v")`, `.loss()`, `.influence(...)`."""
        return Plots(self)

    def to_neo(self) -> Any:
        """The run as a `neo.Block`: spike trains and signals, in seconds."""
        return block(self)

    def close(self) -> None:
        """Closes the file."""
        for file in self._files:
            file.close()

    def __enter__(self) -> RunFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _columns(self, group: str, *names: str) -> list[np.ndarray]:
        with self._reading():
            return read_columns(self._files, group, names, self.complete)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        remedy = "Read within the context, or open it again."
        rows.require(
            bool(self._file), "the run file is closed", self.path.name, None, "an open one", remedy
        )
        try:
            yield
        except UNREADABLE as error:
            raise unreadable(self.path, error) from error

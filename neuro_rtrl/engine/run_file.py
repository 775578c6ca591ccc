"""Reads a run file back (`docs/hdf5.md`): events, state traces, loss, weights, ledger.

Nothing is read before it is asked for. A file whose run was interrupted reads as far as it goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import h5py
import numpy as np

from neuro_rtrl.engine import rows
from neuro_rtrl.engine.labelled import labelled
from neuro_rtrl.engine.layout import SCHEMA, SCHEMA_VERSION
from neuro_rtrl.engine.spikes import Spikes
from neuro_rtrl.errors import RunFileError


class Trace(NamedTuple):
    """A recorded state: steps (n_steps,), values (n_steps, n_units), unit numbers (n_units,)."""

    steps: np.ndarray
    values: np.ndarray
    units: np.ndarray


def open_run(path: str | Path) -> RunFile:
    """Opens a run file, or the `run.h5` of a run's folder, for reading.

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
    path = path / "run.h5" if path.is_dir() else path
    rows.require(
        path.is_file(),
        "there is no such run file",
        str(path),
        "nothing",
        "a file, or a folder that holds run.h5",
        "Give the folder that `neuro-rtrl run` wrote.",
    )
    try:
        file = h5py.File(path, "r")
    except (OSError, RuntimeError) as error:
        raise _unreadable(path, error) from error
    try:
        _check_schema(file, path)
    except RunFileError:
        file.close()
        raise
    return RunFile(file, path)


class RunFile:
    """A run file that is open for reading (see `open_run`); a context manager.

    Attributes:
        path: the file.
        provenance: the root attributes: name -> text or number.
    """

    def __init__(self, file: Any, path: Path) -> None:
        self._file, self.path = file, path
        with self._reading():
            self.provenance = {name: _plain(value) for name, value in file.attrs.items()}

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
    def texts(self) -> dict[str, str]:
        """The attached texts: the models', the experiment's."""
        with self._reading():
            return {name: text.asstr()[()] for name, text in self._file["provenance"].items()}

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
            return Trace(steps, values, self._file[f"states/{name}/unit"][:])

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
        with self._reading():
            kept = sorted({"start", "end"} & set(self._file["weights"]))
        rows.require_known(when, kept, "time of weights", self.path.name)
        with self._reading():
            return {name: array[()] for name, array in self._file[f"weights/{when}"].items()}

    @cached_property
    def indices(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Projection -> (pre, post) of its synapses, in the order of its weights."""
        with self._reading():
            groups = self._file["weights"].get("indices", {}).items()
            return {name: (ends["pre"][:], ends["post"][:]) for name, ends in groups}

    @cached_property
    def ledger(self) -> dict[str, Any]:
        """The counts: numbers, arrays, and dictionaries of such."""
        with self._reading():
            return _counts(self._file["ledger"])

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

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

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
        """Columns of a growing group; a killed process can leave them of different lengths."""
        with self._reading():
            columns = [self._file[f"{group}/{name}"] for name in names]
            length = min(len(column) for column in columns)
            parts = [self._sound_rows(column, length) for column in columns]
        length = min(len(part) for part in parts)
        return [part[:length] for part in parts]

    def _sound_rows(self, column: Any, length: int) -> np.ndarray:
        """The rows before the first chunk that a killed process has left half written."""
        rows_of_chunk = column.chunks[0]
        while True:
            try:
                return column[:length]
            except OSError:
                if self.complete or length == 0:
                    raise
                length = (length - 1) // rows_of_chunk * rows_of_chunk

    @contextmanager
    def _reading(self) -> Iterator[None]:
        remedy = "Read within the context, or open it again."
        rows.require(
            bool(self._file), "the run file is closed", self.path.name, None, "an open one", remedy
        )
        try:
            yield
        except (OSError, RuntimeError, KeyError, TypeError) as error:
            raise _unreadable(self.path, error) from error


def _check_schema(file: Any, path: Path) -> None:
    schema, version = file.attrs.get("schema", "none"), file.attrs.get("schema_version", 0)
    remedy = "Give the run.h5 that `neuro-rtrl run` wrote."
    wanted = f"an attribute schema = '{SCHEMA}'"
    rows.require(schema == SCHEMA, "not a file of a run", str(path), schema, wanted, remedy)
    newer = f"schema_version {SCHEMA_VERSION} or older"
    remedy = "Install a newer version of neuro_rtrl to read it."
    known = 1 <= version <= SCHEMA_VERSION
    rows.require(known, "the file's schema is not known", str(path), version, newer, remedy)


def _unreadable(path: Path, error: Exception) -> RunFileError:
    return RunFileError(
        "the run file cannot be read",
        where=str(path),
        given=error,
        expected="a whole HDF5 file that no run is writing to",
        remedy="If the run goes on, wait for its end; if the file is damaged, run again.",
    )


def _plain(value: Any) -> Any:
    """A NumPy scalar as Python's own number."""
    return value.item() if isinstance(value, np.generic) else value


def _counts(group: Any) -> dict[str, Any]:
    numbers = {name: _plain(value) for name, value in group.attrs.items()}
    parts = {
        name: _counts(part) if isinstance(part, h5py.Group) else part[()]
        for name, part in group.items()
    }
    return numbers | parts

"""Streams a run to HDF5: events, state traces, loss, weights, ledger (`docs/hdf5.md`).

The file has HDF5's default superblock and is flushed per block, so that a killed process leaves a
file that plain h5py opens; memory does not grow with the length of the run.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike

from neuro_rtrl.engine import rows
from neuro_rtrl.engine.growing import Growing, abandon, disk_errors, require_space
from neuro_rtrl.engine.layout import (
    RESERVED,
    Counts,
    add_loss,
    add_population,
    add_state,
    check_counts,
    keep_arrays,
    keep_counts,
    write_header,
)
from neuro_rtrl.errors import RunFileError


class Recorder:
    """Writes one run file; a context manager.

    Args:
        path: the file to make; it must not exist.
        provenance: what `provenance.collect(seed)` returns; each entry becomes a root attribute.
        populations: name -> number of units, of the populations whose spikes are recorded.
        states: "population.variable" -> numbers of the recorded units, shape (n_units,).
        dt: duration of a step in seconds.
        units: "population.variable" -> unit of the state as text ("1", "mV").
        precision: "float32" or "float64", in which states are stored.
        compression: "gzip" (with shuffle; every reader has it), "lzf" or None.
        flush_every: full blocks between two flushes of the file.
        flush_seconds: what is older than this is written by the next call, full block or not.
        block: values of a block, the unit in which data are buffered and written.

    Raises:
        RunFileError: the file exists or cannot be written, or a name or shape is refused.

    If an error leaves the context, the file is closed all the same, but its `complete` stays 0.

    >>> import tempfile, numpy as np
    >>> from neuro_rtrl.engine.provenance import collect
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = folder.name + "/run.h5"
    >>> with Recorder(path, provenance=collect(seed=1), populations={"hidden": 4},
    ...               states={"hidden.v": np.array([0, 2])}, dt=1e-3) as recorder:
    ...     recorder.spikes("hidden", [0, 0, 5], [1, 3, 2])
    ...     recorder.state("hidden.v", [0, 1], [[0.0, 0.1], [0.2, 0.3]])
    ...     recorder.loss(0, 0.7, score=0.5)
    >>> import h5py
    >>> with h5py.File(path) as file:
    ...     file["spikes/hidden/unit"][:].tolist(), file["states/hidden.v/values"].shape
    ([1, 3, 2], (2, 2))
    >>> folder.cleanup()
    """

    def __init__(
        self,
        path: str | Path,
        *,
        provenance: Mapping[str, str | int | float],
        populations: Mapping[str, int],
        states: Mapping[str, ArrayLike] | None = None,
        dt: float,
        units: Mapping[str, str] | None = None,
        precision: str = "float64",
        compression: str | None = "gzip",
        flush_every: int = 1,
        flush_seconds: float = 10.0,
        block: int = 65536,
    ) -> None:
        self._path = Path(path)
        self._compression, self._block = compression, block
        self._flush_every, self._flush_seconds = flush_every, flush_seconds
        self._blocks, self._flushed = 0, time.monotonic()
        self._tables: dict[str, Growing] = {}
        self._last: dict[str, int] = {}
        self._sizes = dict(populations)
        self._recorded = {
            name: rows.recorded(numbers, self._place(name))
            for name, numbers in (states or {}).items()
        }
        units = dict(units or {})
        rows.require_header(provenance, RESERVED, dt, self._place("provenance"))
        rows.require_populations(self._sizes, self._path.name)
        rows.require_states(self._recorded, self._sizes, units, self._path.name)
        rows.require_storage(precision, compression, self._path.name)
        self._file: Any = self._create()
        with self._writing():
            write_header(self._file, provenance, dt)
            self._add_tables(dt, precision, units)
            self._file.flush()

    def spikes(self, population: str, steps: ArrayLike, units: ArrayLike) -> None:
        """Appends events: step and unit of each, both (events,), in the order of the steps.

        Steps count from the start of the run and never go back, in one call or from call to call.
        """
        key = f"spikes/{population}"
        where = self._place(key)
        rows.require_known(population, self._sizes, "population", where)
        step, unit = rows.pair(steps, units, "steps and units", where)
        rows.in_range(unit, self._sizes[population], where)
        self._append(key, False, unit, step)

    def state(self, name: str, steps: ArrayLike, values: ArrayLike) -> None:
        """Appends values (n_steps, n_units) of the recorded units at growing steps (n_steps,)."""
        key = f"states/{name}"
        where = self._place(key)
        rows.require_known(name, self._recorded, "state", where)
        step = rows.whole(steps, "steps", where)
        self._append(key, True, rows.table(step, values, len(self._recorded[name]), where), step)

    def loss(self, iteration: int, loss: float, score: float | None = None) -> None:
        """Appends loss and score (NaN if there is none) of one iteration; iterations grow."""
        number = rows.whole([iteration], "iterations", self._place("loss"))
        values = np.array([[loss], [np.nan if score is None else score]], dtype=np.float64)
        self._append("loss", True, *values, number)

    def weights(
        self,
        when: str,
        arrays: Mapping[str, ArrayLike],
        indices: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    ) -> None:
        """Keeps the learned values at the "start" or the "end" of the run, once each.

        Args:
            when: "start" or "end".
            arrays: name -> values.
            indices: name of a projection -> (pre, post), each with one entry per weight.
        """
        where = self._place(f"weights/{when}")
        rows.require_known(when, ("start", "end"), "time of weights", where)
        rows.require(when not in self._opened()["weights"], "kept twice", where, when, "one call")
        values = {name: rows.weight(name, array, where) for name, array in arrays.items()}
        synapses = {}
        for name, (pre, post) in (indices or {}).items():
            rows.require_known(name, values, "weights", f"{where}: indices")
            synapses[name] = rows.pair(pre, post, "pre and post", f"{where}: {name}")
            given, expected = len(synapses[name][0]), values[name].size
            rows.require(given == expected, "not one pair per weight", where, given, expected)
        with self._writing(sum(array.nbytes for array in values.values()) * 5):
            keep_arrays(self._file["weights"].create_group(when), values, self._compression)
            known = self._file.require_group("weights/indices")
            for name in sorted(set(synapses) - set(known)):
                ends = dict(zip(("pre", "post"), synapses[name], strict=True))
                keep_arrays(known.create_group(name), ends, self._compression)
            self._file.flush()

    def ledger(self, counts: Counts) -> None:
        """Keeps counts: numbers, arrays, mappings of such; a later call replaces equal names."""
        check_counts(counts, self._place("ledger"))
        self._opened()
        with self._writing():
            keep_counts(self._file["ledger"], counts)
            self._file.flush()

    def attach(self, name: str, text: str) -> None:
        """Keeps a text (a model's, the experiment's) as `/provenance/<name>`."""
        where = self._place(f"provenance/{name}")
        rows.require_usable(name, where)
        taken = name in self._opened()["provenance"]
        rows.require(not taken, "a text of this name is attached", where, name, "a new name")
        rows.require("\0" not in text, "a NUL character in the text", where, name, "plain text")
        with self._writing(len(text) * 4):
            group = self._file["provenance"]
            group.create_dataset(name, data=text, dtype=h5py.string_dtype())
            self._file.flush()

    def flush(self) -> None:
        """Writes all that is buffered, and the file's metadata."""
        self._opened()
        with self._writing(sum(table.waiting_bytes() for table in self._tables.values())):
            for table in self._tables.values():
                table.write(everything=True)
            self._file.flush()
        self._blocks, self._flushed = 0, time.monotonic()

    def close(self) -> None:
        """Writes the rest and marks the file complete. Closing twice does nothing."""
        self._close(complete=True)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
            return
        # Of two errors the first one tells what happened: none from closing may take its place.
        with suppress(RunFileError):
            self._close(complete=False)

    def _close(self, complete: bool) -> None:
        if not self._file:
            return
        try:
            self.flush()
            with self._writing():
                self._file.attrs["complete"] = int(complete)
        finally:
            with self._writing(needs_space=False):
                self._file.close()

    def _append(self, key: str, strictly: bool, *columns: np.ndarray) -> None:
        self._opened()
        last = self._last.get(key, -1)
        self._last[key] = rows.in_order(columns[-1], last, strictly, self._place(key))
        table = self._tables[key]
        if table.append(*columns):
            with self._writing(table.waiting_bytes()):
                table.write(everything=False)
                self._blocks += 1
                if self._blocks >= self._flush_every:
                    self._file.flush()
                    self._blocks = 0
        if time.monotonic() - self._flushed > self._flush_seconds:
            self.flush()

    def _create(self) -> Any:
        free = not self._path.exists()
        remedy = "Delete it or choose another folder."
        rows.require(free, "the file exists", str(self._path), "a file", "a new path", remedy)
        with disk_errors(self._path):
            require_space(self._path, 0)
            return h5py.File(self._path, "x")

    def _add_tables(self, dt: float, precision: str, units: Mapping[str, str]) -> None:
        how = (dt, self._block, self._compression)
        for name, size in self._sizes.items():
            self._tables[f"spikes/{name}"] = add_population(self._file, name, size, *how)
        for name, numbers in self._recorded.items():
            unit = units.get(name, "")
            table = add_state(self._file, name, numbers, *how, precision, unit)
            self._tables[f"states/{name}"] = table
        self._tables["loss"] = add_loss(self._file, self._compression)

    @contextmanager
    def _writing(self, size: int = 0, needs_space: bool = True) -> Iterator[None]:
        if needs_space:
            require_space(self._path, size)
        try:
            with disk_errors(self._path):
                yield
        except RunFileError:
            abandon(self._file)
            raise

    def _opened(self) -> Any:
        remedy = "Record within the context of the recorder."
        rows.require(
            bool(self._file), "the run file is closed", self._path.name, None, "an open one", remedy
        )
        return self._file

    def _place(self, name: str) -> str:
        return f"{self._path.name}: {name}"

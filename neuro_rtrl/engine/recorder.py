"""Streams a run to HDF5: events, state traces, loss, weights, ledger (`docs/hdf5.md`).

The file has HDF5's default superblock and is flushed per block, so that a killed process leaves a
file that plain h5py opens; memory does not grow with the length of the run.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike

from neuro_rtrl.engine import growing, layout, rows
from neuro_rtrl.engine.growing import disk_errors, require_space
from neuro_rtrl.engine.seal import seal
from neuro_rtrl.errors import RunFileError


class Recorder:
    """Writes one run file; a context manager.

    Args:
        path: the file to make; it must not exist.
        provenance: what `provenance.collect(seed)` returns; each entry becomes a root attribute.
        populations: name -> number of units, of the populations whose spikes are recorded.
        states: "population.variable" -> numbers of the recorded units, shape (n_units,).
        influence: population whose rows of the influence matrix are kept -> names of what learns;
            the rows are appended by `append_rows`.
        dt: duration of a step in seconds.
        units: "population.variable" -> unit of the state as text ("1", "mV").
        precision: "float32" or "float64", in which states are stored.
        compression: "gzip" (with shuffle; every reader has it), "lzf", "zstd" (with hdf5plugin) or
            None.
        flush_every: full blocks between two flushes of the file.
        flush_seconds: what is older than this is written by the next call, full block or not.
        block: values of a block, the unit in which data are buffered and written.
        live: other processes may read along (HDF5's SWMR; such a file needs HDF5 1.10).

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
        influence: Mapping[str, Sequence[str]] | None = None,
        dt: float,
        units: Mapping[str, str] | None = None,
        precision: str = "float64",
        compression: str | None = "gzip",
        flush_every: int = 1,
        flush_seconds: float = 10.0,
        block: int = 65536,
        live: bool = False,
    ) -> None:
        self._path = Path(path)
        self._compression, self._live = compression, live
        self._flush_every, self._flush_seconds = flush_every, flush_seconds
        self.rows: dict[str, int] = {}
        self.last: dict[str, int] = {}
        self._sizes = dict(populations)
        self._recorded = {
            name: rows.recorded(numbers, self._place(name))
            for name, numbers in (states or {}).items()
        }
        self._header = dict(provenance)
        self._storage = layout.Storage(dt, block, compression, precision)
        looked = dict(influence or {})
        self._kinds = layout.Kinds(self._sizes, self._recorded, dict(units or {}), looked)
        self._file: Any = None
        self._tables: dict[str, growing.Growing] = {}
        rows.require_header(provenance, layout.RESERVED, dt, self._place("provenance"))
        rows.require_populations(self._sizes, self._path.name)
        rows.require_states(self._recorded, self._sizes, self._kinds.units, self._path.name)
        rows.require_storage(precision, compression, self._path.name)
        self._open()

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
        synapses = rows.synapses(indices or {}, values, where)
        self._hide()
        with self._writing(sum(array.nbytes for array in values.values()) * 5):
            layout.keep_weights(self._file["weights"], when, values, synapses, self._compression)
            self._file.flush()

    def ledger(self, counts: layout.Counts) -> None:
        """Keeps counts: numbers, arrays, mappings of such; a later call replaces equal names."""
        layout.check_counts(counts, self._place("ledger"))
        self._opened()
        self._hide()
        with self._writing():
            layout.keep_counts(self._file["ledger"], counts)
            self._file.flush()

    def attach(self, name: str, text: str) -> None:
        """Keeps a text (a model's, the experiment's) as `/provenance/<name>`."""
        where = self._place(f"provenance/{name}")
        rows.require_usable(name, where)
        taken = name in self._opened()["provenance"]
        rows.require(not taken, "a text of this name is attached", where, name, "a new name")
        rows.require("\0" not in text, "a NUL character in the text", where, name, "plain text")
        self._hide()
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

    def append_rows(self, table: str, *columns: np.ndarray) -> None:
        """Appends rows to a table ("spikes/hidden") as another run file has them."""
        self._append(table, not table.startswith(("spikes/", "influence/")), *columns)

    @property
    def tables(self) -> dict[str, list[str]]:
        """Table -> names of its columns."""
        return {key: list(table.columns) for key, table in self._tables.items()}

    def rotate(self, part: Path) -> None:
        """Closes the file, gives it the name `part`, and goes on in a new one.

        What has been closed no longer changes: whatever happens to this process, it can be read.
        """
        self._close(complete=False, sealing=True)
        with disk_errors(part):
            self._path.rename(part)
        self._open()

    def close(self, complete: bool = True) -> None:
        """Writes the rest, marks the file complete, and seals it. Closing twice does nothing."""
        self._close(complete, sealing=True)

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
            self._close(complete=False, sealing=False)

    def _close(self, complete: bool, sealing: bool) -> None:
        if not self._file:
            return
        try:
            self.flush()
            self._hide()
            with self._writing():
                self._file.attrs["complete"] = int(complete)
        finally:
            with self._writing(needs_space=False):
                self._file.close()
        if sealing:
            with disk_errors(self._path):
                seal(self._path)

    def _append(self, key: str, strictly: bool, *columns: np.ndarray) -> None:
        self._opened()
        last = self.last.get(key, -1)
        self.last[key] = rows.in_order(columns[-1], last, strictly, self._place(key))
        self.rows[key] = self.rows.get(key, 0) + len(columns[-1])
        table = self._tables[key]
        if self._live and not self._file.swmr_mode:
            with self._writing():
                self._file.swmr_mode = True
        if table.append(*columns):
            with self._writing(table.waiting_bytes()):
                table.write(everything=False)
                self._blocks += 1
                if self._blocks >= self._flush_every:
                    self._file.flush()
                    self._blocks = 0
        if time.monotonic() - self._flushed > self._flush_seconds:
            self.flush()

    def _hide(self) -> None:
        """Others can no longer read along: only then a file takes new names."""
        if self._live and self._file.swmr_mode:
            self.flush()
            with self._writing():
                self._file = growing.reopened(self._file, self._path, self._tables)

    def _open(self) -> None:
        free = not self._path.exists()
        remedy = "Delete it or choose another folder."
        rows.require(free, "the file exists", str(self._path), "a file", "a new path", remedy)
        self._blocks, self._flushed = 0, time.monotonic()
        with disk_errors(self._path):
            require_space(self._path, 0)
            with growing.created(self._path, self._live) as file:
                self._file = file
                layout.write_header(self._file, self._header, self._storage)
                self._tables = layout.make_tables(self._file, self._kinds, self._storage)

    @contextmanager
    def _writing(self, size: int = 0, needs_space: bool = True) -> Iterator[None]:
        if needs_space:
            require_space(self._path, size)
        try:
            with disk_errors(self._path):
                yield
        except RunFileError:
            growing.abandon(self._file, self._path)
            raise

    def _opened(self) -> Any:
        remedy = "Record within the context of the recorder."
        rows.require(
            bool(self._file), "the run file is closed", self._path.name, None, "an open one", remedy
        )
        return self._file

    def _place(self, name: str) -> str:
        return f"{self._path.name}: {name}"

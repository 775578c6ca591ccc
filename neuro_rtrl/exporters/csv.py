"""Tables of text (RFC 4180): one file per population's spikes, one per state, one for the loss.

Times are in seconds. Numbers are written with the fewest digits from which they can be read back
exactly; a score that was not measured is an empty cell.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neuro_rtrl.engine.run_file import RunFile, open_run
from neuro_rtrl.errors import RunFileError

ROWS = 4096


@dataclass(frozen=True)
class CsvExporter:
    """Writes `spikes_<population>.csv`, `state_<population.variable>.csv` and `loss.csv`.

    Columns: step, time_s, unit; step, time_s, unit_<number>...; iteration, loss, score.
    """

    name: str = "csv"
    summary: str = "Tables of text: spikes, states and loss"

    def export(self, run: Path | str, out: Path | str) -> list[Path]:
        """Writes the tables of a run into the folder `out`, which is made if need be.

        Args:
            run: a run file, or the folder of a run.
            out: the folder; files of the same names in it are replaced.

        Returns:
            The files written.

        Raises:
            RunFileError: the run cannot be read, or `out` cannot be written.

        >>> import tempfile
        >>> from neuro_rtrl.engine.recorder import Recorder
        >>> folder = tempfile.TemporaryDirectory()
        >>> with Recorder(folder.name + "/run.h5", provenance={"seed": 1},
        ...               populations={"hidden": 4}, dt=0.5) as recorder:
        ...     recorder.spikes("hidden", [0, 3], [1, 2])
        >>> [path.name for path in EXPORTER.export(folder.name, folder.name + "/csv")]
        ['spikes_hidden.csv', 'loss.csv']
        >>> print(Path(folder.name, "csv", "spikes_hidden.csv").read_text().strip())
        step,time_s,unit
        0,0.0,1
        3,1.5,2
        >>> folder.cleanup()
        """
        folder = Path(out)
        with open_run(run) as opened:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                return [
                    *(_spikes(opened, name, folder) for name in opened.populations),
                    *(_state(opened, name, folder) for name in opened.states),
                    _loss(opened, folder),
                ]
            except OSError as error:
                raise RunFileError(
                    "the tables cannot be written",
                    where=str(folder),
                    given=error,
                    expected="a folder that may be written, on a disk with free space",
                    remedy="Choose another folder.",
                ) from error


def _spikes(run: RunFile, name: str, folder: Path) -> Path:
    spikes = run.spikes(name)
    rows = zip(spikes.step.tolist(), spikes.t.tolist(), spikes.i.tolist(), strict=True)
    return _write(folder / f"spikes_{name}.csv", ["step", "time_s", "unit"], rows)


def _state(run: RunFile, name: str, folder: Path) -> Path:
    trace = run.state(name)
    header = ["step", "time_s", *(f"unit_{unit}" for unit in trace.units)]
    rows = _state_rows(trace.steps, trace.steps * run.dt, trace.values)
    return _write(folder / f"state_{name}.csv", header, rows)


def _state_rows(steps: np.ndarray, times: np.ndarray, values: np.ndarray) -> Iterator[list[object]]:
    for start in range(0, len(steps), ROWS):
        part = slice(start, start + ROWS)
        # As text, because a float32 has fewer digits than the float of Python it would become.
        texts = values[part].astype(str).tolist()
        for step, time, row in zip(steps[part].tolist(), times[part].tolist(), texts, strict=True):
            yield [step, time, *row]


def _loss(run: RunFile, folder: Path) -> Path:
    scores = ["" if np.isnan(score) else score for score in run.score.tolist()]
    rows = zip(run.iteration.tolist(), run.loss.tolist(), scores, strict=True)
    return _write(folder / "loss.csv", ["iteration", "loss", "score"], rows)


def _write(path: Path, header: list[str], rows: Iterable[Iterable[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path


EXPORTER = CsvExporter()

"""`compare`: one experiment, several rules, several seeds; one table and one picture.

docs/comparison.md defines every column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from neuro_rtrl.compare_board import Board
from neuro_rtrl.compare_figures import draw_comparison
from neuro_rtrl.compare_job import Job, workers_here
from neuro_rtrl.compare_plan import (
    JOBS,
    Rules,
    check_numbers,
    check_reference,
    chosen_rules,
    fingerprint,
    finished,
    keep,
    make_jobs,
)
from neuro_rtrl.compare_pool import Runner
from neuro_rtrl.compare_tables import by_rule, write_hdf5
from neuro_rtrl.errors import BuildError, writing
from neuro_rtrl.experiment_text import Experiment, at_point, load_experiment
from neuro_rtrl.outputs import Watcher, write_json

TABLE, HDF5, PICTURE = "comparison.json", "comparison.h5", "comparison.png"


def compare(
    experiment: str | Path,
    rules: Rules = "all",
    *,
    seeds: int = 1,
    seed: int | None = None,
    overrides: Iterable[str] = (),
    out: str | Path | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    probes: int = 4,
    reference: str = "rtrl",
    force: bool = False,
    progress: Watcher | None = None,
    say: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Trains one experiment with each rule and each seed, on equal data, and compares them.

    What is finished stays in the folder: called again, it runs only what is missing. A rule that
    fails, or cannot do what the experiment asks, has a row with its error.

    Args:
        experiment: a shipped experiment, or the path of a `.toml` file.
        rules: names (a text with commas, or several texts), "all", or rules as values.
        seeds: how many, counting up from the first.
        seed: the first one; the text's by default.
        overrides: `section.key=value` each, put in place of the text's values.
        out: folder of the results; `runs/compare-NAME` by default.
        workers: processes at a time; as many as there are cores by default.
        executor: runs the jobs instead of a pool of processes (threads, a cluster's executor).
        probes: how often gradients are compared with exact ones, the start included; 0: never.
        reference: the exact rule; "bptt" gives the same and is cheaper for large networks.
        force: start anew, forgetting what is finished.
        progress: called with the news of each job.
        say: called with what else there is to say, in words.

    Returns:
        `rows` (one for each rule and seed, as in comparison.json), `rules` (means over seeds),
        `experiment`, `out`, `pictures`, `interrupted`.

    Raises:
        DescriptionError, BuildError: the experiment or an argument does not work for any rule.
        RunFileError: the folder holds another comparison, or cannot be written.

    With processes, call it under `if __name__ == "__main__":` in a script.

    >>> import tempfile
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as threads:
    ...     found = compare("spiral", ["rtrl"], overrides=["learning.iterations=1"], probes=1,
    ...                     out=folder, executor=threads)
    >>> found["rows"][0]["rule"], round(found["rows"][0]["cosine"], 6)
    ('rtrl', 1.0)
    """
    check_numbers(seeds, probes, workers)
    check_reference(reference)
    chosen = chosen_rules(rules)
    text = _single(load_experiment(experiment, overrides))
    folder = Path("runs") / f"compare-{text.name}" if out is None else Path(out)
    mark = fingerprint(text, probes, reference)
    rows = finished(folder, mark, force)
    first = text.seed if seed is None else seed
    board = Board(_prepared(folder) / "progress")
    every = make_jobs(text, chosen, range(first, first + seeds), probes, reference, board.folder)

    def take(job: Job, row: dict[str, Any]) -> None:
        rows[job.key] = row
        if row["error"] is None:
            keep(folder, mark, job, row)

    runner = Runner(workers or workers_here(), board, progress or _silent, take, say or _silent)
    board.open()
    try:
        runner.run([job for job in every if job.key not in rows], executor)
    finally:
        board.close()
    in_order = sorted(every, key=lambda job: list(chosen).index(job.name))
    found = [rows[job.key] for job in in_order if job.key in rows]
    return _written(text, folder, found, runner, mark)


def _single(experiment: Experiment) -> Experiment:
    """The experiment's one point."""
    if len(experiment.points) > 1:
        labels = experiment.points[0].labels.items()
        settings = " ".join(f"--set 'sweep.only.{axis}=[\"{label}\"]'" for axis, label in labels)
        raise BuildError(
            "a sweep cannot be compared as a whole",
            where=experiment.file.name,
            given=f"{len(experiment.points)} points",
            expected="a single run",
            remedy=f"Choose a point, as in {settings}",
        )
    return at_point(experiment, experiment.points[0]) if experiment.points else experiment


def _prepared(folder: Path) -> Path:
    with writing("the folder of the comparison cannot be made", folder):
        (folder / JOBS).mkdir(parents=True, exist_ok=True)
    return folder


def _written(
    text: Experiment, folder: Path, rows: list[dict[str, Any]], runner: Runner, mark: str
) -> dict[str, Any]:
    """Writes tables and picture; the whole result."""
    table = by_rule(rows)
    write_json(folder / TABLE, [{k: v for k, v in row.items() if k != "curve"} for row in rows])
    write_hdf5(folder / HDF5, rows, {"experiment": text.name, "fingerprint": mark})
    pictures = _pictures(folder / PICTURE, text.name, rows, table, runner.say)
    return {
        "experiment": text.name,
        "rows": rows,
        "rules": table,
        "pictures": pictures,
        "interrupted": runner.interrupted,
        "out": str(folder),
    }


def _pictures(
    file: Path,
    name: str,
    rows: list[dict[str, Any]],
    table: list[dict[str, Any]],
    say: Callable[[str], None],
) -> list[str]:
    if all(row["error"] is not None for row in rows):
        return []
    try:
        draw_comparison(file, name, rows, table)
    except ModuleNotFoundError as error:
        say(f"No picture: {error.name} is not installed (pip install 'neuro_rtrl[plot]').")
        return []
    return [file.name]


def _silent(news: Any) -> None:
    """The watcher of a comparison that nobody watches."""

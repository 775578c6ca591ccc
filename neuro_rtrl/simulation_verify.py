"""Simulates again what a run file of `neuro-rtrl simulate` says, and compares bit for bit."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from neuro_rtrl.engine.run_file import RunFile, open_run
from neuro_rtrl.errors import RunFileError
from neuro_rtrl.experiment_verify import SHOWN, changed_versions, differences, reading_text
from neuro_rtrl.simulation_run import Tell, simulate_to_file
from neuro_rtrl.simulation_text import SimulationText, check_simulation

TEXT = "simulation"


def is_simulation(path: Path) -> bool:
    """Whether a run file is that of a simulation.

    Raises:
        RunFileError: it cannot be read.
    """
    with open_run(path) as run:
        return TEXT in run.texts


def verify_simulation(path: Path, tell: Tell) -> dict[str, Any]:
    """Simulates again what a run file describes, and compares.

    Args:
        path: a run file, or the folder of a run.
        tell: called after each block of steps.

    Returns:
        `identical`; `differences`, the first of each table; the number of `steps`; `versions` that
        are others now.

    Raises:
        RunFileError: the file cannot be read, does not say what was simulated, or was interrupted.
    """
    with open_run(path) as run, tempfile.TemporaryDirectory() as folder:
        text = _described(run)
        simulate_to_file(text, Path(folder) / "run.h5", tell)
        with open_run(folder) as again:
            found = list(differences(run, again))
        changed = changed_versions(run)
    return {
        "identical": not found,
        "steps": text.steps,
        "versions": changed or "the same",
        "differences": found[:SHOWN],
    }


def _described(run: RunFile) -> SimulationText:
    if not run.complete:
        raise RunFileError(
            "the simulation was interrupted: there is nothing whole to compare",
            where=str(run.path),
            given="complete = 0",
            expected="a file that was closed properly",
            remedy="Simulate again, with --force.",
        )
    name = f"{run.provenance.get(TEXT, TEXT)}.toml"
    with reading_text(run, TEXT, "a simulation"):
        return check_simulation(json.loads(run.texts[TEXT]), Path(name))

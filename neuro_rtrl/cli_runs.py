"""`neuro-rtrl info`, `verify` and `repair`: runs that are there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from neuro_rtrl import console
from neuro_rtrl.outputs import write_json

Run = Annotated[Path, typer.Argument(help="Folder of a run, or its run.h5.")]
JsonFile = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the result as JSON.")
]


def add_to(app: typer.Typer) -> None:
    """Makes the commands known."""
    for command in (info, verify, repair):
        app.command()(command)


def info(run: Run, json: JsonFile = None) -> None:
    """Show where a run comes from: versions, seed, data, checksums, what was recorded."""
    from neuro_rtrl.engine.isolation import require_survivable
    from neuro_rtrl.engine.run_info import information

    require_survivable(run)
    found = information(run)
    if json is not None:
        write_json(json, found)
    shown = {name: value for name, value in found.items() if not isinstance(value, dict)}
    console.show_values(str(run), shown)
    tables: dict[str, Any] = found["rows"]
    console.show_rows("recorded", [{"table": name, "rows": n} for name, n in tables.items()])


def verify(run: Run, json: JsonFile = None) -> None:
    """Run it again and compare everything bit for bit; exit code 1 if the two part."""
    from neuro_rtrl.engine.isolation import require_survivable
    from neuro_rtrl.experiment_verify import verify_run
    from neuro_rtrl.simulation_verify import is_simulation, verify_simulation

    require_survivable(run)
    if is_simulation(run):
        with console.counting(False, "steps") as tell:
            found = verify_simulation(run, tell)
    else:
        with console.watching(False) as progress:
            found = verify_run(run, progress)
    if json is not None:
        write_json(json, found)
    console.show_values(str(run), {k: v for k, v in found.items() if k != "differences"})
    for line in found["differences"]:
        print(line)
    if not found["identical"]:
        raise typer.Exit(1)


def repair(
    file: Annotated[Path, typer.Argument(help="A run file that a killed process left.")],
) -> None:
    """Make a whole, sealed file of one that was left open, with all rows that can be read."""
    from neuro_rtrl.engine.isolation import require_survivable
    from neuro_rtrl.engine.parts import repair as mend

    require_survivable(file, damaged_too=True)
    kept = mend(file)
    console.show_rows("kept", [{"table": name, "rows": count} for name, count in kept.items()])

"""`neuro-rtrl simulate`: a network without learning, from a text to a file and a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neuro_rtrl import console
from neuro_rtrl.outputs import write_json


def add_to(app: typer.Typer) -> None:
    """Makes the command known."""
    app.command()(simulate)


def simulate(
    simulation: Annotated[str, typer.Argument(help="Name of a simulation, or a .toml file.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder of results.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of every random draw.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Replace a value of the text."),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="Threads that share the units; the results are the same."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a run that is there.")] = False,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the result as JSON.")
    ] = None,
) -> None:
    """Simulate a network without learning: run.h5, summary.json and raster.png."""
    from neuro_rtrl.simulation_run import run_simulation

    with console.counting(quiet, "steps") as tell:
        found = run_simulation(
            simulation,
            out=out,
            seed=seed,
            overrides=settings or (),
            force=force,
            threads=threads,
            tell=tell,
        )
    if json is not None:
        write_json(json, found)
    if not quiet:
        console.show_rows(found["simulation"], found["populations"])
        keys = ("neurons", "synapses", "spikes", "simulated_seconds", "build_seconds", "seconds")
        console.show_values("", {key: found[key] for key in keys})
        console.hint(f"Results are in {found['out']}")

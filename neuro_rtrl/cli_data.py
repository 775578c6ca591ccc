"""`neuro-rtrl data`: recorded data, listed and fetched."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from neuro_rtrl import console
from neuro_rtrl.outputs import write_json

app = typer.Typer(
    name="data",
    help="Recorded data: what there is, and fetching it once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.command(name="list")
def list_(
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the result as JSON.")
    ] = None,
) -> None:
    """List the data sets: content, size of the download, licence, whether they are here."""
    from neuro_rtrl import data

    rows = data.listing()
    if json is not None:
        write_json(json, rows)
    console.show_rows("Data sets", rows)
    console.hint("Fetch one: neuro-rtrl data fetch NAME")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="Name of a data set.")],
    yes: Annotated[bool, typer.Option("--yes", help="Download without being asked.")] = False,
) -> None:
    """Download a data set after showing its size and licence; a second time it costs nothing."""
    from neuro_rtrl import data
    from neuro_rtrl.errors import DescriptionError

    chosen = data.carried(name)
    if data.kept(chosen) is None:
        console.hint(data.announcement(chosen))
        if not yes and not sys.stdin.isatty():
            raise DescriptionError(
                "nobody is there to be asked",
                where=f"neuro-rtrl data fetch {name}",
                given="no terminal",
                expected="the option --yes",
                remedy="Nothing was downloaded.",
            )
        if not yes and not typer.confirm("Download it?"):
            raise typer.Exit(1)
    arrays = data.fetch(name, tell=_already_told)
    shapes = {key: f"{array.shape} {array.dtype}" for key, array in arrays.items()}
    console.show_values(name, shapes)
    console.hint(f"Kept as {chosen.file}")


def _already_told(text: str) -> None:
    """The announcement was printed before the question."""

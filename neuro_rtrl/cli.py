"""The command line: run, compare, validate, gradcheck, list, export; simulate
(`cli_simulate.py`); data (`cli_data.py`); and what is done with runs that are there, info, verify
and repair (`cli_runs.py`).

Commands import what they need when they are called: `--help` has to be instant.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from neuro_rtrl import cli_runs, cli_simulate, console
from neuro_rtrl.cli_data import app as data_app
from neuro_rtrl.errors import NeuroRtrlError, enough_memory
from neuro_rtrl.outputs import write_json

app = typer.Typer(
    name="neuro-rtrl",
    help="Spiking networks that learn while they run, by exact sparse RTRL.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(data_app)
cli_runs.add_to(app)
cli_simulate.add_to(app)

JsonFile = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the result as JSON.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Replace a value of the text."),
]
OutFolder = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder of results.")]

# What the table at the end of a sweep shows of each point, besides its place.
POINT_COLUMNS = (
    "score",
    "iterations_to_99",
    "density",
    "compute_adjusted_iterations",
    "multiply_adds",
    "seconds",
)

GRADIENT_COLUMNS = (
    "model",
    "rule",
    "verdict",
    "reference",
    "max_relative_error",
    "difference_error",
    "cosine",
    "norm_ratio",
    "spikes",
    "remark",
)


def main(arguments: list[str] | None = None) -> None:
    """The console script; an error of the user's is one paragraph and exit code 2."""
    try:
        with console.plain_warnings(), enough_memory("neuro-rtrl"):
            app(args=arguments)
    except NeuroRtrlError as error:
        console.complain(error)
        raise SystemExit(2) from None


@app.command()
def run(
    experiment: Annotated[
        str, typer.Argument(help="Name of an experiment, or a .toml file; to resume, a folder.")
    ],
    out: OutFolder = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of every random draw.")] = None,
    settings: Settings = None,
    rule: Annotated[str | None, typer.Option(help="Learning rule.")] = None,
    every: Annotated[
        int | None,
        typer.Option("--checkpoint-every", min=1, metavar="N", help="Iterations between two."),
    ] = None,
    minutes: Annotated[
        float, typer.Option("--checkpoint-minutes", min=0, metavar="M", help="Minutes between two.")
    ] = 10.0,
    steps: Annotated[
        int | None,
        typer.Option("--checkpoint-steps", min=1, metavar="N", help="Steps between two."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint in the folder.")
    ] = False,
    max_memory: Annotated[
        str | None, typer.Option("--max-memory", metavar="SIZE", help='Such as "8 GiB".')
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Let others read run.h5 while it is written (SWMR).")
    ] = False,
    threads: Annotated[
        int | None, typer.Option(min=1, max=256, help="For exact RTRL; results are the same.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a run that is there.")] = False,
    json: JsonFile = None,
) -> None:
    """Train a network: run.h5, summary.json and pictures go to runs/EXPERIMENT."""
    from neuro_rtrl.engine.isolation import require_survivable
    from neuro_rtrl.engine.threads import set_threads
    from neuro_rtrl.experiment import run_experiment

    if threads is not None:
        set_threads(threads)
    if resume:
        require_survivable(Path(experiment) if out is None else out)
    with console.watching(quiet) as progress:
        summary = run_experiment(
            experiment,
            out=out,
            seed=seed,
            overrides=settings or (),
            rule=rule,
            force=force,
            progress=progress,
            checkpoint_every=every,
            checkpoint_minutes=minutes,
            checkpoint_steps=steps,
            resume=resume,
            live=live,
            max_memory=max_memory,
        )
    _write(json, summary)
    if not quiet:
        _show_summary(summary)
    if summary["interrupted"]:
        console.hint(f"Interrupted. Go on with: neuro-rtrl run {summary['out']} --resume")
        raise typer.Exit(143 if summary["signal"] == "SIGTERM" else 130)


@app.command()
def compare(
    experiment: Annotated[str, typer.Argument(help="Name of an experiment, or a .toml file.")],
    rules: Annotated[str, typer.Option(metavar="A,B,...", help="Names of rules, or all.")] = "all",
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds, counting up.")] = 1,
    seed: Annotated[int | None, typer.Option(min=0, help="The first seed.")] = None,
    settings: Settings = None,
    out: OutFolder = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes at a time.")] = None,
    probes: Annotated[int, typer.Option(min=0, help="How often gradients are compared.")] = 4,
    reference: Annotated[str, typer.Option(help="The exact rule: rtrl, or bptt.")] = "rtrl",
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Forget what is finished.")] = False,
    json: JsonFile = None,
) -> None:
    """Train with several rules on equal data: one table, one picture; goes on where it stopped."""
    from neuro_rtrl.compare_rules import compare as compare_rules

    with console.watching(quiet) as progress:
        found = compare_rules(
            experiment,
            rules,
            seeds=seeds,
            seed=seed,
            overrides=settings or (),
            out=out,
            workers=jobs,
            probes=probes,
            reference=reference,
            force=force,
            progress=progress,
            say=console.hint,
        )
    _write(json, [{k: v for k, v in row.items() if k != "curve"} for row in found["rows"]])
    if not quiet:
        console.show_comparison(found)
    if found["interrupted"]:
        raise typer.Exit(130)
    if all(row["error"] is not None for row in found["rows"]):
        raise typer.Exit(1)


@app.command()
def validate(
    model: Annotated[
        str, typer.Argument(help="Name of a model or a synapse, a .toml file, or all.")
    ],
    out: OutFolder = None,
    seconds: Annotated[float, typer.Option(help="Simulated time of each network.")] = 1.0,
    dt: Annotated[str, typer.Option(help="Time step.")] = "0.1 ms",
    seed: Annotated[int, typer.Option(min=0, help="Of wiring, parameters and input.")] = 0,
    json: JsonFile = None,
) -> None:
    """Compare a model with Brian2: same text, same input, same spikes; how long if not for ever."""
    from neuro_rtrl.validation import applicable, validate_named

    folder = Path("runs/validation") if out is None else out
    with console.counting(False, "models") as tell:
        reports = validate_named(model, seconds=seconds, dt=dt, out=folder, seed=seed, tell=tell)
    console.hint(f"Pictures and validation.html are in {folder}")
    if model == "all":
        console.hint(f"Not compared: {', '.join(sorted(applicable()[1]))} (map models).")
    for report in reports:
        for words in report.left_out:
            console.hint(f"Not compared: {report.model}, {words}.")
    _conclude("Against Brian2", [report.as_dict() for report in reports], json)


@app.command()
def gradcheck(
    name: Annotated[str, typer.Argument(help="Name of a model or an experiment, or all.")],
    rule: Annotated[
        str | None, typer.Option(help="Name of a rule, or all; without it the exact rules.")
    ] = None,
    json: JsonFile = None,
) -> None:
    """Check gradients against back-propagation and finite differences, or against exact RTRL."""
    from neuro_rtrl.checks import GOOD, gradcheck_named

    rows = gradcheck_named(name, rule)
    _write(json, rows)
    console.show_rows("Gradients", rows, GRADIENT_COLUMNS)
    rough = {row["rule"]: row["exactness"] for row in rows if row["verdict"] == "approximate"}
    if rough:
        console.show_values("Approximate rules", rough)
    if not all(row["verdict"] in GOOD for row in rows):
        raise typer.Exit(1)


@app.command(name="list")
def list_(
    kind: Annotated[
        str | None, typer.Argument(help="models, synapses, rules, tasks, experiments, ...")
    ] = None,
    json: JsonFile = None,
) -> None:
    """List what can be named; of rules, what they drop and where they are exact all the same."""
    from neuro_rtrl import registry

    kinds = registry.KINDS if kind is None else (kind,)
    found = {
        kind: registry.listing_with_exactness() if kind == "rules" else registry.listing(kind)
        for kind in kinds
    }
    _write(json, found)
    for kind, rows in found.items():
        console.show_rows(kind, rows, rows[0] if rows else ())


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run, or its run.h5.")],
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="Name of an exporter.")],
    out: OutFolder = None,
) -> None:
    """Write a run in another format."""
    from neuro_rtrl import registry
    from neuro_rtrl.engine.isolation import require_survivable

    exporter = registry.find("exporters", to, where="--to")
    require_survivable(run)
    folder = run if run.is_dir() else run.parent
    for file in exporter.export(run, out or folder / to):
        print(file)


def _write(file: Path | None, value: Any) -> None:
    if file is not None:
        write_json(file, value)


def _conclude(title: str, rows: list[dict[str, Any]], json: Path | None) -> None:
    """Shows the rows of a check; exit code 1 if one of them did not pass."""
    _write(json, rows)
    console.show_rows(title, rows)
    if not all(row["passed"] for row in rows):
        raise typer.Exit(1)


def _show_summary(summary: dict[str, Any]) -> None:
    if "points" in summary:
        rewired = any(row["connected"] for row in summary["points"])
        columns = (*summary["axes"], *POINT_COLUMNS, *(("connected",) if rewired else ()))
        console.show_rows(summary["experiment"], summary["points"], columns)
    else:
        hidden = ("experiment", "ledger", "out", "signal")
        shown = {key: value for key, value in summary.items() if key not in hidden}
        console.show_values(summary["experiment"], shown)
    console.hint(f"Results are in {summary['out']}")
